//! `clients/js`: its own tests, which Node runs, those in `test/server` against a real server each.

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;

use tokio::net::TcpListener;

use crate::harness::Server;
use crate::harness::macros::on_both;
use crate::harness::process::{guarded, run, tools_dir};
use crate::quick_start::document::repository;

/// A program in the client's folder.
fn in_its_folder(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = guarded(program);
    command.current_dir(repository().join("clients/js"));
    command
}

async fn succeeds(command: Command) {
    let output = run(command, "").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

/// Kills the server and starts it again for whoever connects, and hangs up when it serves.
async fn restart_on_demand(server: &Server, control: &TcpListener) -> Infallible {
    loop {
        let (demand, _) = control.accept().await.expect("the port is ours");
        server.restart().await;
        drop(demand);
    }
}

/// Runs one file of the client's tests against this server.
async fn passes(server: &Server, file: &str) {
    passes_at(server, file, &server.address.base(), &[]).await;
}

async fn passes_at(server: &Server, file: &str, url: &str, environment: &[(&str, &Path)]) {
    let control = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = control.local_addr().expect("it is bound").port();
    let mut command = in_its_folder("node");
    command.args(["--test", "--test-reporter=spec", &format!("test/server/{file}.test.js")]);
    command.env("CALLCENTER_URL", url).envs(environment.iter().copied());
    command.env("CALLCENTER_CONTROL", port.to_string());
    command.env("CALLCENTER_WS_MODULE", tools_dir().join("node_modules/ws/wrapper.mjs"));
    tokio::select! {
        () = succeeds(command) => {}
        never = restart_on_demand(server, &control) => match never {},
    }
}

on_both! {
    async fn it_shows_what_happens_live(server) {
        passes(&server, "live").await;
    }

    async fn it_sees_everything_once_and_in_order_while_the_server_is_killed(server) {
        passes(&server, "killed").await;
    }
}

#[tokio::test]
async fn it_renews_its_token_and_stays_out_when_it_is_put_out() {
    passes(&Server::builder().env("JWT_ACCESS_TTL", "5m").start().await, "sessions").await;
}

#[tokio::test]
async fn it_starts_over_where_the_log_does_not_reach_back() {
    passes(&Server::builder().env("JWT_ACCESS_TTL", "90d").start().await, "reset").await;
}

#[tokio::test]
async fn it_speaks_tls() {
    let server = Server::builder().tls().start().await;
    let authority = server.setup.authority.as_deref().expect("it speaks TLS");
    passes_at(&server, "secure", &server.address.base(), &[("NODE_EXTRA_CA_CERTS", authority)]).await;
}

#[tokio::test]
async fn its_parts_do_what_they_should() {
    let mut command = in_its_folder("bash");
    command.args(["-c", "node --test test/*.test.js"]);
    succeeds(command).await;
}

#[tokio::test]
async fn its_types_accept_what_they_should_and_nothing_else() {
    let mut command = in_its_folder(tools_dir().join("node_modules/.bin/tsc"));
    command.args(["--project", "."]);
    succeeds(command).await;
}
