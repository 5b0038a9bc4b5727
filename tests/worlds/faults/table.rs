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
    /// How old the data was when the pane ceased to claim that it is live, since the server was last heard unharmed; where it
    /// never ceased, how old it was at the end.
    pub age: Duration,
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
    println!("{:<10} {:<14} {:<18} {:>9} {:>10} {:>7}  the pane said", "world", "server", "fault", "noticed s", "data age s", "back s");
    for row in rows {
        let noticed = row.noticed.map_or_else(|| "-".to_owned(), |noticed| format!("{:.1}", noticed.as_secs_f64()));
        let (age, back) = (row.age.as_secs_f64(), row.back.as_secs_f64());
        println!("{:<10} {:<14} {:<18} {noticed:>9} {age:>10.1} {back:>7.1}  {}", row.world, row.server, row.fault, row.said);
    }
    println!();
}
