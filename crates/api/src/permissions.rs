//! Who may call what: one table, and nothing that is not in it may be called.

use model::{Role, Scope};

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, signed in or not.
    Everybody,
    /// Signed-in users of these roles, and programs whose API key has the scope.
    Only(&'static [Role], Option<Scope>),
}

/// One call: who may make it, and how it is carried out.
pub(crate) struct Rule {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
    /// Takes a ticket in its query in place of a token.
    pub takes_ticket: bool,
    /// May write, so that it is to run to its end even if its client goes away: a handler that is dropped between a commit
    /// and what follows it would leave listeners and endpoints waiting until the log is looked through.
    pub is_carried_through: bool,
}

impl Access {
    /// Who may, in a sentence.
    pub(crate) fn who(&self) -> String {
        let Self::Only(roles, scope) = self else { return "For everybody, without signing in.".into() };
        let roles = match roles {
            [Role::Admin] => "admins",
            [Role::Admin, Role::Supervisor] => "supervisors and admins",
            _ => "every signed-in user",
        };
        match scope {
            Some(scope) => format!("For {roles}, and API keys with `{}`.", scope.as_str()),
            None => format!("For {roles}, not for API keys."),
        }
    }
}

const ADMINS: Access = admins_or(None);
const USERS: Access = users_or(None);
const EVERYBODY: Access = Access::Everybody;
const READ_WEBHOOKS: Access = admins_or(Some(Scope::WebhooksRead));
const WRITE_WEBHOOKS: Access = admins_or(Some(Scope::WebhooksWrite));

const READ_CALLS: Access = users_or(Some(Scope::CallsRead));
/// Of agents only what they do in their own calls.
const WRITE_OWN_CALLS: Access = users_or(Some(Scope::CallsWrite));
const REPORT_CALLS: Access = supervisors_or(Some(Scope::CallsWrite));
const READ_QUEUES: Access = users_or(Some(Scope::QueuesRead));
const WRITE_QUEUES: Access = admins_or(Some(Scope::QueuesWrite));
const SET_MEMBERS: Access = supervisors_or(Some(Scope::QueuesWrite));
/// Agents pause themselves; `app` keeps them from pausing others.
const PAUSE_MEMBERS: Access = users_or(Some(Scope::QueuesWrite));

const fn admins_or(scope: Option<Scope>) -> Access {
    Access::Only(&[Role::Admin], scope)
}

const fn supervisors_or(scope: Option<Scope>) -> Access {
    Access::Only(&[Role::Admin, Role::Supervisor], scope)
}

const fn users_or(scope: Option<Scope>) -> Access {
    Access::Only(&[Role::Admin, Role::Supervisor, Role::Agent], scope)
}

const fn rule(method: &'static str, path: &'static str, access: Access) -> Rule {
    let is_read = matches!(method.as_bytes(), b"GET");
    Rule { method, path, access, takes_ticket: false, is_carried_through: !is_read }
}

impl Rule {
    const fn with_ticket(self) -> Self {
        Self { takes_ticket: true, ..self }
    }

    /// For a call whose work is done by a task of its own in any case.
    const fn hands_its_work_on(self) -> Self {
        Self { is_carried_through: false, ..self }
    }
}

/// The table.
pub(crate) const TABLE: &[Rule] = &[
    rule("POST", "/api/v1/auth/login", EVERYBODY),
    rule("POST", "/api/v1/auth/refresh", EVERYBODY),
    rule("POST", "/api/v1/auth/logout", USERS),
    rule("POST", "/api/v1/auth/change-password", USERS),
    rule("GET", "/api/v1/auth/me", USERS),
    rule("POST", "/api/v1/auth/ws-ticket", USERS),
    rule("GET", "/api/v1/users", ADMINS),
    rule("POST", "/api/v1/users", ADMINS),
    rule("GET", "/api/v1/users/{id}", ADMINS),
    rule("PATCH", "/api/v1/users/{id}", ADMINS),
    rule("DELETE", "/api/v1/users/{id}", ADMINS),
    rule("GET", "/api/v1/api-keys", ADMINS),
    rule("POST", "/api/v1/api-keys", ADMINS),
    rule("DELETE", "/api/v1/api-keys/{id}", ADMINS),
    rule("POST", "/api/v1/events", admins_or(Some(Scope::EventsWrite))).hands_its_work_on(),
    rule("GET", "/api/v1/events", users_or(Some(Scope::EventsRead))),
    rule("GET", "/api/v1/events/stream", users_or(Some(Scope::EventsRead))),
    rule("GET", "/api/v1/agent-state", users_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/agent-state/available", users_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/agent-state/stats", supervisors_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/agent-state/me", USERS),
    rule("POST", "/api/v1/agent-state/me", USERS),
    rule("GET", "/api/v1/agent-state/me/stats", USERS),
    rule("POST", "/api/v1/agent-state/me/available", USERS),
    rule("POST", "/api/v1/agent-state/me/away", USERS),
    rule("POST", "/api/v1/agent-state/me/break", USERS),
    rule("POST", "/api/v1/agent-state/me/break/end", USERS),
    rule("POST", "/api/v1/agent-state/me/wrap-up/end", USERS),
    rule("POST", "/api/v1/agent-state/me/wrap-up/extend", USERS),
    rule("GET", "/api/v1/agent-state/{user_id}", users_or(Some(Scope::AgentsRead))),
    rule("PUT", "/api/v1/agent-state/{user_id}", supervisors_or(Some(Scope::AgentsWrite))),
    rule("POST", "/api/v1/agent-state/{user_id}/wrap-up/end", supervisors_or(Some(Scope::AgentsWrite))),
    rule("POST", "/api/v1/agent-state/{user_id}/wrap-up/extend", supervisors_or(Some(Scope::AgentsWrite))),
    rule("GET", "/api/v1/agent-state/{user_id}/history", users_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/agent-state/{user_id}/stats", users_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/calls", READ_CALLS),
    rule("POST", "/api/v1/calls", REPORT_CALLS),
    rule("GET", "/api/v1/calls/{id}", READ_CALLS),
    rule("PATCH", "/api/v1/calls/{id}", WRITE_OWN_CALLS),
    rule("POST", "/api/v1/calls/{id}/enqueue", REPORT_CALLS),
    rule("POST", "/api/v1/calls/{id}/dequeue", REPORT_CALLS),
    rule("POST", "/api/v1/calls/{id}/ring", REPORT_CALLS),
    rule("POST", "/api/v1/calls/{id}/miss", REPORT_CALLS),
    rule("POST", "/api/v1/calls/{id}/answer", WRITE_OWN_CALLS),
    rule("POST", "/api/v1/calls/{id}/hold", WRITE_OWN_CALLS),
    rule("POST", "/api/v1/calls/{id}/unhold", WRITE_OWN_CALLS),
    rule("POST", "/api/v1/calls/{id}/transfer", WRITE_OWN_CALLS),
    rule("POST", "/api/v1/calls/{id}/end", WRITE_OWN_CALLS),
    rule("GET", "/api/v1/event-types", users_or(Some(Scope::EventsRead))),
    rule("GET", "/api/v1/queues", READ_QUEUES),
    rule("POST", "/api/v1/queues", WRITE_QUEUES),
    rule("GET", "/api/v1/queues/{id}", READ_QUEUES),
    rule("PATCH", "/api/v1/queues/{id}", WRITE_QUEUES),
    rule("DELETE", "/api/v1/queues/{id}", WRITE_QUEUES),
    rule("GET", "/api/v1/queues/{id}/members", READ_QUEUES),
    rule("PUT", "/api/v1/queues/{id}/members/{user_id}", SET_MEMBERS),
    rule("DELETE", "/api/v1/queues/{id}/members/{user_id}", SET_MEMBERS),
    rule("POST", "/api/v1/queues/{id}/members/{user_id}/pause", PAUSE_MEMBERS),
    rule("POST", "/api/v1/queues/{id}/members/{user_id}/unpause", PAUSE_MEMBERS),
    rule("GET", "/api/v1/queues/{id}/entries", READ_QUEUES),
    rule("GET", "/api/v1/queues/{id}/stats", READ_QUEUES),
    rule("GET", "/api/v1/wallboard", supervisors_or(Some(Scope::AgentsRead))),
    rule("GET", "/api/v1/settings", ADMINS),
    rule("PATCH", "/api/v1/settings", ADMINS),
    rule("GET", "/api/v1/ws/stats", USERS),
    rule("GET", "/api/v1/ws/connections", ADMINS),
    rule("DELETE", "/api/v1/ws/connections/{id}", ADMINS),
    rule("GET", "/api/v1/ws/users/online", USERS),
    rule("GET", "/api/v1/ws/users/{id}/online", USERS),
    rule("GET", "/ws", users_or(Some(Scope::EventsRead))).with_ticket(),
    rule("GET", "/api/v1/webhooks", READ_WEBHOOKS),
    rule("POST", "/api/v1/webhooks", WRITE_WEBHOOKS),
    rule("GET", "/api/v1/webhooks/failed", READ_WEBHOOKS),
    rule("GET", "/api/v1/webhooks/{id}", READ_WEBHOOKS),
    rule("PUT", "/api/v1/webhooks/{id}", WRITE_WEBHOOKS),
    rule("PATCH", "/api/v1/webhooks/{id}", WRITE_WEBHOOKS),
    rule("DELETE", "/api/v1/webhooks/{id}", WRITE_WEBHOOKS),
    rule("POST", "/api/v1/webhooks/{id}/test", WRITE_WEBHOOKS),
    rule("POST", "/api/v1/webhooks/{id}/rotate-secret", WRITE_WEBHOOKS),
    rule("POST", "/api/v1/webhooks/{id}/replay", WRITE_WEBHOOKS),
    rule("GET", "/api/v1/webhooks/{id}/logs", READ_WEBHOOKS),
    rule("GET", "/api/v1/webhooks/{id}/logs/{log_id}", READ_WEBHOOKS),
    rule("POST", "/api/v1/webhooks/{id}/logs/{log_id}/retry", WRITE_WEBHOOKS),
    rule("GET", "/api/v1/webhooks/{id}/stats", READ_WEBHOOKS),
    rule("GET", "/health", EVERYBODY),
    rule("GET", "/health/live", EVERYBODY),
    rule("GET", "/health/ready", EVERYBODY),
    rule("GET", "/metrics", EVERYBODY),
    rule("GET", "/openapi.json", EVERYBODY),
    rule("GET", "/docs", EVERYBODY),
    rule("GET", "/", EVERYBODY),
    rule("POST", "/test/clock", EVERYBODY),
];

/// The rule for that call; `None` if the table does not know it.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Rule> {
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE.iter().find(|rule| rule.path == path && rule.method == method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const ABOUT: &str = "<!-- Made from crates/api/src/permissions.rs: edit it there, then UPDATE_DOCS=1 cargo test -p api -->
# Who may call what

What is not in this table may not be called. Whoever may not gets 403, without good credentials 401; another tenant's things are a 404.
Agents see and change of calls their own only, and pause themselves only; of their colleagues' states they see the state alone. `/ws` and
the event stream take a ticket in place of a token; `/metrics` has a token of its own ([metrics](metrics.md)). For the
wallboard a key needs `queues:read` and `calls:read` besides.

| call | admin | supervisor | agent | API key with |
|---|---|---|---|---|
";

    fn document() -> String {
        let mut text = ABOUT.to_owned();
        for rule in TABLE.iter().filter(|rule| rule.path != "/test/clock") {
            let (roles, scope) = match rule.access {
                Access::Everybody => (None, "no credentials needed"),
                Access::Only(roles, scope) => (Some(roles), scope.map_or("–", |scope| scope.as_str())),
            };
            let may = |role| if roles.is_none_or(|roles| roles.contains(&role)) { "✔" } else { "–" };
            let [admin, supervisor, agent] = [Role::Admin, Role::Supervisor, Role::Agent].map(may);
            let (method, path) = (rule.method, rule.path);
            let _ = writeln!(text, "| `{method} {path}` | {admin} | {supervisor} | {agent} | {scope} |");
        }
        text
    }

    #[test]
    fn the_documentation_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            written,
            document(),
            "docs/permissions.md is not what the table says: UPDATE_DOCS=1 cargo test -p api"
        );
    }
}
