//! Access tokens (JWT, RFC 7519, signed with HS256) and refresh tokens. Knows nothing of users or sessions in the
//! database.
//!
//! A refresh token names its session and generation and carries a proof made with the server's secret, so none needs to
//! be stored, and the successor of a token is always the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use model::{Role, SessionId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub sub: UserId,
    pub tenant_id: TenantId,
    pub role: Role,
    pub sid: SessionId,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
}

impl Claims {
    pub fn expires_at(&self) -> Timestamp {
        Timestamp(self.exp.saturating_mul(1000))
    }
}

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshClaims {
    pub tenant: TenantId,
    pub session: SessionId,
    pub generation: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    access_key: Arc<[u8]>,
    refresh_key: Arc<[u8]>,
}

/// The header of every access token: `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const REFRESH_PREFIX: &str = "ccr_";

impl Tokens {
    pub(crate) fn new(secret: &[u8]) -> Self {
        // Apart from the access tokens' key, so that neither kind can be passed off as the other.
        let refresh_key = mac(secret, b"callcenter refresh tokens");
        Self { access_key: secret.into(), refresh_key: refresh_key.as_slice().into() }
    }

    pub(crate) fn sign_access(&self, claims: &Claims) -> String {
        let payload = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let signed = format!("{HEADER}.{payload}");
        let signature = BASE64.encode(mac(&self.access_key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The claims of a token that this secret signed with HS256; whether it has expired is the caller's to judge.
    pub(crate) fn read_access(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        if header.alg != "HS256" {
            return None;
        }
        is_mac(&self.access_key, signed.as_bytes(), &BASE64.decode(signature).ok()?)?;
        serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
    }

    pub(crate) fn sign_refresh(&self, claims: &RefreshClaims) -> String {
        let body = format!("{}.{}.{}", claims.tenant, claims.session, claims.generation);
        let proof = BASE64.encode(mac(&self.refresh_key, body.as_bytes()));
        format!("{REFRESH_PREFIX}{body}.{proof}")
    }

    pub(crate) fn read_refresh(&self, token: &str) -> Option<RefreshClaims> {
        let (body, proof) = token.strip_prefix(REFRESH_PREFIX)?.rsplit_once('.')?;
        is_mac(&self.refresh_key, body.as_bytes(), &BASE64.decode(proof).ok()?)?;
        let mut parts = body.split('.');
        let claims = RefreshClaims {
            tenant: TenantId::parse(parts.next()?).ok()?,
            session: SessionId::parse(parts.next()?).ok()?,
            generation: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(claims)
    }
}

fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::<Sha256>::new_from_slice(key).ok()
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let sign = |mut hmac: Hmac<Sha256>| {
        hmac.update(message);
        hmac.finalize().into_bytes().to_vec()
    };
    keyed(key).map(sign).unwrap_or_default()
}

/// Compares in constant time.
fn is_mac(key: &[u8], message: &[u8], tag: &[u8]) -> Option<()> {
    let mut hmac = keyed(key)?;
    hmac.update(message);
    hmac.verify_slice(tag).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            sub: UserId::parse("user-456").unwrap(),
            tenant_id: TenantId::parse("tenant-123").unwrap(),
            role: Role::Admin,
            sid: SessionId::parse("s1").unwrap(),
            iat: 1,
            exp: 2,
            jti: "j".into(),
        }
    }

    #[test]
    fn a_token_is_read_back_by_the_same_secret_only() {
        let token = Tokens::new(b"secret").sign_access(&claims());
        assert_eq!(Tokens::new(b"secret").read_access(&token).unwrap().sub.as_str(), "user-456");
        assert!(Tokens::new(b"other").read_access(&token).is_none());
    }

    #[test]
    fn tokens_without_or_with_another_algorithm_are_refused() {
        let tokens = Tokens::new(b"secret");
        let payload = BASE64.encode(serde_json::to_vec(&claims()).unwrap());
        for header in
            [r#"{"alg":"none"}"#, r#"{"alg":"None"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"RS256"}"#, "{}"]
        {
            let signed = format!("{}.{payload}", BASE64.encode(header));
            let signature = BASE64.encode(mac(b"secret", signed.as_bytes()));
            assert!(tokens.read_access(&format!("{signed}.{signature}")).is_none(), "{header}");
            assert!(tokens.read_access(&format!("{signed}.")).is_none(), "{header}");
        }
    }

    #[test]
    fn a_known_token_of_another_implementation_is_read() {
        // Signed by the example of RFC 7515, appendix A.1, with its key: our signature agrees with the standard's.
        let key = BASE64
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = BASE64.encode(mac(&key, signed.as_bytes()));
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn a_refresh_token_cannot_be_changed() {
        let tokens = Tokens::new(b"secret");
        let claims = RefreshClaims {
            tenant: TenantId::parse("t").unwrap(),
            session: SessionId::parse("s").unwrap(),
            generation: 3,
        };
        let token = tokens.sign_refresh(&claims);
        assert_eq!(tokens.read_refresh(&token), Some(claims));
        assert_eq!(tokens.read_refresh(&token.replace(".3.", ".4.")), None);
        assert_eq!(tokens.read_refresh("ccr_"), None);
        assert!(tokens.read_access(&token).is_none());
    }
}
