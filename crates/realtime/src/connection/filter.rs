//! Which events a client asked for, among those that it may see. Knows nothing of who may see what.

use model::EventName;
use model::webhook::EventPattern;

/// Entries of a subscription at most.
pub(super) const ENTRIES: usize = 64;

/// A client's subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Filter {
    /// All that the user may see, because nothing was asked for.
    #[default]
    Everything,
    /// What any of these covers.
    Only(Vec<EventPattern>),
}

/// The subscription would become too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

impl Filter {
    /// Whether the client wants events of that name.
    pub(crate) fn wants(&self, name: &EventName) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
        }
    }

    /// Adds entries; the first ones replace the default, and `*` is the default again.
    pub(super) fn add(&mut self, entries: Vec<EventPattern>) -> Result<(), TooMany> {
        if entries.contains(&EventPattern::Any) {
            *self = Self::Everything;
            return Ok(());
        }
        let mut all = match self {
            Self::Everything => Vec::new(),
            Self::Only(patterns) => patterns.clone(),
        };
        for entry in entries {
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
        if all.len() > ENTRIES {
            return Err(TooMany);
        }
        *self = Self::Only(all);
        Ok(())
    }

    /// Removes entries. Removing `*` leaves nothing; other entries were not in the default.
    pub(super) fn remove(&mut self, entries: &[EventPattern]) {
        if entries.contains(&EventPattern::Any) {
            *self = Self::Only(Vec::new());
        } else if let Self::Only(patterns) = self {
            patterns.retain(|pattern| !entries.contains(pattern));
        }
    }

    /// The entries as text.
    pub(super) fn to_texts(&self) -> Vec<String> {
        match self {
            Self::Everything => vec![EventPattern::Any.to_text()],
            Self::Only(patterns) => patterns.iter().map(EventPattern::to_text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(texts: &[&str]) -> Vec<EventPattern> {
        texts.iter().map(|text| EventPattern::parse(text).unwrap()).collect()
    }

    fn wants(filter: &Filter, name: &str) -> bool {
        filter.wants(&EventName::parse(name).unwrap())
    }

    #[test]
    fn the_first_subscription_replaces_the_default_and_further_ones_add() {
        let mut filter = Filter::default();
        assert!(wants(&filter, "order.paid"));
        filter.add(entries(&["call.*"])).unwrap();
        assert!(wants(&filter, "call.ended") && !wants(&filter, "order.paid"));
        filter.add(entries(&["order.paid", "call.*"])).unwrap();
        assert_eq!(filter.to_texts(), ["call.*", "order.paid"]);
        assert!(
            wants(&filter, "call.ended") && wants(&filter, "order.paid") && !wants(&filter, "order.lost")
        );
    }

    #[test]
    fn unsubscribing_removes_and_a_star_is_everything_again() {
        let mut filter = Filter::default();
        filter.add(entries(&["call.*", "order.paid"])).unwrap();
        filter.remove(&entries(&["call.*"]));
        assert_eq!(filter.to_texts(), ["order.paid"]);
        filter.remove(&entries(&["order.paid"]));
        assert!(!wants(&filter, "order.paid"));
        filter.add(entries(&["*"])).unwrap();
        assert!(wants(&filter, "agent.login"));
        filter.remove(&entries(&["*"]));
        assert!(!wants(&filter, "agent.login"));
    }

    #[test]
    fn a_subscription_has_64_entries_at_most() {
        let names: Vec<String> = (0..65).map(|n| format!("custom.n{n}")).collect();
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut filter = Filter::default();
        assert_eq!(filter.add(entries(&texts)), Err(TooMany));
        assert!(matches!(filter, Filter::Everything));
        filter.add(entries(&texts[1..])).unwrap();
        assert_eq!(filter.add(entries(&texts[..1])), Err(TooMany));
    }
}
