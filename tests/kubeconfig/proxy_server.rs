//! Small proxies on the loopback: HTTP `CONNECT` in clear and over TLS, SOCKS5. Each leads to one server, whatever it is asked for.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// What a proxy speaks, and the `user:password` that it asks for.
#[derive(Clone)]
pub enum Speaks {
    Http(Option<&'static str>),
    Https(Arc<ServerConfig>),
    Socks5(Option<&'static str>),
}

pub struct Proxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Ends with the test's runtime.
    pub async fn start(speaks: Speaks, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = proxy.asked.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (speaks, asked) = (speaks.clone(), asked.clone());
                // A client that goes is no matter of the proxy's.
                tokio::spawn(async move { serve(client, speaks, server, &asked).await.ok() });
            }
        });
        proxy
    }

    /// What it was asked to connect to since this was asked last, each once.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.dedup();
        asked
    }
}

async fn serve(client: TcpStream, speaks: Speaks, server: SocketAddr, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    match speaks {
        Speaks::Http(login) => connect(client, login, server, asked).await,
        Speaks::Https(config) => connect(TlsAcceptor::from(config).accept(client).await?, None, server, asked).await,
        Speaks::Socks5(login) => socks(client, login, server, asked).await,
    }
}

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    login: Option<&str>,
    server: SocketAddr,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    asked.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
    let wanted = login.map(|login| format!("basic {}", base64::engine::general_purpose::STANDARD.encode(login)));
    let given = head.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")));
    let is_welcome = wanted.is_none_or(|wanted| given.is_some_and(|(_, given)| given.eq_ignore_ascii_case(&wanted)));
    if !head.starts_with("CONNECT ") || !is_welcome {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"office\"\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes()).await;
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut TcpStream::connect(server).await?).await.map(drop)
}

/// RFC 1928, and RFC 1929 for the login.
async fn socks(mut client: TcpStream, login: Option<&str>, server: SocketAddr, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    async fn counted(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::from(client.read_u8().await?)];
        client.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
    client.read_u8().await?;
    let methods = counted(&mut client).await?;
    let method = if login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        asked.lock().unwrap().push("no method".to_owned());
        return client.write_all(&[5, 0xFF]).await;
    }
    client.write_all(&[5, method]).await?;
    if let Some(login) = login {
        client.read_u8().await?;
        let (user, password) = (counted(&mut client).await?, counted(&mut client).await?);
        let is_welcome = [user, password].join(&b':') == login.as_bytes();
        client.write_all(&[1, u8::from(!is_welcome)]).await?;
        if !is_welcome {
            asked.lock().unwrap().push("a wrong login".to_owned());
            return Ok(());
        }
    }
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => format!("name {}", String::from_utf8_lossy(&counted(&mut client).await?)),
        _ => std::net::Ipv6Addr::from(client.read_u128().await?).to_string(),
    };
    let port = client.read_u16().await?;
    asked.lock().unwrap().push(format!("{host}:{port}"));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut TcpStream::connect(server).await?).await.map(drop)
}
