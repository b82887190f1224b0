//! Frames to clients: never masked, never in fragments. Knows nothing of what they say.

use bytes::Bytes;
use serde::Serialize;

/// An empty ping.
pub(crate) const PING: Bytes = Bytes::from_static(&[0x89, 0]);

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;
/// The longest head.
const HEAD: usize = 10;

/// A text frame with the document as JSON.
pub(crate) fn text(document: &impl Serialize) -> Bytes {
    let mut frame = vec![0; HEAD];
    // None of the documents can fail to serialise: no maps with odd keys, no fallible parts.
    if serde_json::to_writer(&mut frame, document).is_err() {
        frame.truncate(HEAD);
    }
    framed(TEXT, frame)
}

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    control(PONG, &[payload])
}

/// A close frame; without a code it is empty.
pub(crate) fn close(code: Option<u16>, reason: &str) -> Bytes {
    match code {
        Some(code) => control(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()]),
        None => control(CLOSE, &[]),
    }
}

/// The payload of a frame.
pub(crate) fn document(frame: &Bytes) -> Bytes {
    let head = match frame.get(1) {
        Some(126) => 4,
        Some(127) => HEAD,
        _ => 2,
    };
    frame.slice(head.min(frame.len())..)
}

fn control(first: u8, parts: &[&[u8]]) -> Bytes {
    let mut frame = vec![0; HEAD];
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    framed(first, frame)
}

/// Writes the head right before the payload, which begins at `HEAD`.
fn framed(first: u8, mut frame: Vec<u8>) -> Bytes {
    let payload = frame.len() - HEAD;
    let start = match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(short), _) if short < 126 => {
            frame[HEAD - 1] = short;
            HEAD - 2
        }
        (_, Ok(medium)) => {
            frame[HEAD - 3] = 126;
            frame[HEAD - 2..HEAD].copy_from_slice(&medium.to_be_bytes());
            HEAD - 4
        }
        _ => {
            frame[1] = 127;
            frame[2..HEAD].copy_from_slice(&(payload as u64).to_be_bytes());
            0
        }
    };
    frame[start] = first;
    Bytes::from(frame).slice(start..)
}
