//! E-mail addresses, as far as a sign-in name needs them.

use std::fmt;

/// An address with one `@`, something before it and a host behind it; at most 254 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Takes an address, without white space around it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, host) = text.rsplit_once('@')?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control();
        let ok = !local.is_empty() && !local.contains('@') && !host.is_empty() && text.len() <= 254;
        (ok && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which addresses are compared: upper and lower case are the same.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["a@b", "Admin@Example.com", "o'neil+x@sub.example.co"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b\n", "a@b@c", &format!("{}@b", "a".repeat(254))] {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
    }
}
