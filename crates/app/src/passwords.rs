//! Passwords: which are allowed, and their hashes (argon2id, RFC 9106, in PHC form). Hashing takes tens of milliseconds
//! and 19 MiB, so it runs on few threads at once, apart from those that serve requests.

use crate::fields::Problems;
use crate::{Error, Result};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use async_recursion::async_recursion as boxed;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Verifications that may wait for a thread; at 50 ms each and two threads, the last one waits under four seconds.
const MAX_WAITING: usize = 128;

/// The most used passwords of at least ten characters, from public counts of leaked ones.
const COMMON: &str = include_str!("common_passwords.txt");

/// Notes what is wrong with a new password: 10 to 256 characters, not a common one.
pub fn check(problems: &mut Problems, field: &str, password: &str) {
    let length = password.chars().count();
    if !(10..=256).contains(&length) {
        problems.add(field, "must be 10 to 256 characters long");
    } else if is_common(password) {
        problems.add(field, "is one of the most common passwords: choose another one");
    }
}

fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    let mut characters = password.chars();
    let one_character = characters.next().is_some_and(|first| characters.all(|other| other == first));
    one_character || COMMON.lines().any(|common| common == password)
}

/// Hashes and verifies with bounded concurrency.
#[derive(Debug, Clone)]
pub struct Hashing {
    params: Params,
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Hashing {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self { params: Params::DEFAULT, threads: Arc::new(Semaphore::new(threads)), waiting: Arc::default() }
    }
}

impl Hashing {
    /// With hashes that anybody breaks in no time: for tests, which sign in thousands of times.
    #[must_use]
    pub fn weak() -> Self {
        let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None);
        Self { params: params.unwrap_or_default(), ..Self::default() }
    }

    /// The hash of a password.
    #[boxed]
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (password, params) = (password.to_owned(), self.params.clone());
        self.run(move || hash_now(&password, params)).await?
    }

    /// Whether the password is the one of `hash`. Without a hash it takes as long and is false, so that nobody can tell
    /// by the time whether an account exists.
    #[boxed]
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODYS_HASH).to_owned();
        Ok(self.run(move || verify_now(&password, &hash)).await? && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Busy);
        }
        let _waiting = Waiting(self.waiting.clone());
        let permit = self.threads.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|error| Error::Internal(format!("password hashing: {error}")))
    }
}

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A hash that no password is known for.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ$fZ2rQpxZ0BUhS0ovGwE+yCSU0oNkQ1cJq6hUeK0iS7o";

fn hash_now(password: &str, params: Params) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("password hashing: {error}"));
    let argon2 = Argon2::new(Algorithm::default(), Version::default(), params);
    let salt = Salt::generate();
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    argon2
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut output, memory(argon2.params()))
        .map_err(|error| failed(&error))?;
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon2.params()).map_err(|error| failed(&error))?,
        salt: Some(salt),
        hash: Some(Output::new(&output).map_err(|error| failed(&error))?),
    };
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).ok().and_then(|hash| is_of(password, &hash)).unwrap_or(false)
}

fn is_of(password: &str, hash: &PasswordHash) -> Option<bool> {
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map(Version::try_from).transpose().ok()?.unwrap_or_default();
    let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
    let mut buffer = [0; Output::MAX_LENGTH];
    let output = buffer.get_mut(..expected.len())?;
    let memory = memory(argon2.params());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory).ok()?;
    // `Output` compares in constant time.
    Some(Output::new(output).ok()? == *expected)
}

/// The working memory of one hash, 19 MiB. The room that is asked for is larger, but not touched: glibc hands out pieces of up
/// to 32 MiB from heaps of its threads and keeps them, which came to half a gigabyte after some dozens of log-ins; larger ones
/// go back to the system at once.
fn memory(params: &Params) -> Vec<Block> {
    const KEPT_BY_GLIBC: usize = 33 << 20;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(KEPT_BY_GLIBC / size_of::<Block>()));
    memory.resize(blocks, Block::default());
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(password: &str) -> bool {
        let mut problems = Problems::default();
        check(&mut problems, "password", password);
        problems.into_result().is_err()
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        for bad in
            ["", "short", "123456789", "1234567890", "PasswordPassword", "aaaaaaaaaaaa", &"x1".repeat(129)]
        {
            assert!(problem(bad), "{bad}");
        }
        for good in ["correct horse", "ein längeres Kennwort", &"x1".repeat(128)] {
            assert!(!problem(good), "{good}");
        }
    }

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_only() {
        let hashing = Hashing::default();
        let hash = hashing.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(hashing.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!hashing.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!hashing.verify("correct horse", None).await.unwrap());
        let weak = Hashing::weak().hash("correct horse").await.unwrap();
        assert!(weak.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{weak}");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hashing.verify("correct horse", Some(&weak)).await.unwrap());
    }

    #[test]
    fn hashes_are_the_librarys_own_and_are_read_from_it() {
        use argon2::password_hash::{PasswordHasher, PasswordVerifier};
        let ours = hash_now("correct horse", Params::DEFAULT).unwrap();
        let read = PasswordHash::new(&ours).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &read).is_ok());
        let theirs: PasswordHash = Argon2::default().hash_password(b"correct horse").unwrap();
        assert!(verify_now("correct horse", &theirs.to_string()));
        assert!(!verify_now("correct horses", &theirs.to_string()));
        assert!(!verify_now("correct horse", "not a hash"));
    }

    #[test]
    fn nobodys_hash_takes_as_long_as_a_real_one() {
        assert!(PasswordHash::new(NOBODYS_HASH).is_ok());
    }
}
