//! Stands between a server and MariaDB, and stops at a statement that a test names: before the database hears of it, or with
//! its answer in hand. What was stopped goes no further: once the test lets go, the connection is cut. Of MySQL's protocol
//! this knows where a statement begins and which bytes answer it.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::server::Builder;
use super::wait::within;

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
/// Length and number of a packet. A command's number is 0, that of what answers it first is 1.
const HEADER: usize = 4;

/// A statement by words that are in its text or in the values bound to it; or the COMMIT of the transaction in which they are.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    words: &'static [&'static str],
    is_commit: bool,
    is_answered: bool,
}

impl Point {
    pub const fn before(words: &'static [&'static str]) -> Self {
        Self { words, is_commit: false, is_answered: false }
    }

    pub const fn before_commit_of(words: &'static [&'static str]) -> Self {
        Self { words, is_commit: true, is_answered: false }
    }

    pub const fn after_commit_of(words: &'static [&'static str]) -> Self {
        Self { words, is_commit: true, is_answered: true }
    }
}

/// A point that is waited for, and the test that waits.
struct Armed {
    point: Point,
    reached: oneshot::Sender<()>,
    let_go: oneshot::Receiver<()>,
}

impl Armed {
    async fn hold(self) {
        let _ = self.reached.send(());
        let _ = self.let_go.await;
    }
}

/// The test's end of it. Lets go when it is dropped.
pub struct Stop {
    point: Point,
    reached: oneshot::Receiver<()>,
    _let_go: oneshot::Sender<()>,
}

impl Stop {
    pub async fn reached(&mut self) {
        within(&format!("{:?}", self.point), &mut self.reached).await.expect("the proxy lives");
    }

    /// Waits for it and cuts the connection at once.
    pub async fn cut(mut self) {
        self.reached().await;
    }
}

pub struct MysqlProxy {
    armed: Arc<Mutex<Option<Armed>>>,
    // Ends the connections with the value.
    _tasks: JoinSet<()>,
}

impl MysqlProxy {
    /// For a server of this builder, which works on MariaDB.
    pub async fn before(builder: Builder) -> (Self, Builder) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut tasks = JoinSet::new();
        let armed = Arc::default();
        let database = super::mariadb::MariaDb::shared().await.port;
        tasks.spawn(accept(listener, database, Arc::clone(&armed)));
        let builder = builder.mariadb().env("DB_PORT", &port.to_string()).env("DB_TLS", "disabled");
        (Self { armed, _tasks: tasks }, builder)
    }

    /// Stops at the next one.
    pub fn stop(&self, point: Point) -> Stop {
        let (reached, when_reached) = oneshot::channel();
        let (let_go, when_let_go) = oneshot::channel();
        *self.armed.lock().unwrap() = Some(Armed { point, reached, let_go: when_let_go });
        Stop { point, reached: when_reached, _let_go: let_go }
    }
}

async fn accept(listener: TcpListener, database: u16, armed: Arc<Mutex<Option<Armed>>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let armed = Arc::clone(&armed);
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(("127.0.0.1", database)).await else { return };
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("the connection is open");
            }
            let session = Mutex::new(Session { armed, ..Session::default() });
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::select! {
                _ = commands(from_client, to_server, &session) => {}
                _ = answers(from_server, to_client, &session) => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn commands(from: OwnedReadHalf, mut to: OwnedWriteHalf, session: &Mutex<Session>) -> io::Result<()> {
    let mut from = BufReader::new(from);
    loop {
        let packet = packet(&mut from).await?;
        let stopped = session.lock().unwrap().command(&packet);
        if let Some(stopped) = stopped {
            stopped.hold().await;
            return Ok(());
        }
        to.write_all(&packet).await?;
    }
}

async fn answers(from: OwnedReadHalf, mut to: OwnedWriteHalf, session: &Mutex<Session>) -> io::Result<()> {
    let mut from = BufReader::new(from);
    loop {
        let packet = packet(&mut from).await?;
        let stopped = session.lock().unwrap().answer(&packet);
        if let Some(stopped) = stopped {
            stopped.hold().await;
            return Ok(());
        }
        to.write_all(&packet).await?;
    }
}

/// With its header.
async fn packet(from: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; HEADER];
    from.read_exact(&mut packet).await?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(HEADER + length, 0);
    from.read_exact(&mut packet[HEADER..]).await?;
    Ok(packet)
}

/// What was said on a connection. A client says nothing more before it has its answer.
#[derive(Default)]
struct Session {
    armed: Arc<Mutex<Option<Armed>>>,
    prepared: HashMap<[u8; 4], String>,
    /// The statement of which the number is awaited.
    preparing: Option<String>,
    /// All that was said in this transaction.
    transaction: String,
    /// To be stopped at the answer.
    stopping: Option<Armed>,
}

impl Session {
    /// Gives whom to tell if it is to be stopped here.
    fn command(&mut self, packet: &[u8]) -> Option<Armed> {
        let (0, [kind, rest @ ..]) = (packet[HEADER - 1], &packet[HEADER..]) else { return None };
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let text = match *kind {
            QUERY => words(rest),
            EXECUTE => {
                let (number, values) = rest.split_first_chunk().expect("a statement's number");
                format!("{} {}", self.prepared[number], words(values))
            }
            PREPARE => {
                self.preparing = Some(words(rest));
                return None;
            }
            _ => return None,
        };
        if text == "BEGIN" {
            self.transaction.clear();
        }
        self.transaction.push_str(&text);
        let is_here = |armed: &mut Armed| {
            let Point { words, is_commit, .. } = armed.point;
            let said = if is_commit { &self.transaction } else { &text };
            (!is_commit || text == "COMMIT") && words.iter().all(|word| said.contains(word))
        };
        let found = self.armed.lock().unwrap().take_if(is_here)?;
        if found.point.is_answered {
            self.stopping = Some(found);
            return None;
        }
        Some(found)
    }

    fn answer(&mut self, packet: &[u8]) -> Option<Armed> {
        if packet[HEADER - 1] != 1 {
            return None;
        }
        if let (Some(text), [0, rest @ ..]) = (self.preparing.take(), &packet[HEADER..]) {
            let number = rest.first_chunk().expect("a statement's number");
            self.prepared.insert(*number, text);
        }
        self.stopping.take()
    }
}
