//! Reading and forging access tokens, without the library that the product uses.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Value, json};

/// The claims of a token, unchecked.
pub fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).expect("a token has three parts");
    let bytes = URL_SAFE_NO_PAD.decode(body).expect("base64url");
    serde_json::from_slice(&bytes).expect("claims are JSON")
}

/// A token with these claims, properly signed with this secret.
pub fn signed(claims: &Value, secret: &str) -> String {
    let head = unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let mac = hmac(secret.as_bytes(), head.as_bytes());
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// Header and claims, without the signature and the dot before it.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// A delivery's signature as Standard Webhooks has it.
pub fn webhook_signature(key: &[u8], id: &str, sent_at: &str, body: &[u8]) -> String {
    let signed = [format!("{id}.{sent_at}.").as_bytes(), body].concat();
    format!("v1,{}", STANDARD.encode(hmac(key, &signed)))
}
