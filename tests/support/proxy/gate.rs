//! A TCP gate before a server: open, shut, silent, or tampering with the bytes of the connection.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How long a dripping gate takes for one byte.
const DROP_EVERY: Duration = Duration::from_millis(250);

/// What happens to connections, new and old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Nothing listens, and what was connected is closed.
    Shut,
    /// Connections are accepted and kept, and no byte passes.
    Silent,
    /// Whoever connects gets bytes that are no protocol at all.
    Babbling,
    /// Connections end by RST once something was asked.
    Resetting,
    /// Of what the server says so many bytes pass, and the connection is closed.
    Cutting(usize),
    /// What the server says passes byte by byte, with a pause between them.
    Dripping,
}

impl Way {
    /// Bytes from the client pass.
    fn lets_ask(self) -> bool {
        matches!(self, Self::Open | Self::Cutting(_) | Self::Dripping)
    }

    /// What was connected before does not outlive the change.
    fn ends_connections(self) -> bool {
        matches!(self, Self::Shut | Self::Resetting)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Setting {
    way: Way,
    /// Connections of an earlier generation are lost: never closed, never heard of again.
    generation: u64,
    /// Connections of an earlier count are closed.
    closed: u64,
}

/// When bytes of the server last reached the client unharmed.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Option<Instant>>>);

impl Heard {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// The gate before one server. Keeps its port while shut.
pub struct Gate {
    address: SocketAddr,
    setting: Arc<watch::Sender<Setting>>,
    heard: Heard,
}

impl Gate {
    /// A gate before `server`, at first as `way` says.
    pub fn before(server: SocketAddr, way: Way) -> Self {
        let setting = Arc::new(watch::Sender::new(Setting { way, generation: 0, closed: 0 }));
        let bound = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = bound.local_addr().expect("the port");
        let heard = Heard::default();
        tokio::spawn(keep(bound, address, server, setting.subscribe(), heard.clone()));
        Self { address, setting, heard }
    }

    /// When the gate last let something of the server through as it was.
    pub fn heard(&self) -> Option<Instant> {
        *self.heard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, way: Way) {
        self.setting.send_modify(|setting| setting.way = way);
    }

    /// Closes every open connection, as a proxy that is told to reload does. New ones pass.
    pub fn close_connections(&self) {
        self.setting.send_modify(|setting| setting.closed += 1);
    }

    /// Loses every open connection without a word, as a gateway that restarts does. New ones pass.
    pub fn lose_connections(&self) {
        self.setting.send_modify(|setting| setting.generation += 1);
    }
}

/// Bound, but not listening: whoever connects is refused, and nobody else gets the port.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn keep(mut bound: TcpSocket, address: SocketAddr, server: SocketAddr, mut setting: watch::Receiver<Setting>, heard: Heard) {
    loop {
        if setting.wait_for(|setting| setting.way != Way::Shut).await.is_err() {
            return;
        }
        let listener = bound.listen(128).expect("the gate opens");
        if accept(&listener, server, &mut setting, &heard).await.is_err() {
            return;
        }
        drop(listener);
        bound = loop {
            match bind(address) {
                Ok(bound) => break bound,
                // The system takes a moment to let go of it.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => tokio::task::yield_now().await,
                Err(error) => panic!("the gate keeps its port: {error}"),
            }
        };
    }
}

/// Until the gate is shut.
async fn accept(
    listener: &TcpListener,
    server: SocketAddr,
    setting: &mut watch::Receiver<Setting>,
    heard: &Heard,
) -> Result<(), watch::error::RecvError> {
    let for_connections = setting.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(pass(stream, server, for_connections.clone(), heard.clone()));
                }
            }
            shut = setting.wait_for(|setting| setting.way == Way::Shut) => return shut.map(drop),
        }
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut setting: watch::Receiver<Setting>, heard: Heard) {
    let Setting { generation: own, closed, .. } = *setting.borrow();
    let Ok(now) = setting.wait_for(|setting| setting.way != Way::Silent).await.map(|setting| *setting) else { return };
    let mut asked = [0; 4096];
    match now.way {
        Way::Shut => return,
        Way::Resetting => {
            let _ = client.read(&mut asked).await;
            let _ = client.set_zero_linger();
            return;
        }
        Way::Babbling => {
            // After what was asked, so that the bytes are taken for the answer.
            let _ = client.read(&mut asked).await;
            let _ = client.write_all(b"\x1b]0;owned\x07\x00\xff\xfe 42 bottles of beer\r\n\r\n").await;
            return;
        }
        Way::Open | Way::Silent | Way::Cutting(_) | Way::Dripping => {}
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (up, down, mut ends) = (setting.clone(), setting.clone(), setting);
    tokio::select! {
        () = ask(&mut from_client, &mut to_server, up, own) => {}
        () = answer(&mut from_server, &mut to_client, down, own, &heard) => {}
        ended = ends.wait_for(|setting| setting.way.ends_connections() || setting.closed != closed) => {
            if ended.is_ok_and(|setting| setting.way == Way::Resetting) {
                let _ = to_client.as_ref().set_zero_linger();
            }
        }
    }
}

async fn ask(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, mut setting: watch::Receiver<Setting>, own: u64) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read) = from.read(&mut bytes).await else { return };
        let passes = setting.wait_for(|setting| setting.way.lets_ask() && setting.generation == own).await.is_ok();
        if read == 0 || !passes || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

async fn answer(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, mut setting: watch::Receiver<Setting>, own: u64, heard: &Heard) {
    let mut bytes = vec![0; 64 * 1024];
    // Since the gate began to cut.
    let mut passed = 0;
    loop {
        let Ok(read) = from.read(&mut bytes).await else { return };
        if read == 0 {
            return;
        }
        let mut left = &bytes[..read];
        while !left.is_empty() {
            let Ok(now) = setting.wait_for(|setting| setting.way.lets_ask() && setting.generation == own).await.map(|now| *now) else { return };
            let most = match now.way {
                Way::Cutting(limit) if passed >= limit => return,
                Way::Cutting(limit) => limit - passed,
                Way::Dripping => {
                    tokio::time::sleep(DROP_EVERY).await;
                    1
                }
                _ => left.len(),
            };
            let (next, rest) = left.split_at(most.min(left.len()));
            passed = if matches!(now.way, Way::Cutting(_)) { passed + next.len() } else { 0 };
            if to.write_all(next).await.is_err() {
                return;
            }
            if now.way == Way::Open {
                heard.now();
            }
            left = rest;
        }
    }
}
