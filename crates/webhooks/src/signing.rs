//! Signs deliveries, in the product's own way and in that of Standard Webhooks. Knows nothing of HTTP.

use crate::secret;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use model::Timestamp;
use sha2::Sha256;

type Key = Hmac<Sha256>;

/// An endpoint's secrets, made ready once for all that is signed with them.
#[derive(Clone)]
pub struct Signer {
    /// Keyed by the secret's own bytes.
    own: Key,
    standard: Key,
    /// The secret before, and until when it signs beside the new one.
    previous: Option<(Key, Timestamp)>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// Signs with `secret`, and with a previous one until its time is over.
    #[must_use]
    pub fn new(secret: &str, previous: Option<(&str, Timestamp)>) -> Self {
        Self {
            own: keyed(secret.as_bytes()),
            standard: keyed(&standard_key(secret)),
            previous: previous.map(|(secret, until)| (keyed(&standard_key(secret)), until)),
        }
    }

    /// `X-Webhook-Signature`: `sha256=` and the lower-case hex of the HMAC over the raw body, keyed by the secret's own
    /// bytes.
    #[must_use]
    pub fn body_signature(&self, body: &[u8]) -> String {
        format!("sha256={}", model::hex(&hmac(&self.own, &[body])))
    }

    /// `webhook-signature`: one `v1,` signature for each secret that signs at that moment, the newest first.
    #[must_use]
    pub fn standard_signature(&self, id: &str, now: Timestamp, body: &[u8]) -> String {
        let seconds = now.unix_seconds().to_string();
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now).map(|(key, _)| key);
        let mut text = String::with_capacity(2 * (4 + 44));
        for key in std::iter::once(&self.standard).chain(previous) {
            text.push_str(if text.is_empty() { "v1," } else { " v1," });
            let mac = hmac(key, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
            BASE64_STANDARD.encode_string(mac, &mut text);
        }
        text
    }
}

/// The bytes after `whsec_`, decoded; any other secret as it is.
fn standard_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(secret::PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn keyed(key: &[u8]) -> Key {
    // A key of any length is allowed, so that this never fails.
    Key::new_from_slice(key).unwrap_or_else(|_| Key::new(&hmac::digest::Key::<Key>::default()))
}

fn hmac(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_standard_webhooks_comes_out() {
        // From the specification's reference libraries.
        let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        let signature = signer.standard_signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp(1_614_265_330_000),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_quick_starts_python_formula_comes_out() {
        // hmac.new(b'test-secret-123', b'{"a":1}', hashlib.sha256).hexdigest()
        assert_eq!(
            Signer::new("test-secret-123", None).body_signature(br#"{"a":1}"#),
            "sha256=739a2d6d0b4c68498f1482ee1af9a56ec4ec9ac20ee871f42515f1b29c5f5862"
        );
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_until_the_old_ones_time_is_over() {
        let sign = |signer: Signer, at| signer.standard_signature("id", Timestamp(at), b"{}");
        let both = |at| sign(Signer::new("new", Some(("old", Timestamp(2_000)))), at);
        let one = |secret| sign(Signer::new(secret, None), 1_000);
        assert_eq!(both(1_000), format!("{} {}", one("new"), one("old")));
        assert_eq!(both(1_999).split(' ').count(), 2);
        assert_eq!(both(2_000).split(' ').count(), 1);
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Signer::new("hush", None)), "Signer { .. }");
    }

    #[test]
    fn a_secret_that_only_looks_like_base64_is_taken_as_bytes() {
        assert_eq!(standard_key("whsec_not base64"), b"whsec_not base64");
        assert_eq!(standard_key("test-secret-123"), b"test-secret-123");
    }
}
