//! The list of each WebSocket, for other servers to show. With SQLite, where there is one server, there is none. Knows
//! nothing of presence.

use crate::connection::Member;
use crate::hub::Whose;
use model::{ConnectionId, ServerId, TenantId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::user_connections::Owner;
use store::ws_connections::{self as rows, Connection};
use store::{Conn, Store};

/// What the columns hold.
const USER_AGENT_CHARS: usize = 300;
const ADDRESS_CHARS: usize = 64;

/// Which connections of this server's stand in the list.
pub(super) struct Listed {
    is_kept: bool,
    known: HashMap<Whose, HashSet<ConnectionId>>,
    /// Whose entries may have been removed by others.
    doubtful: HashSet<Whose>,
}

type Here = HashMap<Owner, Vec<Arc<Member>>>;

impl Listed {
    pub(super) fn new(store: &Store) -> Self {
        Self { is_kept: store.is_mysql(), known: HashMap::new(), doubtful: HashSet::new() }
    }

    /// Makes the list say what is here of those owners.
    pub(super) async fn write(
        &self,
        mut conn: Conn<'_>,
        server: &ServerId,
        tenant: &TenantId,
        owners: &[Owner],
        here: &Here,
    ) -> store::Result<()> {
        if !self.is_kept {
            return Ok(());
        }
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        for owner in owners {
            let known = self.known.get(&(tenant.clone(), owner.clone()));
            let members = here.get(owner).map_or(&[][..], Vec::as_slice);
            let is_doubtful = self.doubtful.contains(&(tenant.clone(), owner.clone()));
            let stands = |id: &ConnectionId| !is_doubtful && known.is_some_and(|known| known.contains(id));
            new.extend(members.iter().filter(|it| !stands(&it.id)).map(|it| connection(server, it)));
            let here: HashSet<&ConnectionId> = members.iter().map(|member| &member.id).collect();
            gone.extend(known.into_iter().flatten().filter(|id| !here.contains(id)).cloned());
        }
        rows::insert(conn.again(), tenant, &new).await?;
        rows::remove(conn, tenant, &gone).await
    }

    /// Notes what was written of an owner.
    pub(super) fn note(&mut self, whose: &Whose, members: Option<&Vec<Arc<Member>>>) {
        self.doubtful.remove(whose);
        match members {
            Some(members) if self.is_kept => {
                let ids = members.iter().map(|member| member.id.clone()).collect();
                self.known.insert(whose.clone(), ids);
            }
            _ => drop(self.known.remove(whose)),
        }
    }

    /// Others may have removed what stands there: all of it is to be written again.
    pub(super) fn doubt(&mut self) {
        self.doubtful.extend(self.known.keys().cloned());
    }
}

fn connection(server: &ServerId, member: &Member) -> Connection {
    Connection {
        id: member.id.clone(),
        server: server.clone(),
        user: member.user.clone(),
        connected_at: member.connected_at,
        remote_addr: member.remote_addr.chars().take(ADDRESS_CHARS).collect(),
        user_agent: member.user_agent.as_ref().map(|text| text.chars().take(USER_AGENT_CHARS).collect()),
    }
}
