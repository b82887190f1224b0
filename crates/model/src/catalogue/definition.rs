//! One event of the catalogue, and the groups in which people read of them.

use super::audience::Audiences;
use super::field::Field;

/// One event of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its dotted name.
    pub name: &'static str,
    /// Stored, numbered and delivered to webhooks; otherwise sent once, best effort.
    pub durable: bool,
    /// Nothing sends it yet: its name and payload are fixed before.
    pub planned: bool,
    /// Who gets it.
    pub audience: Audiences,
    /// When it is sent, for people.
    pub description: &'static str,
    /// The fields that all of its group have; one of `own` with the same name takes the place of it.
    pub common: &'static [Field],
    /// The fields of its own.
    pub own: &'static [Field],
}

impl Definition {
    /// All fields of the payload.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        let own = self.own;
        let is_own = move |field: &&Field| own.iter().any(|other| other.name == field.name);
        self.common.iter().filter(move |field| !is_own(field)).chain(own)
    }

    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.own.iter().chain(self.common).find(|field| field.name == name)
    }

    /// Whether there is personal data in the payload.
    #[must_use]
    pub fn has_personal_data(&self) -> bool {
        self.fields().any(Field::has_personal_data)
    }

    pub(super) const fn planned(self) -> Self {
        Self { planned: true, ..self }
    }
}

/// Events that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// What one should know of all of them.
    pub introduction: &'static str,
    /// The fields that all of them have.
    pub common: &'static [Field],
    /// The events.
    pub events: &'static [Definition],
}

/// The fields that all events of a group have, and so what its definitions begin with.
#[derive(Clone, Copy)]
pub(super) struct Common(pub &'static [Field]);

impl Common {
    pub(super) const fn durable(
        self,
        name: &'static str,
        audience: Audiences,
        description: &'static str,
        own: &'static [Field],
    ) -> Definition {
        Definition { name, durable: true, planned: false, audience, description, common: self.0, own }
    }

    pub(super) const fn ephemeral(
        self,
        name: &'static str,
        audience: Audiences,
        description: &'static str,
        own: &'static [Field],
    ) -> Definition {
        Definition { durable: false, ..self.durable(name, audience, description, own) }
    }
}
