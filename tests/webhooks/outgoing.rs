//! The outgoing request: what goes wrong with it is told in words, and no answer can do harm.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::{path, webhook};
use crate::harness::free_port::free_port;
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Client, Server, Value, json};

/// Sets a webhook up, tests it, and gives what came out.
pub async fn tested(admin: &Client, settings: Value) -> Value {
    let id = webhook(admin, settings).await;
    admin.post_empty(&format!("{}/test", path(&id))).await.expect(200).data().clone()
}

/// An endpoint below HTTP: does this with every connection.
struct Raw {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raw {
    async fn start<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream).await;
            }
        });
        Self { port, task }
    }

    /// Reads the request, says this, and goes on saying `more` every now and then for as long as it is listened to.
    async fn saying(begin: impl Into<String>, more: &str, every: Duration) -> Self {
        let (begin, more) = (begin.into(), more.to_owned());
        Self::start(move |mut stream| {
            let (begin, more) = (begin.clone(), more.clone());
            async move {
                read_request(&mut stream).await;
                let mut said = stream.write_all(begin.as_bytes()).await;
                while said.is_ok() && !more.is_empty() {
                    tokio::time::sleep(every).await;
                    said = stream.write_all(more.as_bytes()).await;
                }
            }
        })
        .await
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/", self.port)
    }
}

/// A head and, as the body is JSON that ends in `}}`, the body.
async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"}") && stream.read_buf(&mut read).await.is_ok_and(|more| more > 0) {}
}

/// A listener that takes no connection: its backlog is full, so that the kernel lets further ones wait.
async fn full_backlog() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().unwrap()).expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream);
    }
    (listener, waiting)
}

async fn assert_fails(admin: &Client, url: &str, error: &str) {
    let timeout = if error.starts_with("timed out") { 1 } else { 30 };
    let outcome = tested(admin, json!({ "url": url, "timeout": timeout })).await;
    assert_eq!(outcome["error"], error, "{url}: {outcome}");
    assert_eq!((&outcome["status"], &outcome["http_status"]), (&json!("failed"), &json!(null)), "{outcome}");
}

on_both! {
    async fn what_went_wrong_is_told_in_words(server) {
        let admin = server.admin().await;
        assert_fails(&admin, &format!("http://127.0.0.1:{}/", free_port()), "connection refused").await;

        let silent = Raw::start(|mut stream| async move {
            read_request(&mut stream).await;
            std::future::pending::<()>().await;
        }).await;
        assert_fails(&admin, &silent.url("http"), "timed out after 1 s waiting for headers").await;
        let silent = Raw::start(|stream| async move {
            let _open = stream;
            std::future::pending::<()>().await;
        }).await;
        assert_fails(&admin, &silent.url("https"), "timed out after 1 s in the TLS handshake").await;
        let (listener, _waiting) = full_backlog().await;
        let url = format!("http://{}/", listener.local_addr().unwrap());
        assert_fails(&admin, &url, "timed out after 1 s connecting").await;

        // No resolver is asked for a label of more than 63 characters.
        let unknown = format!("http://{}.invalid/", "x".repeat(64));
        assert_fails(&admin, &unknown, "name does not resolve").await;

        let resetting = Raw::start(|mut stream| async move {
            read_request(&mut stream).await;
            stream.set_zero_linger().expect("a socket option");
        }).await;
        assert_fails(&admin, &resetting.url("http"), "connection reset").await;
        let closing = Raw::saying("", "", Duration::ZERO).await;
        assert_fails(&admin, &closing.url("http"), "connection closed before an answer").await;
        let half = Raw::saying("HTTP/1.1 200 OK\r\nContent-", "", Duration::ZERO).await;
        assert_fails(&admin, &half.url("http"), "connection closed before an answer").await;
        let other = Raw::saying("220 mail.example.com ESMTP\r\n", "", Duration::ZERO).await;
        assert_fails(&admin, &other.url("http"), "the answer is not HTTP").await;
        let head = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20));
        let long = Raw::saying(head, "", Duration::ZERO).await;
        assert_fails(&admin, &long.url("http"), "the answer's headers are too long").await;
        let trickling = Raw::saying("HTTP/1.1 200 OK\r\n", "X-Next: x\r\n", Duration::from_millis(50)).await;
        assert_fails(&admin, &trickling.url("http"), "timed out after 1 s waiting for headers").await;
    }

    async fn an_answers_body_is_read_to_4_kib_whatever_its_length_or_speed(server) {
        let admin = server.admin().await;
        let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}", "a".repeat(1 << 20));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "a".repeat(size));
        for (endpoint, timeout, kept) in [
            (Raw::saying(huge, "a", Duration::ZERO).await, 30, 4096..=4096),
            (Raw::saying(chunked, &chunk(8192), Duration::ZERO).await, 30, 4096..=4096),
            // Time is over before it has said much, which costs nothing but that: its answer was 200.
            (Raw::saying(chunked, &chunk(5), Duration::from_millis(50)).await, 2, 1..=4095),
            (Raw::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\naaa", "", Duration::ZERO).await, 30, 3..=3),
        ] {
            let id = webhook(&admin, json!({ "url": endpoint.url("http"), "timeout": timeout })).await;
            let outcome = admin.post_empty(&format!("{}/test", path(&id))).await.expect(200).data().clone();
            assert_eq!((&outcome["status"], &outcome["http_status"]), (&json!("success"), &json!(200)), "{outcome}");
            let entry = admin.get(&format!("{}/logs/{}", path(&id), outcome["log_id"])).await.expect(200);
            let body = entry.data()["attempt_log"][0]["response_body"].as_str().expect("a beginning").to_owned();
            assert!(kept.contains(&body.len()) && body.bytes().all(|c| c == b'a'), "{kept:?}: {}", body.len());
        }
    }

    async fn connections_are_kept_from_one_delivery_to_the_next(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        for _ in 0..10 {
            admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        }
        assert_eq!(sink.received().len(), 10);
        // Where a connection comes back too late for the next request, a second one is opened.
        assert!(sink.connections() <= 3, "{}", sink.connections());
    }

    async fn no_redirect_is_followed_whatever_its_method(server) {
        let (sink, elsewhere) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        for status in [301, 302, 303, 307, 308] {
            sink.reply_next([Reply::status(status).header("location", &elsewhere.url())]);
            let outcome = tested(&admin, json!({ "url": sink.url() })).await;
            assert_eq!((&outcome["status"], &outcome["http_status"]), (&json!("failed"), &json!(status)), "{outcome}");
            assert!(outcome["error"].as_str().is_some_and(|error| error.ends_with("redirect not followed")));
        }
        assert_eq!(elsewhere.connections(), 0);
    }
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    let (sink, proxy) = (Sink::start().await, Sink::start().await);
    let mut builder = Server::builder();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        builder = builder.env(name, &proxy.url());
    }
    let server = builder.start().await;
    let outcome = tested(&server.admin().await, json!({ "url": sink.url() })).await;
    assert_eq!(outcome["status"], "success", "{outcome}");
    assert_eq!((sink.received().len(), proxy.connections()), (1, 0));
}
