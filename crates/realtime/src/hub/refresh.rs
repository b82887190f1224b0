//! Prolongs connections whose clients bring a new token. Knows nothing of tokens: whoever checks them is asked.

use super::Shared;
use crate::connection::{Close, Mail, Member};
use crate::frame;
use crate::sync::lock;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use model::{Memberships, Role, SessionId, TenantId, Timestamp, UserId};
use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::mpsc;

/// Tokens that wait to be checked; with more, clients are told to try again.
const WAITING: usize = 1024;
/// Tokens checked at a time.
const AT_A_TIME: usize = 16;

/// Whose token it is, as of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The user's present role.
    pub role: Role,
    /// The queues that the user is a member of now.
    pub queues: Memberships,
    /// The sign-in.
    pub session: SessionId,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// What checking a token comes to.
pub type CheckFuture<'a> = BoxFuture<'a, Result<Bearer, String>>;

/// Checks tokens.
pub trait Authority: Send + Sync {
    /// Whose access token this is, or why it is not good.
    fn check<'a>(&'a self, token: &'a str) -> CheckFuture<'a>;
}

/// A client's wish to go on with another token.
#[derive(Debug)]
struct Wish {
    member: Arc<Member>,
    token: String,
    reference: Option<Box<RawValue>>,
}

/// The wishes that wait, and who decides.
pub(crate) struct Refreshes {
    authority: OnceLock<Weak<dyn Authority>>,
    wishes: mpsc::Sender<Wish>,
    waiting: Mutex<Option<mpsc::Receiver<Wish>>>,
}

impl Default for Refreshes {
    fn default() -> Self {
        let (wishes, waiting) = mpsc::channel(WAITING);
        Self { authority: OnceLock::new(), wishes, waiting: Mutex::new(Some(waiting)) }
    }
}

impl Refreshes {
    pub(super) fn ask(&self, authority: &Arc<dyn Authority>) {
        // Set once, when the server is put together.
        let _ = self.authority.set(Arc::downgrade(authority));
    }

    /// Has the token checked; the client hears of it. False if there are too many already.
    pub(crate) fn wish(&self, member: &Arc<Member>, token: String, reference: Option<&RawValue>) -> bool {
        let reference = reference.map(ToOwned::to_owned);
        self.wishes.try_send(Wish { member: Arc::clone(member), token, reference }).is_ok()
    }
}

/// Grants or refuses what clients wish. For one caller.
pub(super) async fn run(shared: &Shared) {
    let Some(waiting) = lock(&shared.refreshes.waiting).take() else { return };
    let next = |mut waiting: mpsc::Receiver<Wish>| async { waiting.recv().await.map(|wish| (wish, waiting)) };
    stream::unfold(waiting, next).for_each_concurrent(AT_A_TIME, |wish| decide(shared, wish)).await;
}

async fn decide(shared: &Shared, Wish { member, token, reference }: Wish) {
    let reference = reference.as_deref();
    let answer = match check(shared, &member, &token).await {
        Ok(bearer) => {
            member.prolong(&bearer);
            // What ended between the check and now, the hub has not told this connection of.
            if check(shared, &member, &token).await.is_err() {
                member.close(Close::SESSION_OVER);
            }
            frame::refreshed(bearer.expires_at, reference)
        }
        Err((code, message)) => frame::error(code, &message, reference),
    };
    member.post(Mail::Answer(answer));
}

async fn check(shared: &Shared, member: &Member, token: &str) -> Result<Bearer, (&'static str, String)> {
    let authority = shared.refreshes.authority.get().and_then(Weak::upgrade);
    let authority = authority.ok_or_else(|| ("unavailable", "tokens cannot be checked now".to_owned()))?;
    let bearer = authority.check(token).await.map_err(|why| ("invalid_token", why))?;
    if bearer.tenant == member.tenant && Some(&bearer.user) == member.user.as_ref() {
        Ok(bearer)
    } else {
        Err(("wrong_user", "the access token is not of the user who is connected".to_owned()))
    }
}
