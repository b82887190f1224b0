//! What a program with an API key may do.

use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($variant:ident = $word:literal),+ $(,)?) => {
        /// One permission of an API key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Scope {
            $(#[doc = $word] #[serde(rename = $word)] $variant),+
        }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the API and the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The scope of that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|scope| scope.as_str() == word)
            }
        }
    };
}

scopes! {
    EventsRead = "events:read", EventsWrite = "events:write",
    WebhooksRead = "webhooks:read", WebhooksWrite = "webhooks:write",
    AgentsRead = "agents:read", AgentsWrite = "agents:write",
    CallsRead = "calls:read", CallsWrite = "calls:write",
    QueuesRead = "queues:read", QueuesWrite = "queues:write",
    ChatRead = "chat:read", ChatWrite = "chat:write",
    NotificationsWrite = "notifications:write",
}
