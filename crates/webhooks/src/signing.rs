//! Signs deliveries, in the product's own way and in that of Standard Webhooks. Knows nothing of HTTP.

use crate::secret;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

/// `X-Webhook-Signature`: `sha256=` and the lower-case hex of the HMAC over the raw body, keyed by the secret's own
/// bytes.
#[must_use]
pub fn body_signature(secret: &str, body: &[u8]) -> String {
    let mut text = String::with_capacity(7 + 64);
    text.push_str("sha256=");
    for byte in hmac(secret.as_bytes(), &[body]) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `webhook-signature`: one `v1,` signature for each secret, the newest first.
#[must_use]
pub fn standard_signature(secrets: &[&str], id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let sign = |secret: &&str| {
        let mac = hmac(&standard_key(secret), &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
        format!("v1,{}", BASE64_STANDARD.encode(mac))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// The bytes after `whsec_`, decoded; any other secret as it is.
fn standard_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(secret::PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is allowed, so that this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
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
        let signature = standard_signature(
            &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_quick_starts_python_formula_comes_out() {
        // hmac.new(b'test-secret-123', b'{"a":1}', hashlib.sha256).hexdigest()
        assert_eq!(
            body_signature("test-secret-123", br#"{"a":1}"#),
            "sha256=739a2d6d0b4c68498f1482ee1af9a56ec4ec9ac20ee871f42515f1b29c5f5862"
        );
    }

    #[test]
    fn after_a_rotation_both_secrets_sign() {
        let both = standard_signature(&["new", "old"], "id", 1, b"{}");
        let one = |secret| standard_signature(&[secret], "id", 1, b"{}");
        assert_eq!(both, format!("{} {}", one("new"), one("old")));
    }

    #[test]
    fn a_secret_that_only_looks_like_base64_is_taken_as_bytes() {
        assert_eq!(standard_key("whsec_not base64"), b"whsec_not base64");
        assert_eq!(standard_key("test-secret-123"), b"test-secret-123");
    }
}
