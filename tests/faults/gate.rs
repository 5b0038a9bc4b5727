//! A TCP gate before a server: open, shut, silent, or talking nonsense.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Nothing listens, and what was connected is cut.
    Shut,
    /// Connections are accepted and kept, and no byte passes.
    Silent,
    /// Whoever connects gets bytes that are no protocol at all.
    Babbling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Setting {
    way: Way,
    /// Connections of an earlier generation are lost: never cut, never heard of again.
    generation: u64,
}

/// The gate before one server. Keeps its port while shut.
pub struct Gate {
    address: SocketAddr,
    setting: Arc<watch::Sender<Setting>>,
}

impl Gate {
    /// A gate before `server`, at first as `way` says.
    pub fn before(server: SocketAddr, way: Way) -> Self {
        let setting = Arc::new(watch::Sender::new(Setting { way, generation: 0 }));
        let bound = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = bound.local_addr().expect("the port");
        tokio::spawn(keep(bound, address, server, setting.subscribe()));
        Self { address, setting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, way: Way) {
        self.setting.send_modify(|setting| setting.way = way);
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

async fn keep(mut bound: TcpSocket, address: SocketAddr, server: SocketAddr, mut setting: watch::Receiver<Setting>) {
    loop {
        if setting.wait_for(|setting| setting.way != Way::Shut).await.is_err() {
            return;
        }
        let listener = bound.listen(128).expect("the gate opens");
        if accept(&listener, server, &mut setting).await.is_err() {
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
async fn accept(listener: &TcpListener, server: SocketAddr, setting: &mut watch::Receiver<Setting>) -> Result<(), watch::error::RecvError> {
    let for_connections = setting.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(pass(stream, server, for_connections.clone()));
                }
            }
            shut = setting.wait_for(|setting| setting.way == Way::Shut) => return shut.map(drop),
        }
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut setting: watch::Receiver<Setting>) {
    let own = setting.borrow().generation;
    let Ok(now) = setting.wait_for(|setting| setting.way != Way::Silent).await.map(|setting| *setting) else { return };
    match now.way {
        Way::Shut => return,
        Way::Babbling => {
            // After what was asked, so that the bytes are taken for the answer.
            let mut asked = [0; 4096];
            let _ = client.read(&mut asked).await;
            let _ = client.write_all(b"\x1b]0;owned\x07\x00\xff\xfe 42 bottles of beer\r\n\r\n").await;
            return;
        }
        Way::Open | Way::Silent => {}
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let cut = {
        let mut setting = setting.clone();
        async move { setting.wait_for(|setting| setting.way == Way::Shut).await.map(drop) }
    };
    let (up, down) = (setting.clone(), setting);
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, up, own) => {}
        () = pump(&mut from_server, &mut to_client, down, own) => {}
        _ = cut => {}
    }
}

async fn pump(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin), mut setting: watch::Receiver<Setting>, own: u64) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read) = from.read(&mut bytes).await else { return };
        let passes = setting.wait_for(|setting| setting.way == Way::Open && setting.generation == own).await.is_ok();
        if read == 0 || !passes || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
