//! Checks an endpoint's URL when it is set up. Resolves no names: what a name stands for is judged when it is dialled.

use crate::AllowedNetworks;
use hyper::Uri;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const MAX_LENGTH: usize = 2048;

/// Why a URL cannot be delivered to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetProblem {
    /// No URL at all.
    #[error(
        "must be an absolute URL such as https://example.com/hooks (international names in their xn-- form)"
    )]
    Malformed,
    /// Too long.
    #[error("must have at most {MAX_LENGTH} characters")]
    TooLong,
    /// Neither http nor https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// A name or password before the host.
    #[error("must not contain a user name or password; send credentials in a header")]
    UserInfo,
    /// A port that does not exist.
    #[error("must have a port from 1 to 65535")]
    Port,
    /// An address in a form that programs read differently.
    #[error("must write an IP address as four decimal numbers or in IPv6 notation, not as {0}")]
    OddAddress(String),
    /// An address outside public space.
    #[error("must not point to {0}, which is not a public address (WEBHOOK_ALLOWED_NETWORKS opens networks)")]
    NotAllowed(IpAddr),
}

/// Whether `url` may be an endpoint's. A host that does not resolve yet is accepted.
pub fn check(url: &str, allowed: &AllowedNetworks) -> Result<(), TargetProblem> {
    let uri = parse(url)?;
    match literal(uri.host().unwrap_or_default())? {
        Some(address) if !allowed.permits(address) => Err(TargetProblem::NotAllowed(address)),
        _ => Ok(()),
    }
}

/// Takes the URL apart, whatever its address.
pub(crate) fn parse(url: &str) -> Result<Uri, TargetProblem> {
    if url.len() > MAX_LENGTH {
        return Err(TargetProblem::TooLong);
    }
    let uri: Uri = url.parse().map_err(|_| TargetProblem::Malformed)?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err(TargetProblem::Scheme),
        None => return Err(TargetProblem::Malformed),
    }
    let authority = uri.authority().ok_or(TargetProblem::Malformed)?.as_str();
    if authority.contains('@') {
        return Err(TargetProblem::UserInfo);
    }
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err(TargetProblem::Malformed);
    }
    let port = authority.get(host.len()..).unwrap_or_default();
    if !port.is_empty() && !matches!(uri.port_u16(), Some(1..)) {
        return Err(TargetProblem::Port);
    }
    Ok(uri)
}

/// The address that a URL's host is, if it is no name.
pub(crate) fn literal(host: &str) -> Result<Option<IpAddr>, TargetProblem> {
    if let Some(inside) = host.strip_prefix('[') {
        let v6: Result<Ipv6Addr, _> = inside.strip_suffix(']').unwrap_or_default().parse();
        return v6.map(|v6| Some(IpAddr::V6(v6))).map_err(|_| TargetProblem::OddAddress(host.to_owned()));
    }
    if !host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_')) {
        return Err(TargetProblem::Malformed);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    // Resolvers read a name that ends in a number, decimal, octal or hexadecimal, as an address.
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|c| c.is_ascii_hexdigit()));
    if !hexadecimal && !last.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    let v4: Result<Ipv4Addr, _> = name.parse();
    v4.map(|v4| Some(IpAddr::V4(v4))).map_err(|_| TargetProblem::OddAddress(host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str) -> Result<(), TargetProblem> {
        check(url, &AllowedNetworks::none())
    }

    #[test]
    fn public_addresses_and_names_are_accepted() {
        for url in [
            "https://example.com/hooks?x=1",
            "http://example.com:8080",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]:8443/x",
            "https://not-resolving-yet.example",
            "http://localhost:9000/hook",
            "https://a_b.example.com/",
            "https://1e100.net/",
            "https://example.com./",
        ] {
            assert_eq!(verdict(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn other_schemes_user_info_and_nonsense_are_refused() {
        for (url, problem) in [
            ("", TargetProblem::Malformed),
            ("example.com", TargetProblem::Malformed),
            ("/hooks", TargetProblem::Malformed),
            ("https://", TargetProblem::Malformed),
            ("https:///path", TargetProblem::Malformed),
            ("https://exa mple.com", TargetProblem::Malformed),
            ("https://ex%61mple.com", TargetProblem::Malformed),
            ("https://b\u{fc}cher.example", TargetProblem::Malformed),
            ("ftp://example.com", TargetProblem::Scheme),
            ("ws://example.com", TargetProblem::Scheme),
            ("https://user:password@example.com", TargetProblem::UserInfo),
            ("https://example.com@10.0.0.1/", TargetProblem::UserInfo),
            ("https://example.com:0/", TargetProblem::Port),
            ("https://example.com:65536/", TargetProblem::Port),
        ] {
            assert_eq!(verdict(url), Err(problem), "{url}");
        }
        assert_eq!(
            verdict(&format!("https://example.com/{}", "a".repeat(2048))),
            Err(TargetProblem::TooLong)
        );
        for url in ["file:///etc/passwd", "gopher://x", "javascript:alert(1)", "https://example.com:x/"] {
            assert!(verdict(url).is_err(), "{url}");
        }
    }

    #[test]
    fn addresses_outside_public_space_are_refused() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "10.0.0.1:80",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "0.0.0.0",
        ] {
            let problem = verdict(&format!("http://{host}/")).unwrap_err();
            assert!(matches!(problem, TargetProblem::NotAllowed(_)), "{host}: {problem}");
        }
        let development = AllowedNetworks::loopback_and_private();
        assert_eq!(check("http://127.0.0.1:9000/", &development), Ok(()));
        assert!(check("http://169.254.169.254/", &development).is_err());
    }

    #[test]
    fn addresses_in_odd_spellings_are_refused() {
        for host in [
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "127.1",
            "127.0.0.01",
            "10.0.0.0x1",
            "0X7F.0.0.1",
            "1.2.3.4.5",
            "256.1.1.1",
            "[::1%25lo]",
            "[127.0.0.1]",
            "0x",
            "0",
        ] {
            let problem = verdict(&format!("http://{host}/")).unwrap_err();
            let known = matches!(problem, TargetProblem::OddAddress(_) | TargetProblem::Malformed);
            assert!(known, "{host}: {problem}");
        }
    }
}
