//! The fault proxy between the cockpit and one server: a gate for faults of the connection, and behind it an HTTP relay for
//! faults of what is said. The same before a simulated server and before a real one.

pub mod gate;
pub mod relay;

use std::net::SocketAddr;

use gate::{Gate, Way};
use relay::{Access, Manner, Relay};

/// One server behind its proxy.
pub struct Proxy {
    pub gate: Gate,
    pub relay: Relay,
}

/// Which way bytes go through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// Through gate and relay. The client speaks plain HTTP, whatever the server speaks.
    Relayed,
    /// Through the gate alone: the client's own TLS reaches the server, and only connections can be tampered with.
    Direct,
}

impl Proxy {
    /// A proxy before the server at `url` (`http://…` or `https://…`).
    pub async fn before(url: &str, access: &Access, path: Path, way: Way) -> Self {
        let relay = Relay::before(url, access).await;
        let behind = if path == Path::Direct { address(url) } else { relay.address() };
        Self { gate: Gate::before(behind, way), relay }
    }

    /// Where the client connects to.
    pub fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    /// Passes everything unharmed again.
    pub fn heal(&self) {
        self.relay.set(Manner::Honest);
        self.gate.set(Way::Open);
    }
}

/// Where a server of this URL listens.
pub fn address(url: &str) -> SocketAddr {
    let url = url::Url::parse(url).expect("a server's URL");
    url.socket_addrs(|| None).ok().and_then(|addresses| addresses.into_iter().find(SocketAddr::is_ipv4)).expect("a server's address")
}
