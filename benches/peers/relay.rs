//! Between a program and the API server: passes bytes on as they are and counts them.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const BUFFER: usize = 256 * 1024;

/// Passes on until the bench ends.
pub struct Relay {
    pub address: SocketAddr,
    received: Arc<AtomicU64>,
}

impl Relay {
    pub fn before(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let received = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&received);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that refuses ends the client's connection too.
                let Ok(upstream) = TcpStream::connect(server) else { continue };
                let Ok((client_too, upstream_too)) = client.try_clone().and_then(|client| Ok((client, upstream.try_clone()?))) else { continue };
                let counted = Arc::clone(&counted);
                thread::spawn(move || pass(client, upstream, &AtomicU64::new(0)));
                thread::spawn(move || pass(upstream_too, client_too, &counted));
            }
        });
        Ok(Self { address, received })
    }

    /// Bytes that the program was sent so far, as they were on the wire: with TLS, and compressed where they are.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        counted.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
