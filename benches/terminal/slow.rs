//! A relay before the API server that hands every piece of its answers on a fixed time later, as a distant server would.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

const BUFFER: usize = 64 * 1024;

/// A relay before `server`; it serves until the bench ends.
pub fn relay(server: SocketAddr, later: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("its port");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(upstream) = TcpStream::connect(server) else { continue };
            for stream in [&client, &upstream] {
                stream.set_nodelay(true).expect("small pieces go at once");
            }
            let (Ok(client_too), Ok(upstream_too)) = (client.try_clone(), upstream.try_clone()) else { continue };
            thread::spawn(move || pass(client, upstream, Duration::ZERO));
            thread::spawn(move || pass(upstream_too, client_too, later));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, later: Duration) {
    let (pieces, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    let writer = thread::spawn(move || {
        for (when, piece) in due {
            thread::sleep(when.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; BUFFER];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if pieces.send((Instant::now() + later, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
    drop(pieces);
    let _ = writer.join();
    let _ = from.shutdown(Shutdown::Both);
}
