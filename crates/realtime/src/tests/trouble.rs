//! What clients see of troubles that are the server's own.

use super::support::*;
use model::Audience;
use std::time::Duration;

#[tokio::test]
async fn a_loop_that_fails_closes_its_connections_and_goes_on() {
    let world = World::new(config()).await;
    for _ in 0..2 {
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(world.connect().await);
        }
        world.hub.0.loops.each_does(|| panic!("a test wants it"));
        for client in &mut clients {
            assert_eq!(client.closed().await, 1011);
        }
    }
    let mut client = world.connect().await;
    let events = world.publish(1).await;
    assert_eq!(client.next().await["seq"], events[0].seq);
    eventually("all places but one to be free", async || world.hub.total_connections() == 1).await;
}

#[tokio::test]
async fn an_event_that_alone_cannot_be_read_ends_its_tenants_connections_and_nobody_misses_it() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let events = world.commit((0..3).map(|_| custom("order.paid", Audience::default())).collect()).await;
    world.sql("UPDATE events SET event = 'no name' WHERE seq = 2").await;
    world.hub.committed(&[events[0].clone(), events[2].clone()]);
    assert_eq!(client.next().await["seq"], 1);
    // Nobody can say when the hole is known, so that the clock goes on until it has been for long enough.
    let code = tokio::select! {
        code = client.closed() => code,
        () = async { loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            world.clock.advance(Duration::from_secs(5));
        } } => unreachable!(),
    };
    assert_eq!(code, 1013);
    world.sql("UPDATE events SET event = 'order.paid' WHERE seq = 2").await;
    let mut again = world.resume(1).await;
    assert_eq!(again.next().await["type"], "connection.ready");
    assert_eq!((again.next().await["seq"].clone(), again.next().await["seq"].clone()), (2.into(), 3.into()));
}
