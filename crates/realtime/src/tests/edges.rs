//! Who comes online and who goes, found out by two servers with one database and no Redis.

use super::client::Client;
use super::support::*;
use crate::{Edge, Presence, Turn};
use model::Role;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Server {
    world: World,
    presence: Presence,
    edges: mpsc::Receiver<Edge>,
}

impl Server {
    async fn of(world: World) -> Self {
        world.hold_lease().await;
        let never = Duration::from_secs(3600);
        let (presence, edges) = Presence::in_a_hurry(world.hub.clone(), None, world.store.clone(), never);
        let running = presence.clone();
        tokio::spawn(async move { running.run(CancellationToken::new()).await });
        Self { world, presence, edges }
    }

    async fn connect(&self, users: &[String]) -> Vec<Client> {
        let mut clients = Vec::new();
        for user in users {
            clients.push(self.world.connect_as(user, Role::Agent).await);
        }
        clients
    }
}

async fn leave_all(clients: Vec<Client>) {
    for client in clients {
        client.leave().await;
    }
}

/// The next `count` edges that both servers tell, which are the same: the users, in order, and whether they come or go.
async fn edges(a: &mut Server, b: &mut Server, count: usize) -> (Vec<String>, Vec<bool>) {
    let mut told = [Vec::new(), Vec::new()];
    for (server, told) in [a, b].into_iter().zip(&mut told) {
        while told.len() < count {
            let edge = soon(server.edges.recv()).await.unwrap();
            let came = matches!(edge.what, Turn::Online { .. });
            told.push((edge.user.to_string(), came, edge.event));
        }
        told.sort();
    }
    assert_eq!(told[0], told[1]);
    told[0].iter().map(|(who, came, _)| (who.clone(), *came)).unzip()
}

#[tokio::test]
async fn an_edge_that_two_servers_see_is_told_once_on_each() {
    let mut a = Server::of(World::new(config()).await).await;
    let mut b = Server::of(a.world.neighbour()).await;
    let users: Vec<String> = (10..40).map(|n| format!("u{n}")).collect();
    for _ in 0..2 {
        let (on_a, on_b) = tokio::join!(a.connect(&users), b.connect(&users));
        let (who, came) = edges(&mut a, &mut b, users.len()).await;
        assert_eq!(who, users);
        assert!(came.iter().all(|came| *came));
        eventually("both count", || async { a.presence.total(&tenant()).await.unwrap() == 60 }).await;
        tokio::join!(leave_all(on_a), leave_all(on_b));
        eventually("nobody is left", || async { a.presence.total(&tenant()).await.unwrap() == 0 }).await;
        a.world.clock.advance(Duration::from_secs(6));
        b.world.clock.advance(Duration::from_secs(6));
        let (who, came) = edges(&mut a, &mut b, users.len()).await;
        assert_eq!(who, users);
        assert!(came.iter().all(|came| !came));
    }
    assert!(a.edges.try_recv().is_err() && b.edges.try_recv().is_err());
}
