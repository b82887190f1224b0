//! What went wrong with an exchange, in words that an endpoint's owner understands. Knows nothing of retries.

use crate::guard::Refusal;
use crate::target::TargetProblem;
use hyper_util::client::legacy;
use rustls::CertificateError;
use std::error::Error;
use std::io;
use std::time::Duration;

/// What a failure says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// It kept us waiting.
    Stalled,
    /// It, or the way to it, failed at once.
    Failed,
    /// Nothing: it is this machine that cannot send.
    Ours,
}

/// A failed exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) words: String,
    pub(crate) kind: FailureKind,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, words: impl Into<String>) -> Self {
        Self { words: words.into(), kind }
    }

    /// The attempt's time was over.
    pub(crate) fn timed_out(limit: Duration, doing: &str) -> Self {
        Self::new(FailureKind::Stalled, format!("timed out after {} s {doing}", limit.as_secs()))
    }

    /// Looks for the cause that says most.
    pub(crate) fn of(error: &legacy::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        let mut last = error.to_string();
        while let Some(error) = cause {
            if let Some(failure) = recognise(error) {
                return failure;
            }
            last = error.to_string();
            cause = error.source();
        }
        Self::new(FailureKind::Failed, last)
    }
}

fn recognise(error: &(dyn Error + 'static)) -> Option<Failure> {
    let failed = |words: String| Some(Failure::new(FailureKind::Failed, words));
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        failed(refusal.to_string())
    } else if let Some(problem) = error.downcast_ref::<TargetProblem>() {
        failed(format!("the URL {problem}"))
    } else if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        failed(tls_words(tls))
    } else if let Some(io) = error.downcast_ref::<io::Error>() {
        of_io(io)
    } else if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        of_hyper(hyper)
    } else {
        None
    }
}

fn of_io(error: &io::Error) -> Option<Failure> {
    // An error of another kind may hide inside, where `source` does not lead.
    if let Some(inner) = error.get_ref()
        && let Some(failure) = recognise(inner)
    {
        return Some(failure);
    }
    // EMFILE and ENFILE: no more open files here.
    if matches!(error.raw_os_error(), Some(23 | 24)) {
        return Some(Failure::new(FailureKind::Ours, "this server has too many open files"));
    }
    let (kind, words) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (FailureKind::Failed, "connection refused"),
        io::ErrorKind::ConnectionReset => (FailureKind::Failed, "connection reset"),
        io::ErrorKind::ConnectionAborted => (FailureKind::Failed, "connection aborted"),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            (FailureKind::Failed, "connection closed before an answer")
        }
        io::ErrorKind::HostUnreachable => (FailureKind::Failed, "host unreachable"),
        io::ErrorKind::NetworkUnreachable => (FailureKind::Failed, "network unreachable"),
        io::ErrorKind::TimedOut => (FailureKind::Stalled, "timed out connecting"),
        _ => return None,
    };
    Some(Failure::new(kind, words))
}

fn of_hyper(error: &hyper::Error) -> Option<Failure> {
    let words = if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "connection closed before an answer"
    } else if error.is_parse_too_large() {
        "the answer's headers are too long"
    } else if error.is_parse() {
        "the answer is not HTTP"
    } else {
        return None;
    };
    Some(Failure::new(FailureKind::Failed, words))
}

fn tls_words(error: &rustls::Error) -> String {
    let words = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate is for another name"
            }
            CertificateError::UnknownIssuer => "certificate from an unknown issuer",
            CertificateError::Revoked => "certificate revoked",
            CertificateError::BadSignature => "certificate with a signature that is not its issuer's",
            // The library keeps this one to itself, and a self-signed certificate is the commonest of all mistakes.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                "certificate of an authority, such as a self-signed one, instead of a server's"
            }
            _ => return format!("TLS: {error}"),
        },
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS there",
        _ => return format!("TLS: {error}"),
    };
    format!("TLS: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_where_it_hides() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let hidden = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert_eq!(recognise(&hidden).map(|f| f.words).as_deref(), Some("TLS: certificate expired"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(recognise(&refused).map(|f| f.words).as_deref(), Some("connection refused"));
        let ours = io::Error::from_raw_os_error(24);
        assert_eq!(recognise(&ours).map(|f| f.kind), Some(FailureKind::Ours));
        let stalled = Failure::timed_out(Duration::from_secs(5), "waiting for headers");
        assert_eq!(stalled.words, "timed out after 5 s waiting for headers");
    }
}
