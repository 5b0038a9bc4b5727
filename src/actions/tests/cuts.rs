//! A relay before the fake API server that cuts connections at given bytes.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Whose bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Program,
    Server,
}

/// So many bytes pass, over whatever connections; the one that carries the next byte ends there.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub from: From,
    pub after: usize,
}

#[derive(Clone, Default)]
struct Cuts(Arc<Mutex<Vec<Cut>>>);

impl Cuts {
    /// How many of these bytes pass; fewer than all of them where the connection is to be cut.
    fn pass(&self, from: From, bytes: usize) -> usize {
        let mut cuts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(number) = cuts.iter().position(|cut| cut.from == from) else { return bytes };
        let after = cuts[number].after;
        if after < bytes {
            cuts.remove(number);
            return after;
        }
        cuts[number].after -= bytes;
        bytes
    }
}

pub struct Cutter {
    /// `http://…`.
    pub address: String,
    cuts: Cuts,
}

impl Cutter {
    pub async fn before(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cuts = Cuts::default();
        let for_connections = cuts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, cuts) = (server.clone(), for_connections.clone());
                tokio::spawn(async move {
                    if let Ok(upstream) = TcpStream::connect(server).await {
                        connect(client, upstream, cuts).await;
                    }
                });
            }
        });
        Self { address, cuts }
    }

    /// From here on, those of either side one after another. Returns how many of the former ones did not strike.
    pub fn cut(&self, cuts: &[Cut]) -> usize {
        std::mem::replace(&mut *self.cuts.0.lock().unwrap(), cuts.to_vec()).len()
    }
}

/// Until one side closes, or the connection is cut: then both sides see its end.
async fn connect(client: TcpStream, upstream: TcpStream, cuts: Cuts) {
    let (end, ended) = watch::channel(());
    let (client_reads, client_writes) = client.into_split();
    let (upstream_reads, upstream_writes) = upstream.into_split();
    let up = tokio::spawn(copy(client_reads, upstream_writes, From::Program, cuts.clone(), ended.clone()));
    let down = tokio::spawn(copy(upstream_reads, client_writes, From::Server, cuts, ended));
    // Whichever ends first ends the other.
    futures::future::select(up, down).await;
    drop(end);
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, side: From, cuts: Cuts, mut ended: watch::Receiver<()>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = ended.changed() => 0,
        };
        if read == 0 {
            return;
        }
        let passes = cuts.pass(side, read);
        if to.write_all(&buffer[..passes]).await.is_err() || passes < read {
            return;
        }
    }
}
