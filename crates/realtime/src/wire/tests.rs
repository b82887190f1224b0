//! Raw bytes in, messages and faults out, whatever way the bytes are cut.

use super::*;
use proptest::prelude::*;
use serde_json::json;

const MASK: [u8; 4] = [0x1f, 0x2e, 0x3d, 0x4c];

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    match length {
        0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        126..65536 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// All that comes out of the bytes, fed in pieces of `piece`.
fn read_in_pieces(bytes: &[u8], piece: usize) -> Result<Vec<String>, Fault> {
    let (mut decoder, mut found) = (Decoder::default(), Vec::new());
    for piece in bytes.to_vec().chunks_mut(piece) {
        let mut input = &mut piece[..];
        while let Some(incoming) = decoder.next(&mut input)? {
            found.push(match incoming {
                Incoming::Text(text) => format!("text {}", String::from_utf8_lossy(&text)),
                Incoming::Fragment { is_empty } => format!("fragment {is_empty}"),
                Incoming::Ping(payload) => format!("ping {}", String::from_utf8_lossy(&payload)),
                Incoming::Pong => "pong".into(),
                Incoming::Close(code) => format!("close {code:?}"),
            });
        }
    }
    Ok(found)
}

/// The same in every way of cutting.
fn read(bytes: &[u8]) -> Result<Vec<String>, Fault> {
    let whole = read_in_pieces(bytes, usize::MAX);
    for piece in [1, 2, 3, 5, 7, 100] {
        assert_eq!(read_in_pieces(bytes, piece), whole, "in pieces of {piece}");
    }
    whole
}

#[test]
fn messages_come_whole_and_in_fragments_with_control_frames_between() {
    let mut bytes = frame(0x81, b"one");
    bytes.extend(frame(0x01, "tw\u{f6}".as_bytes().split_at(3).0));
    bytes.extend(frame(0x89, b"p"));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x8a, b"x"));
    bytes.extend(frame(0x80, "tw\u{f6}".as_bytes().split_at(3).1));
    bytes.extend(frame(0x81, b""));
    bytes.extend(frame(0x88, &[]));
    let expected = [
        "text one",
        "fragment false",
        "ping p",
        "fragment true",
        "pong",
        "text tw\u{f6}",
        "text ",
        "close None",
    ];
    assert_eq!(read(&bytes).unwrap(), expected);
}

#[test]
fn what_the_standard_forbids_is_found() {
    let unmasked = vec![0x81, 1, b'a'];
    let long_form = [vec![0x81, 0x80 | 126, 0, 5], MASK.to_vec(), b"hello".to_vec()].concat();
    let longest_form = [vec![0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 1, 0], MASK.to_vec()].concat();
    let top_bit = [vec![0x81, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0], MASK.to_vec()].concat();
    for bytes in [
        unmasked,
        long_form,
        longest_form,
        top_bit,
        frame(0xc1, b"a"),
        frame(0xa1, b"a"),
        frame(0x91, b"a"),
        frame(0x83, b"a"),
        frame(0x87, b"a"),
        frame(0x8b, b"a"),
        frame(0x8f, b"a"),
        frame(0x09, b"a"),
        frame(0x08, b""),
        frame(0x89, &[b'a'; 126]),
        frame(0x80, b"a"),
        frame(0x00, b"a"),
        [frame(0x01, b"a"), frame(0x81, b"a")].concat(),
        frame(0x88, b"a"),
    ] {
        assert_eq!(read(&bytes), Err(Fault::Protocol), "{:x?}", &bytes[..bytes.len().min(20)]);
    }
    assert_eq!(read(&frame(0x82, b"a")), Err(Fault::Binary));
}

#[test]
fn close_codes_are_those_of_the_registry() {
    for code in (0..=5000_u16).chain([u16::MAX]) {
        let is_fine = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let found = read_in_pieces(&frame(0x88, &code.to_be_bytes()), usize::MAX);
        assert_eq!(found.is_ok(), is_fine, "{code}");
    }
    assert_eq!(read(&frame(0x88, b"\x03\xe8bye")).unwrap(), ["close Some(1000)"]);
    assert_eq!(read(&frame(0x88, b"\x03\xe8\xff")), Err(Fault::NotUtf8));
}

#[test]
fn text_that_is_not_utf8_is_found_also_across_fragments() {
    for bad in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        assert_eq!(read(&frame(0x81, bad)), Err(Fault::NotUtf8), "{bad:x?}");
        let (first, second) = bad.split_at(bad.len() / 2);
        let split = [frame(0x01, first), frame(0x80, second)].concat();
        assert_eq!(read(&split), Err(Fault::NotUtf8), "{bad:x?}");
    }
    // At once, without waiting for the end of the message.
    assert_eq!(read(&frame(0x01, b"a\xff")), Err(Fault::NotUtf8));
}

#[test]
fn a_message_has_64_kib_at_most_in_one_frame_or_in_many() {
    let most = vec![b'a'; MESSAGE_BYTES];
    assert!(read_in_pieces(&frame(0x81, &most), 4096).is_ok());
    assert_eq!(read_in_pieces(&frame(0x81, &[b'a'; MESSAGE_BYTES + 1]), 4096), Err(Fault::TooLarge));
    let half = frame(0x01, &most[..40_000]);
    let more = |first, bytes| [half.clone(), frame(first, &vec![b'a'; bytes])].concat();
    assert!(read_in_pieces(&more(0x80, MESSAGE_BYTES - 40_000), 4096).is_ok());
    assert_eq!(read_in_pieces(&more(0x80, MESSAGE_BYTES - 39_999), 4096), Err(Fault::TooLarge));
    let huge = [vec![0x81, 0x80 | 127], (i64::MAX as u64).to_be_bytes().to_vec()].concat();
    assert_eq!(read(&huge), Err(Fault::TooLarge));
}

#[test]
fn nothing_is_kept_between_whole_frames_and_little_of_a_half_one() {
    let mut decoder = Decoder::default();
    let mut whole = [frame(0x81, b"hello"), frame(0x89, b"")].concat();
    let mut input = &mut whole[..];
    while decoder.next(&mut input).unwrap().is_some() {}
    assert_eq!(decoder.kept_bytes(), 0);
    let mut half = frame(0x81, &vec![b'a'; MESSAGE_BYTES]);
    half.truncate(100);
    assert_eq!(decoder.next(&mut &mut half[..]), Ok(None));
    assert!(decoder.kept_bytes() <= 200, "{}", decoder.kept_bytes());
}

#[test]
fn the_most_that_is_kept_is_a_message_and_a_head() {
    let mut decoder = Decoder::default();
    let mut most = 0;
    for round in 0..40_000 {
        let mut bytes = frame(u8::from(round == 0), b"aa");
        for byte in &mut bytes {
            if decoder.next(&mut std::slice::from_mut(byte)).is_err() {
                assert!(round * 2 >= MESSAGE_BYTES - 2);
                assert!(most <= MESSAGE_BYTES + 14, "{most}");
                return;
            }
            most = most.max(decoder.kept_bytes());
        }
    }
    panic!("a message without an end");
}

#[test]
fn frames_to_clients_have_the_shortest_head_and_give_their_document_back() {
    for (length, head) in [(10, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let document = json!("x".repeat(length - 2));
        let made = text(&document);
        assert_eq!(made.len(), length + head);
        assert_eq!(made[0], 0x81);
        assert_eq!(super::document(&made), document.to_string());
    }
    assert_eq!(&close(Some(1000), "bye")[..], b"\x88\x05\x03\xe8bye");
    assert_eq!((&close(None, "")[..], &pong(b"a")[..]), (&b"\x88\x00"[..], &b"\x8a\x01a"[..]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1..50_usize,
    ) {
        prop_assert_eq!(read_in_pieces(&bytes, piece), read_in_pieces(&bytes, usize::MAX));
    }

    #[test]
    fn any_fragments_of_a_text_give_the_text(text in "\\PC{0,200}", cuts in prop::collection::vec(0..600_usize, 0..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let last = cuts.len() - 2;
        let mut bytes = Vec::new();
        for (at, ends) in cuts.windows(2).enumerate() {
            let first = u8::from(at == 0) | if at == last { 0x80 } else { 0 };
            bytes.extend(frame(first, &text.as_bytes()[ends[0]..ends[1]]));
        }
        let found = read_in_pieces(&bytes, 17).unwrap();
        prop_assert_eq!(found.last().unwrap(), &format!("text {text}"));
    }
}
