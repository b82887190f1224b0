//! Pings, and what keeps a connection open: anything that is heard of it within a minute.

use std::time::Duration;

use crate::harness::Server;
use crate::harness::macros::on_both;
use crate::harness::raw::{Frame, PONG, Raw, TEXT};

const ASK: &[u8] = br#"{"type":"ping"}"#;

/// The next frame that is no ping of the server's.
async fn but_pings(raw: &mut Raw) -> Frame {
    loop {
        match raw.next().await {
            Frame::Ping => {}
            frame => return frame,
        }
    }
}

/// Says something, and has it answered.
async fn talk(raw: &mut Raw) {
    raw.say(TEXT, ASK).await;
    assert!(matches!(but_pings(raw).await, Frame::Document(answer) if answer["type"] == "pong"));
}

on_both! {
    async fn text_alone_keeps_a_connection_open_and_pongs_alone_do_and_silence_ends_it(server) {
        let admin = server.admin().await;
        let mut text = Raw::connect(&server, &admin).await;
        let mut pongs = Raw::connect(&server, &admin).await;
        let mut silent = Raw::connect(&server, &admin).await;
        for step in 1..=15 {
            server.advance(Duration::from_secs(10)).await;
            // Every half a minute; that a pong was heard shows nowhere, but it has two more steps for it.
            if step % 3 == 0 {
                assert_eq!(pongs.next().await, Frame::Ping);
                pongs.say(PONG, b"").await;
                talk(&mut text).await;
            }
        }
        assert_eq!(but_pings(&mut silent).await, Frame::Closed(Some(1001)));
        assert_eq!(silent.next().await, Frame::End);
        for mut alive in [text, pongs] {
            talk(&mut alive).await;
        }
    }
}
