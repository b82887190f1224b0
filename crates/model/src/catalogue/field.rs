//! One field of a payload, and the short words in which the tables of the catalogue say it.

/// The words of an enumeration. Enumerations are open: whoever reads them must take one that is new.
#[derive(Debug, Clone, Copy)]
pub enum Words {
    /// These.
    These(&'static [&'static str]),
    /// Those of a type.
    Of(fn() -> Vec<&'static str>),
}

impl Words {
    /// The words that are known today.
    #[must_use]
    pub fn list(self) -> Vec<&'static str> {
        match self {
            Self::These(words) => words.to_vec(),
            Self::Of(words) => words(),
        }
    }
}

/// The words of a type that has `ALL` and `as_str`.
macro_rules! words_of {
    ($type:ty) => {
        $crate::catalogue::field::Words::Of(|| <$type>::ALL.iter().map(|one| one.as_str()).collect())
    };
}
pub(super) use words_of;

/// What stands in a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text; ids are texts too.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A duration in seconds, not negative, with fractions.
    Seconds,
    /// True or false.
    Boolean,
    /// A moment, RFC 3339 in UTC with milliseconds.
    Moment,
    /// One word of an open enumeration.
    Word(Words),
    /// An object with these fields, and perhaps more.
    Object(&'static [Field]),
    /// A list of these.
    List(&'static Kind),
    /// An object with any fields.
    AnyObject,
}

impl Kind {
    /// The fields inside: of an object, or of the objects in a list.
    #[must_use]
    pub fn inner(self) -> &'static [Field] {
        match self {
            Self::Object(fields) => fields,
            Self::List(kind) => kind.inner(),
            _ => &[],
        }
    }
}

/// One field of a payload.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// The key may be missing.
    pub optional: bool,
    /// It may be null.
    pub nullable: bool,
    /// Personal data, all that is inside it too.
    pub personal: bool,
    /// It is in the narrower view, if the event has one.
    pub team: bool,
    /// Nothing sets it yet: its name and type are fixed before.
    pub planned: bool,
    /// What it means, for people.
    pub description: &'static str,
    /// How it may look: the text, or the number or truth value in JSON. Optional fields
    /// without it, save objects, are left out of examples.
    pub like: Option<&'static str>,
}

impl Field {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            optional: false,
            nullable: false,
            personal: false,
            team: false,
            planned: false,
            description,
            like: None,
        }
    }

    pub(super) const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub(super) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(super) const fn personal(self) -> Self {
        Self { personal: true, ..self }
    }

    pub(super) const fn team(self) -> Self {
        Self { team: true, ..self }
    }

    /// It is optional, and missing so far.
    pub(super) const fn planned(self) -> Self {
        Self { planned: true, optional: true, ..self }
    }

    pub(super) const fn like(self, like: &'static str) -> Self {
        Self { like: Some(like), ..self }
    }

    /// Whether there is personal data in it.
    #[must_use]
    pub fn has_personal_data(&self) -> bool {
        self.personal || self.kind.inner().iter().any(Self::has_personal_data)
    }
}

pub(super) const fn text(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Text, description)
}

pub(super) const fn integer(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Integer, description)
}

pub(super) const fn number(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Number, description)
}

pub(super) const fn seconds(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Seconds, description)
}

pub(super) const fn boolean(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Boolean, description)
}

pub(super) const fn moment(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Moment, description)
}

pub(super) const fn word(name: &'static str, words: Words, description: &'static str) -> Field {
    Field::new(name, Kind::Word(words), description)
}

pub(super) const fn object(name: &'static str, fields: &'static [Field], description: &'static str) -> Field {
    Field::new(name, Kind::Object(fields), description)
}

pub(super) const fn list(name: &'static str, of: &'static Kind, description: &'static str) -> Field {
    Field::new(name, Kind::List(of), description)
}

pub(super) const fn any_object(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::AnyObject, description)
}
