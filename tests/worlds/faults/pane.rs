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

/// What is said of alerts rests on two servers: silences on Alertmanager, whose substitute is Prometheus, and pending alerts on
/// Prometheus. It is live while both are.
fn alerts(screen: &str) -> String {
    if said(screen).contains("pending alerts unknown") {
        return "! pending alert".to_owned();
    }
    let unknown = ["! silences", "! pending alert", "! alerts unknown", "! nothing fired"].into_iter().find(|words| screen.contains(words));
    // Beside many alerts, as other scenarios' silenced ones on shared servers, its title has no room for who says it.
    let is_marked = screen.lines().any(|line| line.split_once("Firing  ").is_some_and(|(_, rest)| rest.contains('●')));
    let is_said = is_marked || screen.contains("says Alertmanager") || screen.contains("by Alertmanager") || screen.contains("nothing fires, says");
    unknown.unwrap_or(if is_said { "●" } else { "" }).to_owned()
}

/// What stands below the title of a pane of alerts that has none, from line to line.
fn said(screen: &str) -> String {
    let mut lines = screen.lines().skip_while(|line| !line.contains("Escalation ─"));
    let start = lines.next().and_then(|line| line.split_once("Escalation ─")).map_or(0, |(before, _)| before.chars().count());
    let words = lines.map(|line| line.chars().skip(start).collect::<String>().trim().to_owned()).take_while(|line| !line.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
