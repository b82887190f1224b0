//! Writes the catalogue as a page for people, `docs/events.md`.

use super::audience::{Audiences, Who};
use super::definition::{Definition, Group};
use super::field::{Field, Kind};
use super::{GROUPS, RESERVED_PREFIXES};
use std::fmt::{self, Write};

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("introduction.md");

/// The page as Markdown.
#[must_use]
pub fn document() -> String {
    let mut page = INTRODUCTION.replace("{prefixes}", &code_list(&RESERVED_PREFIXES));
    // A `String` takes everything.
    let _ = GROUPS.iter().try_for_each(|group| contents(&mut page, group));
    let _ = GROUPS.iter().try_for_each(|group| section(&mut page, group));
    page
}

fn contents(page: &mut String, group: &Group) -> fmt::Result {
    let link = |event: &Definition| format!("[{0}](#{1})", event.name, event.name.replace('.', ""));
    let links: Vec<String> = group.events.iter().map(link).collect();
    writeln!(page, "* **{}**: {}", group.title, links.join(", "))
}

fn section(page: &mut String, group: &Group) -> fmt::Result {
    writeln!(page, "\n## {}", group.title)?;
    if !group.introduction.is_empty() {
        writeln!(page, "\n{}", group.introduction)?;
    }
    writeln!(page, "\nAll of them have:\n")?;
    table(page, group.common.iter())?;
    group.events.iter().try_for_each(|event| entry(page, event))
}

fn entry(page: &mut String, event: &Definition) -> fmt::Result {
    writeln!(page, "\n### `{}`\n\n{}\n", event.name, event.description)?;
    let kind = if event.durable { "Durable" } else { "Of the moment" };
    let planned = if event.planned { "; nothing sends it yet" } else { "" };
    writeln!(page, "*{kind}{planned}.* {}", audience(event))?;
    let own = event.own.iter().filter(|field| !is_said(event.common, field));
    if own.clone().next().is_some() {
        writeln!(page)?;
        table(page, own)?;
    }
    Ok(())
}

/// Whether the table of the group has the same row.
fn is_said(common: &[Field], field: &Field) -> bool {
    common.iter().any(|other| {
        (other.name, other.description, other.optional) == (field.name, field.description, field.optional)
    })
}

fn audience(event: &Definition) -> String {
    let Audiences { full, team, visitor } = event.audience;
    let mut words = match full {
        [] => "Not on WebSockets.".to_owned(),
        full => format!("For {}.", people(full)),
    };
    if !team.is_empty() {
        let _ = write!(words, " For {}, {}.", people(team), narrower(event));
    }
    if let Some(what) = visitor {
        let _ = write!(words, " For the visitor: {what}.");
    }
    words
}

fn people(audience: &[Who]) -> String {
    let words: Vec<&str> = audience.iter().map(|who| who.in_words()).collect();
    words.join("; ")
}

/// What is in the narrower view.
fn narrower(event: &Definition) -> String {
    let (shown, withheld): (Vec<&Field>, Vec<&Field>) = event.fields().partition(|field| field.team);
    let names = |fields: &[&Field]| code_list(&fields.iter().map(|field| field.name).collect::<Vec<_>>());
    let what = match withheld.len() {
        0 => "all of it".to_owned(),
        few if 2 * few < shown.len() => format!("all but {}", names(&withheld)),
        _ => format!("only {}", names(&shown)),
    };
    let is_masked = shown.iter().any(|field| field.has_personal_data());
    if is_masked { format!("{what}, with personal data masked") } else { what }
}

fn table<'a>(page: &mut String, fields: impl Iterator<Item = &'a Field>) -> fmt::Result {
    writeln!(page, "| field | type | | meaning |\n|---|---|---|---|")?;
    rows(page, "", fields)
}

fn rows<'a>(page: &mut String, parent: &str, mut fields: impl Iterator<Item = &'a Field>) -> fmt::Result {
    fields.try_for_each(|field| {
        let name = format!("{parent}{}", field.name);
        writeln!(page, "| `{name}` | {} | {} | {} |", type_of(field.kind), marks(field), meaning(field))?;
        let inside =
            if matches!(field.kind, Kind::List(_)) { format!("{name}[].") } else { format!("{name}.") };
        rows(page, &inside, field.kind.inner().iter())
    })
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Integer => "integer".into(),
        Kind::Number => "number".into(),
        Kind::Seconds => "seconds".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Moment => "moment".into(),
        Kind::Word(_) => "word".into(),
        Kind::Object(_) | Kind::AnyObject => "object".into(),
        Kind::List(kind) => format!("list of {}", type_of(*kind)),
    }
}

fn marks(field: &Field) -> String {
    let marks = [(field.optional, "optional"), (field.nullable, "nullable"), (field.personal, "personal")];
    marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect::<Vec<_>>().join(", ")
}

fn meaning(field: &Field) -> String {
    let mut meaning = match field.kind {
        Kind::Word(words) => format!("{}: {}", field.description, code_list(&words.list())),
        _ => field.description.to_owned(),
    };
    if field.planned {
        meaning.push_str(" (nothing sets it yet)");
    }
    meaning
}

fn code_list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
