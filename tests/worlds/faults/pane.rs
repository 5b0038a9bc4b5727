//! The pane of the first screen that rests on one server, at 120x40: whether it claims to be live, and what it says instead.

/// From the pane's title to the end of its line, or to the next pane beside it.
pub fn marker(screen: &str, server: &str) -> String {
    let (title, ends): (&str, &[&str]) = match server {
        "kubernetes" => ("Pods ", &["Errors ", "▸Errors "]),
        "prometheus" => ("Error rate ", &["│"]),
        "elasticsearch" => ("Errors ", &[]),
        "alertmanager" => return alerts(screen),
        other => panic!("no pane rests on {other}"),
    };
    let Some(rest) = screen.lines().find_map(|line| line.find(title).map(|start| &line[start..])) else { return String::new() };
    let end = ends.iter().filter_map(|end| rest[title.len()..].find(end).map(|at| at + title.len())).min().unwrap_or(rest.len());
    let marker = rest[..end].trim_end_matches([' ', '▸']).trim_end();
    let start = ['●', '!', '…'].iter().filter_map(|sign| marker.rfind(*sign)).max().unwrap_or(marker.len());
    marker[start..].to_owned()
}

pub fn is_live(screen: &str, server: &str) -> bool {
    marker(screen, server) == "●"
}

/// Alertmanager has a substitute: its pane is live while what it says comes from Alertmanager itself.
fn alerts(screen: &str) -> String {
    let screen = super::super::play::run_together(screen);
    if screen.contains("silencesunknown") {
        return "! silences unknown".to_owned();
    }
    if screen.contains("saysAlertmanager") || screen.contains("byAlertmanager") { "●".to_owned() } else { String::new() }
}
