//! Makes signing secrets. Knows nothing of who uses them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The mark of a secret whose rest is base64, as Standard Webhooks has it.
pub const PREFIX: &str = "whsec_";

/// A new secret: `whsec_` and the base64 of 32 random bytes.
#[must_use]
pub fn generate() -> String {
    let bytes: [u8; 32] = rand::random();
    format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))
}

/// Whether a secret that begins with the mark goes on in base64.
#[must_use]
pub fn is_well_formed(secret: &str) -> bool {
    secret.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty() && BASE64_STANDARD.decode(rest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_32_bytes_and_never_the_same() {
        let (one, other) = (generate(), generate());
        let bytes = BASE64_STANDARD.decode(one.strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        assert_ne!(one, other);
    }
}
