//! The reading half: hears the client, answers its messages, ends what breaks the rules. Knows nothing of events.

use super::rate::Rate;
use super::{Close, Context, End, client_message};
use crate::socket::{FrameStream, Incoming};
use crate::sync::lock;
use bytes::Bytes;

/// The longest message.
const MESSAGE_BYTES: usize = 64 << 10;

pub(super) async fn run(context: &Context<'_>, stream: &mut impl FrameStream) -> End {
    let mut rate = Rate::default();
    while let Some(incoming) = stream.recv().await {
        let now_ms = context.place.hub.0.now_ms();
        context.place.member.hear(now_ms);
        if !matches!(incoming, Incoming::Pong | Incoming::Close) && rate.is_exceeded(now_ms) {
            return End::Close(Close::TOO_MANY_MESSAGES);
        }
        match incoming {
            Incoming::Text(text) if text.len() <= MESSAGE_BYTES => answer(context, &text).await,
            Incoming::Text(_) | Incoming::TooLarge => return End::Close(Close::TOO_LARGE),
            Incoming::Binary => return End::Close(Close::BINARY),
            Incoming::Violation(code) => return End::Close(Close { code, reason: "not as RFC 6455 says" }),
            Incoming::Close => return End::ByClient,
            Incoming::Ping | Incoming::Pong => {}
        }
    }
    End::Gone
}

async fn answer(context: &Context<'_>, text: &Bytes) {
    let place = context.place;
    let answer = client_message::answer(text, &mut lock(&context.filter), place);
    if let Some(answer) = answer {
        context.outbox.put(answer, &place.member.wake).await;
    }
}
