//! The line of a field in a YAML file, for a message. It goes by the indentation of block style: of what is written in braces it is the line
//! where the braces begin.

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    /// From 0.
    Item(usize),
}

/// Counted from 1; none where not even the first step is found.
pub(super) fn line(text: &str, path: &[Step]) -> Option<usize> {
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && !matches!(line.trim_end(), "---" | "...");
    let numbered = text.lines().enumerate().filter(|(_, line)| is_content(line));
    let mut lines: Vec<(usize, String)> = numbered.map(|(at, line)| (at + 1, line.to_owned())).collect();
    let mut found = None;
    for step in path {
        let Some((at, below)) = into(&lines, step) else { break };
        found = Some(at);
        lines = below;
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_item(line: &str) -> bool {
    line.trim_start().starts_with("- ") || line.trim() == "-"
}

/// The line of the step, and the lines of what it holds.
fn into(lines: &[(usize, String)], step: &Step) -> Option<(usize, Vec<(usize, String)>)> {
    let margin = lines.iter().map(|(_, line)| indent(line)).min()?;
    let starts = |line: &str| match step {
        Step::Item(_) => is_item(line),
        Step::Field(name) => is_field(line.trim_start(), name),
    };
    let own: Vec<usize> = (0..lines.len()).filter(|at| indent(&lines[*at].1) == margin && starts(&lines[*at].1)).collect();
    let at = match step {
        Step::Item(index) => *own.get(*index)?,
        Step::Field(_) => *own.last()?,
    };
    let rest = &lines[at + 1..];
    let is_below = |line: &str| indent(line) > margin || matches!(step, Step::Field(_)) && indent(line) == margin && is_item(line);
    let mut below: Vec<(usize, String)> = rest.iter().take_while(|(_, line)| is_below(line)).cloned().collect();
    if let Step::Item(_) = step {
        // What stands beside the dash is the first of what it holds.
        let beside = lines[at].1.replacen('-', " ", 1);
        if !beside.trim().is_empty() {
            below.insert(0, (lines[at].0, beside));
        }
    }
    Some((lines[at].0, below))
}

fn is_field(text: &str, name: &str) -> bool {
    let bare = text.strip_prefix(['"', '\'']).unwrap_or(text);
    bare.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# mine
apiVersion: v1
clusters:
- name: a
  cluster:
    server: x

    extensions:
      - extension: {}
        name: one
      - name: two
users: [{name: u, user: {token: 5}}]
\"preferences\": []
contexts:
  -
    name: c
    context:
      namespace: 5
";

    fn path(words: &str) -> Vec<Step> {
        words.split('.').map(|word| word.parse().map_or_else(|_| Step::Field(word.to_owned()), Step::Item)).collect()
    }

    #[test]
    fn a_field_has_the_line_it_is_written_in() {
        for (place, expected) in [
            ("apiVersion", Some(2)),
            ("clusters", Some(3)),
            ("clusters.0", Some(4)),
            ("clusters.0.name", Some(4)),
            ("clusters.0.cluster.server", Some(6)),
            ("clusters.0.cluster.extensions.0.name", Some(10)),
            ("clusters.0.cluster.extensions.1", Some(11)),
            ("users.0.user.token", Some(12)),
            ("preferences", Some(13)),
            ("contexts.0.context.namespace", Some(18)),
            ("kind", None),
        ] {
            assert_eq!(line(TEXT, &path(place)), expected, "{place}");
        }
    }

    proptest::proptest! {
        #[test]
        fn of_any_text_it_is_a_line_of_it_or_none(text in "([ -]{0,4}[ab]?:? ?[-x#{\u{e9}]{0,3}\n){0,12}") {
            if let Some(line) = line(&text, &path("a.0.b")) {
                proptest::prop_assert!((1..=text.lines().count()).contains(&line));
            }
        }
    }
}
