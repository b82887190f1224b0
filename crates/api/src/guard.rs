//! Lets a request in: knows the caller by its token, keeps the table of who may call what, and limits how often.

use crate::client_address;
use crate::error::{ApiError, Result};
use crate::permissions::{self, Access, Rule};
use crate::places::Place;
use crate::state::ApiState;
use app::Caller;
use app::rate_limit::Source;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::panic::resume_unwind;
use std::sync::Arc;

/// Checks every request that has a route. Paths and methods without one are answered by the fallbacks.
pub(crate) async fn check(State(state): State<Arc<ApiState>>, mut request: Request, next: Next) -> Response {
    // A method that the path does not take is answered as such behind this guard, where no handler sees it.
    let path = request.extensions().get::<MatchedPath>();
    let Some(rule) = path.and_then(|path| permissions::find(request.method().as_str(), path.as_str())) else {
        return next.run(request).await;
    };
    let address =
        state.config.trusted_proxies.client(client_address::peer(request.extensions()), request.headers());
    match admit(&state, rule.access, address.into(), Credentials::of(&request, rule)).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            if rule.is_carried_through { to_the_end(request, next).await } else { next.run(request).await }
        }
        Err(error) => error.into_response(),
    }
}

/// Runs a call to its end, even if its client goes away.
async fn to_the_end(request: Request, next: Next) -> Response {
    let place = request.extensions().get::<Option<Place>>().cloned();
    let answering = async move {
        let response = next.run(request).await;
        drop(place);
        response
    };
    match tokio::spawn(answering).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => ApiError::from(app::Error::Internal(error.to_string())).into_response(),
        },
    }
}

async fn admit(
    state: &ApiState,
    access: Access,
    source: Source,
    credentials: Option<Credentials>,
) -> Result<Option<Caller>> {
    let Access::Only(roles, scope) = access else {
        limit(state.by_address.take(source))?;
        return Ok(None);
    };
    let Some(credentials) = credentials else {
        limit(state.by_address.take(source))?;
        return Err(missing_token());
    };
    let caller = match credentials.check(state).await {
        Ok(caller) => caller,
        Err(error) => {
            limit(state.by_address.take(source))?;
            return Err(error.into());
        }
    };
    limit(state.by_caller.take(format!("{}/{}", caller.tenant(), caller.credential())))?;
    let (allowed, message) = match &caller {
        Caller::User(identity) => (roles.contains(&identity.role), "your role does not allow this"),
        Caller::Program(program) => (
            scope.is_some_and(|scope| program.scopes.contains(&scope)),
            "the API key's scopes do not allow this",
        ),
    };
    if allowed { Ok(Some(caller)) } else { Err(app::Error::Forbidden(message).into()) }
}

fn limit(taken: std::result::Result<(), std::time::Duration>) -> Result<()> {
    taken.map_err(|retry_after| app::Error::TooMany { what: "requests", retry_after }.into())
}

fn missing_token() -> ApiError {
    let message = "this call needs an access token: log in and send it as Authorization: Bearer TOKEN";
    ApiError::new(StatusCode::UNAUTHORIZED, "missing_token", message)
}

/// What a request brings along to say who calls.
enum Credentials {
    Token(String),
    Ticket(String),
}

impl Credentials {
    /// The header's token; otherwise the query's ticket, where one is taken.
    fn of(request: &Request, rule: &Rule) -> Option<Self> {
        let token = bearer(request.headers()).map(|token| Self::Token(token.to_owned()));
        token.or_else(|| {
            let query = if rule.takes_ticket { request.uri().query()? } else { return None };
            let ticket = query.split('&').find_map(|pair| pair.strip_prefix("ticket="))?;
            Some(Self::Ticket(ticket.to_owned()))
        })
    }

    async fn check(&self, state: &ApiState) -> app::Result<Caller> {
        match self {
            Self::Token(token) => state.app.gate.authenticate(token).await,
            // Boxed: the database's part is large, and few calls need it.
            Self::Ticket(ticket) => Box::pin(state.app.tickets.redeem(ticket)).await,
        }
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
