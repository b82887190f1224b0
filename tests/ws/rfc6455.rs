//! The protocol, frame by frame, as RFC 6455 has it: section numbers are its own.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::raw::{
    BINARY, CLOSE, ENDS, Frame, GOES_ON, HANDSHAKE, PING, PONG, Raw, TEXT, TEXT_BEGINS, head, masked, request,
};
use crate::harness::{Client, Server, json};

const ASK: &[u8] = br#"{"type":"ping"}"#;

/// The bytes close a fresh connection with this code.
async fn closes(server: &Server, admin: &Client, what: &str, bytes: &[u8], code: u16) {
    let mut raw = Raw::connect(server, admin).await;
    raw.send(bytes).await;
    let frame = raw.next().await;
    assert_eq!(frame, Frame::Closed(Some(code)), "{what}");
    raw.say(CLOSE, &code.to_be_bytes()).await;
    assert_eq!(raw.next().await, Frame::End, "{what}");
}

async fn is_alive(raw: &mut Raw) {
    raw.say(TEXT, ASK).await;
    raw.expect_document("pong").await;
}

/// The status with which a request is answered.
async fn answered(server: &Server, request: &str) -> (u16, String) {
    let mut raw = Raw::open(server).await;
    raw.send(request.as_bytes()).await;
    let answer = raw.answer().await;
    (answer[9..12].parse().expect("a status"), answer.to_lowercase())
}

on_both! {
    async fn the_handshake_4_2(server) {
        let admin = server.admin().await;
        let (status, answer) = answered(&server, &request(&admin, &HANDSHAKE)).await;
        assert_eq!(status, 101);
        assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
        for missing in 0..HANDSHAKE.len() {
            let mut headers = HANDSHAKE.to_vec();
            let (name, _) = headers.remove(missing);
            let (status, _) = answered(&server, &request(&admin, &headers)).await;
            assert_eq!(status, if name == "Sec-WebSocket-Version" { 426 } else { 400 }, "without {name}");
        }
        for (at, value, expected) in [(3, "short", 400), (3, "dGhlIHNhbXBsZSBub25jZQ", 400), (2, "8", 426), (1, "h2c", 400)] {
            let mut headers = HANDSHAKE.to_vec();
            headers[at].1 = value;
            let (status, answer) = answered(&server, &request(&admin, &headers)).await;
            assert_eq!(status, expected, "{value}");
            assert_eq!(answer.contains("sec-websocket-version: 13"), expected == 426, "{answer}");
        }
        let post = request(&admin, &HANDSHAKE).replacen("GET", "POST", 1);
        assert_eq!(answered(&server, &post).await.0, 405);
        let old = request(&admin, &HANDSHAKE).replacen("HTTP/1.1", "HTTP/1.0", 1);
        assert_eq!(answered(&server, &old).await.0, 400);
    }

    async fn headers_are_read_as_lists_of_any_case_4_2_1(server) {
        let admin = server.admin().await;
        let mut headers = HANDSHAKE.to_vec();
        headers[0].1 = "keep-alive, upgrade";
        headers[1].1 = "WebSocket";
        assert_eq!(answered(&server, &request(&admin, &headers)).await.0, 101);
    }

    async fn no_extension_is_taken_up_9_1(server) {
        let admin = server.admin().await;
        let offer = [("Sec-WebSocket-Extensions", "permessage-deflate"), ("Sec-WebSocket-Protocol", "chat")];
        let headers: Vec<_> = HANDSHAKE.into_iter().chain(offer).collect();
        let (status, answer) = answered(&server, &request(&admin, &headers)).await;
        assert_eq!(status, 101);
        assert!(!answer.contains("extensions") && !answer.contains("sec-websocket-protocol"), "{answer}");
    }

    async fn frames_right_behind_the_handshake_are_read(server) {
        let admin = server.admin().await;
        let mut raw = Raw::open(&server).await;
        let mut bytes = request(&admin, &HANDSHAKE).into_bytes();
        bytes.extend(masked(TEXT, br#"{"type":"ping","ref":1}"#));
        bytes.extend(&masked(TEXT, br#"{"type":"ping","ref":2}"#)[..7]);
        raw.send(&bytes).await;
        assert!(raw.answer().await.starts_with("HTTP/1.1 101 "));
        raw.expect_document("connection.ready").await;
        assert_eq!(raw.expect_document("pong").await["ref"], 1);
        raw.send(&masked(TEXT, br#"{"type":"ping","ref":2}"#)[7..]).await;
        assert_eq!(raw.expect_document("pong").await["ref"], 2);
    }

    async fn what_breaks_the_framing_closes_with_1002(server) {
        let admin = server.admin().await;
        let with_mask = |mut head: Vec<u8>| { head.extend([0; 4]); head };
        for (what, bytes) in [
            ("not masked (5.1)", head(TEXT, 2, false).into_iter().chain(*b"{}").collect()),
            ("RSV1 (5.2)", masked(0xc1, ASK)),
            ("RSV2", masked(0xa1, ASK)),
            ("RSV3", masked(0x91, ASK)),
            ("opcode 3", masked(0x83, ASK)),
            ("opcode 7", masked(0x87, ASK)),
            ("opcode 11", masked(0x8b, b"")),
            ("opcode 15", masked(0x8f, b"")),
            ("a length of 5 in 16 bits", with_mask(vec![TEXT, 0xfe, 0, 5])),
            ("a length of 300 in 64 bits", with_mask(vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 1, 44])),
            ("the top bit of a length", with_mask(vec![TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0])),
            ("a ping in fragments (5.4)", masked(0x09, b"")),
            ("a close in fragments", masked(0x08, b"")),
            ("a ping of 126 bytes (5.5)", masked(PING, &[b'a'; 126])),
            ("a close of 126 bytes", masked(CLOSE, &[3; 126])),
            ("a fragment of nothing (5.4)", masked(ENDS, ASK)),
            ("a message within a message", [masked(TEXT_BEGINS, b"{"), masked(TEXT, ASK)].concat()),
            ("a close of one byte (5.5.1)", masked(CLOSE, &[3])),
        ] {
            closes(&server, &admin, what, &bytes, 1002).await;
        }
    }

    async fn close_codes_7_4(server) {
        let admin = server.admin().await;
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            closes(&server, &admin, &code.to_string(), &masked(CLOSE, &code.to_be_bytes()), 1002).await;
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999_u16] {
            let mut raw = Raw::connect(&server, &admin).await;
            raw.say(CLOSE, &[&code.to_be_bytes()[..], b"bye"].concat()).await;
            assert_eq!(raw.next().await, Frame::Closed(Some(code)));
            assert_eq!(raw.next().await, Frame::End);
        }
        let mut raw = Raw::connect(&server, &admin).await;
        raw.say(CLOSE, b"").await;
        assert_eq!(raw.next().await, Frame::Closed(None));
        assert_eq!(raw.next().await, Frame::End);
        closes(&server, &admin, "a reason that is not UTF-8", &masked(CLOSE, b"\x03\xe8\xff"), 1007).await;
    }

    async fn nothing_behind_a_close_counts_5_5_1(server) {
        let admin = server.admin().await;
        let mut raw = Raw::connect(&server, &admin).await;
        raw.send(&[masked(CLOSE, &[3, 232]), masked(TEXT, ASK), vec![0xff; 9]].concat()).await;
        assert_eq!(raw.next().await, Frame::Closed(Some(1000)));
        assert_eq!(raw.next().await, Frame::End);
    }

    async fn fragments_with_control_frames_between_5_4(server) {
        let admin = server.admin().await;
        let mut raw = Raw::connect(&server, &admin).await;
        raw.say(TEXT_BEGINS, br#"{"type":"#).await;
        raw.say(PING, b"one").await;
        assert_eq!(raw.next().await, Frame::Pong(b"one".to_vec()));
        raw.say(GOES_ON, b"").await;
        raw.say(PONG, b"nobody asked").await;
        raw.say(GOES_ON, br#""ping","ref":"#).await;
        raw.say(PING, &[b'a'; 125]).await;
        assert_eq!(raw.next().await, Frame::Pong(vec![b'a'; 125]));
        raw.say(ENDS, b"7}").await;
        assert_eq!(raw.expect_document("pong").await["ref"], 7);
        // Byte by byte, as a network may cut it.
        for byte in masked(TEXT, ASK) {
            raw.send(&[byte]).await;
        }
        raw.expect_document("pong").await;
    }

    async fn text_is_utf8_8_1(server) {
        let admin = server.admin().await;
        let mut raw = Raw::connect(&server, &admin).await;
        let text = "{\"type\":\"ping\",\"ref\":\"\u{e4}\u{20ac}\u{1f600}\"}";
        let cut = text.find('\u{20ac}').unwrap_or(0) + 1;
        raw.say(TEXT_BEGINS, &text.as_bytes()[..cut]).await;
        raw.say(ENDS, &text.as_bytes()[cut..]).await;
        assert_eq!(raw.expect_document("pong").await["ref"], "\u{e4}\u{20ac}\u{1f600}");
        for bad in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
            closes(&server, &admin, "in one frame", &masked(TEXT, bad), 1007).await;
            let split = [masked(TEXT_BEGINS, &bad[..1]), masked(ENDS, &bad[1..])].concat();
            closes(&server, &admin, "in two", &split, 1007).await;
        }
        closes(&server, &admin, "before the end", &masked(TEXT_BEGINS, b"\"\xff"), 1007).await;
    }

    async fn binary_and_too_large_messages(server) {
        let admin = server.admin().await;
        closes(&server, &admin, "binary", &masked(BINARY, ASK), 1003).await;
        closes(&server, &admin, "binary in fragments", &masked(0x02, ASK), 1003).await;
        let most = vec![b' '; 64 << 10];
        let mut raw = Raw::connect(&server, &admin).await;
        raw.say(TEXT, &most).await;
        raw.expect_document("error").await;
        raw.say(TEXT_BEGINS, &most[1..]).await;
        raw.say(ENDS, b" ").await;
        raw.expect_document("error").await;
        closes(&server, &admin, "one byte more", &head(TEXT, (64 << 10) + 1, true), 1009).await;
        let split = [masked(TEXT_BEGINS, &most), masked(ENDS, b" ")].concat();
        closes(&server, &admin, "in fragments", &split, 1009).await;
        closes(&server, &admin, "beyond everything", &head(TEXT, i64::MAX as u64, true), 1009).await;
    }

    async fn a_client_that_stalls_or_never_answers_is_closed_after_60_seconds(server) {
        let admin = server.admin().await;
        let mut stalled = Raw::connect(&server, &admin).await;
        let mut deaf = Raw::connect(&server, &admin).await;
        let mut alive = Raw::connect(&server, &admin).await;
        stalled.send(&masked(TEXT, ASK)[..9]).await;
        for _ in 0..2 {
            server.advance(Duration::from_secs(30)).await;
            assert_eq!(alive.next().await, Frame::Ping);
            alive.say(PONG, b"").await;
            is_alive(&mut alive).await;
        }
        for silent in [&mut stalled, &mut deaf] {
            assert_eq!(silent.next().await, Frame::Ping);
            assert_eq!(silent.next().await, Frame::Closed(Some(1001)));
            assert_eq!(silent.next().await, Frame::End);
        }
        is_alive(&mut alive).await;
    }

    async fn a_flood_of_messages_closes_with_4429_and_errors_do_not_close(server) {
        let admin = server.admin().await;
        let mut other = Raw::connect(&server, &admin).await;
        let mut raw = Raw::connect(&server, &admin).await;
        raw.say(TEXT, b"nonsense").await;
        raw.expect_document("error").await;
        raw.send(&masked(TEXT, ASK).repeat(150)).await;
        let mut answered = 0;
        let last = loop {
            match raw.next().await {
                Frame::Document(_) => answered += 1,
                frame => break frame,
            }
        };
        assert_eq!((last, answered), (Frame::Closed(Some(4429)), 99));
        closes_after(&server, &admin, &masked(PING, b"").repeat(150), 4429).await;
        let empty = [masked(TEXT_BEGINS, b""), masked(GOES_ON, b"").repeat(150)].concat();
        closes_after(&server, &admin, &empty, 4429).await;
        is_alive(&mut other).await;
    }

    async fn connections_that_open_and_drop_in_a_loop_leave_nothing_behind(server) {
        let admin = server.admin().await;
        let whole = request(&admin, &HANDSHAKE);
        for turn in 0..60 {
            let mut raw = Raw::open(&server).await;
            let sent = if turn % 2 == 0 { 40 } else { whole.len() };
            raw.send(&whole.as_bytes()[..sent]).await;
        }
        crate::harness::wait::eventually("no connection is left", async || {
            let stats = admin.get("/api/v1/ws/stats").await.expect(200);
            (stats.data()["total_clients"] == json!(0)).then_some(())
        })
        .await;
    }
}

async fn closes_after(server: &Server, admin: &Client, bytes: &[u8], code: u16) {
    let mut raw = Raw::connect(server, admin).await;
    raw.send(bytes).await;
    loop {
        match raw.next().await {
            Frame::Pong(_) => {}
            frame => return assert_eq!(frame, Frame::Closed(Some(code))),
        }
    }
}
