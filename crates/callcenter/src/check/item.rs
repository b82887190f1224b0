//! One item of the checklist.

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Works, and could bite.
    Warn,
    /// Production does not start like this.
    Fail,
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One item: its name, how it stands, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// A stable word.
    pub name: &'static str,
    /// How it stands.
    pub status: Status,
    /// One sentence.
    pub message: String,
}

impl Item {
    /// Nothing to do.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, message: message.into() }
    }

    /// Something to look at.
    pub fn warn(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, status: Status::Warn, message: message.into() }
    }

    /// Something to mend.
    pub fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, status: Status::Fail, message: message.into() }
    }

    /// Good, or else a warning.
    pub fn ok_or_warn(
        is_ok: bool,
        name: &'static str,
        ok: impl Into<String>,
        warn: impl Into<String>,
    ) -> Self {
        if is_ok { Self::ok(name, ok) } else { Self::warn(name, warn) }
    }
}
