//! What the API server was asked, from its audit log.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
};

use serde_json::Value;

/// The log of the requests of one user, from here on.
pub struct Audit {
    log: PathBuf,
    from: u64,
}

impl Audit {
    pub fn from_here(log: &str) -> Self {
        let log = PathBuf::from(log);
        let from = std::fs::metadata(&log).map_or(0, |file| file.len());
        Self { log, from }
    }

    /// Requests since then, each once: a watch is noted when it begins and when it ends.
    pub fn requests(&self) -> usize {
        let mut file = File::open(&self.log).expect("the audit log");
        file.seek(SeekFrom::Start(self.from)).expect("the place where the log was");
        let events = BufReader::new(file).lines().map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let began = events.filter(|event| event["stage"] != "ResponseComplete" || event["verb"] != "watch");
        began.filter_map(|event| Some(event["auditID"].as_str()?.to_owned())).collect::<BTreeSet<_>>().len()
    }
}
