//! What the faults did, measured: printed as a table when all is played.

use std::{sync::Mutex, time::Duration};

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

/// One fault of one server.
#[derive(Debug, Clone)]
pub struct Row {
    pub world: &'static str,
    pub server: &'static str,
    pub fault: &'static str,
    /// From the fault to a pane that no longer claims to be live; none where the fault must not show.
    pub noticed: Option<Duration>,
    /// What the pane said of its data then.
    pub said: String,
    /// From the end of the fault to a live pane.
    pub back: Duration,
}

pub fn add(row: Row) {
    ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(row);
}

pub fn print() {
    let mut rows = ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|row| (row.world != "simulated", row.server));
    println!("{:<10} {:<14} {:<18} {:>9} {:>9}  the pane said", "world", "server", "fault", "noticed s", "back s");
    for row in rows {
        let noticed = row.noticed.map_or_else(|| "-".to_owned(), |noticed| format!("{:.1}", noticed.as_secs_f64()));
        println!("{:<10} {:<14} {:<18} {noticed:>9} {:>9.1}  {}", row.world, row.server, row.fault, row.back.as_secs_f64(), row.said);
    }
    println!();
}
