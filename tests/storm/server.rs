//! An API server that speaks HTTP/1.1 and lies.

use std::{
    io::{BufRead as _, BufReader, Read as _, Result, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::kinds::{Lie, crammed, kind_of, list, moved_on, repeated, rich, tiny};

/// Below this path stand monitoring servers that are not reached through the API server.
pub const OF_THEIR_OWN: &str = "/apart";
/// What it sends at a time, in bytes.
const PIECE: usize = 64 << 10;

/// Stops lying when it is dropped.
pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    lies: Vec<Lie>,
    sent: AtomicU64,
    hung_up: AtomicU64,
    numbers: AtomicU64,
    over: AtomicBool,
    fill: String,
    /// Bodies that are made once.
    page: OnceLock<String>,
    servers: OnceLock<String>,
}

impl Server {
    pub fn start(lies: &[Lie]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            lies: lies.to_vec(),
            sent: AtomicU64::new(0),
            hung_up: AtomicU64::new(0),
            numbers: AtomicU64::new(1),
            over: AtomicBool::new(false),
            fill: "x".repeat(7_000),
            page: OnceLock::new(),
            servers: OnceLock::new(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || {
                    let Ok(mut connection) = Connection::new(stream) else { return };
                    if connection.serve(&shared).is_err_and(|error| error.kind() != std::io::ErrorKind::Interrupted) {
                        shared.hung_up.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self { port, shared }
    }

    /// Bytes that the program took, or its kernel.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Answers that the program did not wait for the end of.
    pub fn hung_up(&self) -> u64 {
        self.shared.hung_up.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lies(&self, lie: Lie) -> bool {
        self.lies.contains(&lie)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

struct Connection {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
}

impl Connection {
    fn new(stream: TcpStream) -> Result<Self> {
        Ok(Self { reader: BufReader::new(stream.try_clone()?), stream })
    }

    fn serve(&mut self, shared: &Shared) -> Result<()> {
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let mut length = 0;
            loop {
                let mut header = String::new();
                self.reader.read_line(&mut header)?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            self.reader.read_exact(&mut body)?;
            self.answer(shared, &target)?;
        }
    }

    fn answer(&mut self, shared: &Shared, target: &str) -> Result<()> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if shared.lies(Lie::EndlessHints) {
            return self.hints(shared);
        }
        if let Some(path) = path.strip_prefix(OF_THEIR_OWN) {
            return self.apart(shared, path);
        }
        if path.contains("/proxy") {
            return self.behind(shared);
        }
        if path.ends_with("/log") {
            return self.log(shared);
        }
        if path.contains("review") {
            return self.review(shared, path);
        }
        if let Some(kind) = kind_of(path) {
            return if query.contains("watch=") { self.watch(shared, kind, query) } else { self.page(shared, kind) };
        }
        if path.contains("/pods/") {
            return self.whole(shared, 200, &rich("Pod", 1, &shared.fill));
        }
        match path.rsplit('/').next() {
            Some("version") => self.whole(shared, 200, r#"{"major":"1","minor":"36","gitVersion":"v1.36.0"}"#),
            Some("kube-system") => self.whole(shared, 200, r#"{"kind":"Namespace","metadata":{"name":"kube-system","uid":"uid-hostile"}}"#),
            _ if shared.lies(Lie::Everything) || shared.lies(Lie::EndlessReviews) => self.endless(shared, "{\"groups\":[", "{\"name\":\"a\"},"),
            _ => self.whole(shared, 200, r#"{"kind":"APIGroupList","groups":[]}"#),
        }
    }

    fn review(&mut self, shared: &Shared, path: &str) -> Result<()> {
        if shared.lies(Lie::EndlessReviews) && path.contains("access") {
            return self.endless(shared, "{\"status\":{\"resourceRules\":[", "{},");
        }
        if shared.lies(Lie::ManyRules) {
            let answer = format!(
                r#"{{"status":{{"allowed":true,"userInfo":{{"username":"me"}},"resourceRules":[{}]}}}}"#,
                repeated(|_| "{}".to_owned(), 7 << 20)
            );
            return self.whole(shared, 201, &answer);
        }
        self.whole(
            shared,
            201,
            r#"{"status":{"allowed":true,"userInfo":{"username":"me"},"resourceRules":[],"nonResourceRules":[],"incomplete":false}}"#,
        )
    }

    fn page(&mut self, shared: &Shared, kind: &str) -> Result<()> {
        let fresh = format!("t{}", shared.number());
        let one = |lie| {
            shared.page.get_or_init(|| match lie {
                Lie::TinyObjects => repeated(tiny, 15 << 20),
                Lie::GreatMaps => repeated(
                    |number| {
                        let data = repeated(|at| format!(r#""k{at}":"{}""#, "\u{7f}".repeat(1_000)), 1 << 20);
                        format!(r#"{{"metadata":{{"name":"m{number}","labels":{{{data}}}}},"data":{{{data}}}}}"#)
                    },
                    14 << 20,
                ),
                Lie::HugeObject => crammed(lie, 50 << 20),
                lie => crammed(lie, 15 << 20),
            })
        };
        let Some(lie) = shared.lies.first().copied() else { return Ok(()) };
        match lie {
            Lie::Everything | Lie::EndlessPages => {
                let items: Vec<String> = (0..500).map(|_| rich(kind, shared.number(), &shared.fill)).collect();
                self.whole(shared, 200, &list(kind, &fresh, &items.join(",")))
            }
            Lie::SameToken => self.whole(shared, 200, &list(kind, "same", "")),
            Lie::EndlessList => self.endless(shared, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[", "{},"),
            Lie::TinyObjects => self.whole(shared, 200, &list(kind, &fresh, one(lie))),
            Lie::HugeObject | Lie::DeepNesting | Lie::ManyContainers | Lie::ManyOfEverything | Lie::GreatMaps => {
                self.whole(shared, 200, &list(kind, "", one(lie)))
            }
            Lie::SlowBodies => self.slow(shared, &list(kind, "", "")),
            lie if lie.is_of_logs() && kind == "Pod" => self.whole(shared, 200, &list(kind, "", &rich(kind, 1, &shared.fill))),
            _ => self.whole(shared, 200, &list(kind, "", "")),
        }
    }

    fn watch(&mut self, shared: &Shared, kind: &str, query: &str) -> Result<()> {
        self.head("200 OK")?;
        let event = |object: &str| format!("{{\"type\":\"ADDED\",\"object\":{object}}}\n");
        // The pulse is of one object.
        let is_pulse = query.contains("fieldSelector");
        match shared.lies.first() {
            Some(Lie::Everything | Lie::NewPodsByWatch) if !is_pulse => loop {
                let events: String = (0..16).map(|_| event(&rich(kind, shared.number(), &shared.fill))).collect();
                self.piece(shared, &events)?;
            },
            Some(Lie::ComeAndGo) if !is_pulse => {
                self.piece(shared, &event(&moved_on(kind, 1, 1, false)))?;
                loop {
                    let lives: String = (0..32)
                        .map(|_| {
                            let number = shared.number() + 1;
                            let last = moved_on(kind, number, number + 2, true);
                            let gone = format!("{{\"type\":\"DELETED\",\"object\":{last}}}\n");
                            [event(&moved_on(kind, number, number, false)), event(&last), gone].concat()
                        })
                        .collect();
                    self.piece(shared, &lives)?;
                }
            }
            Some(Lie::EverOthers) if !is_pulse => loop {
                let moments: String = (0..64)
                    .map(|_| {
                        let number = shared.number();
                        event(&moved_on(kind, number % 40, number, false))
                    })
                    .collect();
                self.piece(shared, &moments)?;
            },
            Some(Lie::EndlessWatchLine) => {
                self.piece(shared, "{\"type\":\"ADDED\",\"object\":{\"a\":\"")?;
                let fill = "x".repeat(PIECE);
                loop {
                    self.piece(shared, &fill)?;
                }
            }
            Some(lie @ (Lie::LongWatchLines | Lie::HugeEvents)) => {
                let (name, size) = if *lie == Lie::HugeEvents { ("message", 1 << 20) } else { ("labels", 7 << 20) };
                let value = if *lie == Lie::HugeEvents {
                    format!("\"{}\"", "\u{7f}".repeat(size))
                } else {
                    format!("{{{}}}", repeated(|at| format!(r#""{at}":"{at}""#), size))
                };
                loop {
                    let object = format!(r#"{{"metadata":{{"name":"e{}","{name}":{value}}},"{name}":{value}}}"#, shared.number());
                    self.piece(shared, &event(&object))?;
                }
            }
            _ => {
                if is_pulse {
                    // As long as it is asked to be.
                    std::thread::sleep(Duration::from_secs(5));
                    return self.stream.write_all(b"0\r\n\r\n");
                }
                // Quiet, as long as the program listens.
                let _ = self.stream.read(&mut [0]);
                Err(std::io::ErrorKind::Interrupted.into())
            }
        }
    }

    fn behind(&mut self, shared: &Shared) -> Result<()> {
        let Some(lie) = shared.lies.first().copied() else { return Ok(()) };
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":["#;
        match lie {
            Lie::Everything | Lie::EndlessServers => self.endless(shared, vector, r#"{"metric":{"a":"y"},"value":[1,"1"]},"#),
            Lie::ManySeries | Lie::ManyAlerts | Lie::ManyHits => {
                let body = shared.servers.get_or_init(|| match lie {
                    Lie::ManySeries => format!("{vector}{}]}}}}", repeated(|at| format!(r#"{{"metric":{{"a":"{at}"}},"value":[1,"1"]}}"#), 3 << 20)),
                    Lie::ManyAlerts => format!(
                        "[{}]",
                        repeated(
                            |at| format!(r#"{{"labels":{{"a":"{at}"}},"annotations":{{}},"status":{{"state":"active"}},"fingerprint":"{at}"}}"#),
                            15 << 20
                        )
                    ),
                    _ => format!(
                        r#"{{"hits":{{"total":{{"value":1}},"hits":[{}]}}}}"#,
                        repeated(|_| r#"{"_source":{"a":[1,1,1,1,1,1,1]}}"#.to_owned(), 15 << 20)
                    ),
                });
                self.whole(shared, 200, body)
            }
            Lie::SlowBodies => self.slow(shared, vector),
            _ => self.whole(shared, 503, "{}"),
        }
    }

    /// What each monitoring server is asked for, in its right shape and without an end.
    fn apart(&mut self, shared: &Shared, path: &str) -> Result<()> {
        let long = "m".repeat(PIECE - 200);
        if path.contains("_search") || path.contains("_field") {
            let head = r#"{"took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"failed":0},"hits":{"total":{"value":9,"relation":"gte"},"hits":["#;
            let hit = format!(r#"{{"_id":"1","_source":{{"@timestamp":"2026-11-30T00:00:00Z","level":"ERROR","service":"s","message":"{long}"}}}},"#);
            return self.endless(shared, head, &hit);
        }
        if path.contains("/v2/") {
            let labels = format!(r#"{{"alertname":"A","severity":"critical","x":"{long}"}}"#);
            let rest = r#""annotations":{"summary":"z"},"startsAt":"2026-11-30T00:00:00Z","status":{"state":"active","silencedBy":["1"]}"#;
            return self.endless(shared, "[", &format!(r#"{{"labels":{labels},{rest}}},"#));
        }
        if path.contains("query_range") {
            let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":["#;
            return self.endless(shared, matrix, r#"[1700000000,"1"],"#);
        }
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":["#;
        self.endless(shared, vector, &format!(r#"{{"metric":{{"a":"{long}"}},"value":[1,"1"]}},"#))
    }

    fn log(&mut self, shared: &Shared) -> Result<()> {
        if shared.lies(Lie::EndlessLogLine) {
            return self.endless(shared, "2026-11-30T00:00:00Z ", "yyyyyyyyyyyyyyy");
        }
        let line = format!("2026-11-30T00:00:00Z {}\n", "z".repeat(12 << 10));
        self.endless(shared, "", &line)
    }

    fn head(&mut self, status: &str) -> Result<()> {
        write!(self.stream, "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    fn piece(&mut self, shared: &Shared, text: &str) -> Result<()> {
        if shared.over.load(Ordering::Relaxed) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        for piece in text.as_bytes().chunks(PIECE) {
            write!(self.stream, "{:x}\r\n", piece.len())?;
            self.stream.write_all(piece)?;
            self.stream.write_all(b"\r\n")?;
            shared.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn whole(&mut self, shared: &Shared, status: u16, body: &str) -> Result<()> {
        self.head(&format!("{status} Said"))?;
        self.piece(shared, body)?;
        self.stream.write_all(b"0\r\n\r\n")
    }

    fn endless(&mut self, shared: &Shared, begin: &str, piece: &str) -> Result<()> {
        self.head("200 OK")?;
        self.piece(shared, begin)?;
        let many = piece.repeat(PIECE / piece.len() + 1);
        loop {
            self.piece(shared, &many)?;
        }
    }

    /// Informational answers, and never the one that was asked for.
    fn hints(&mut self, shared: &Shared) -> Result<()> {
        let many = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(PIECE / 28);
        while !shared.over.load(Ordering::Relaxed) {
            self.stream.write_all(many.as_bytes())?;
            shared.sent.fetch_add(many.len() as u64, Ordering::Relaxed);
        }
        Err(std::io::ErrorKind::Interrupted.into())
    }

    /// A byte a second.
    fn slow(&mut self, shared: &Shared, body: &str) -> Result<()> {
        self.head("200 OK")?;
        for at in 0..body.len() {
            self.piece(shared, &body[at..=at])?;
            std::thread::sleep(Duration::from_secs(1));
        }
        self.stream.write_all(b"0\r\n\r\n")
    }
}
