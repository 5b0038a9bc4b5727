//! Every listed request in both worlds: status, content type and shape of the answers side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::requests::{self, Script};
use crate::shape::Shape;
use crate::stack::{self, Stack};
use crate::world::{Answer, World, recording};

/// A difference that harms no client, with the reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Subject and name of the request; `*` stands for anything, here and in the path.
    request: String,
    path: String,
    how: String,
    why: String,
    /// It depends on the moment whether they differ.
    #[serde(default)]
    sometimes: bool,
}

#[derive(Debug, Deserialize)]
struct AllowedFile {
    allow: Vec<Allowed>,
}

fn allowed() -> Vec<Allowed> {
    let list = toml::from_str::<AllowedFile>(include_str!("allowed.toml")).unwrap().allow;
    assert!(list.iter().all(|allowed| allowed.why.len() > 10), "each difference that is allowed needs a reason");
    list
}

/// Whether the text is as the pattern, where `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.strip_prefix(head).is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(tail, &rest[at..])))
        }
    }
}

/// Plays a script; answers by the names of the requests.
async fn played(world: &World, script: &Script) -> BTreeMap<String, Answer> {
    let (mut kept, mut answers) = (world.known(), BTreeMap::new());
    for request in &script.request {
        if let Some(answer) = world.play(script.server, request, &mut kept).await {
            assert!(answers.insert(request.name.clone(), answer).is_none(), "{}: two requests of that name", request.name);
        }
    }
    answers
}

fn written(answers: &BTreeMap<String, Answer>) -> String {
    let mut text = String::new();
    for (name, answer) in answers {
        // Writing to a string cannot fail.
        let content_type = if answer.content_type.is_empty() { "-" } else { &answer.content_type };
        let _ = writeln!(text, "# {name}\n{} {content_type}", answer.status);
        text += &answer.shape.as_ref().map(Shape::write).unwrap_or_default();
    }
    text
}

fn read(subject: &str) -> BTreeMap<String, Answer> {
    let text = std::fs::read_to_string(recording(subject)).unwrap_or_else(|why| panic!("the recorded answers about {subject}: {why}"));
    let one = |section: &str| {
        let (name, rest) = section.split_once('\n').unwrap();
        let (head, shape) = rest.split_once('\n').unwrap();
        let (status, content_type) = head.split_once(' ').unwrap();
        let shape = (!shape.is_empty()).then(|| Shape::read(shape));
        (name.to_owned(), Answer { status: status.parse().unwrap(), content_type: content_type.trim_matches('-').to_owned(), shape })
    };
    text.strip_prefix("# ").unwrap().split("\n# ").map(|section| one(&format!("{}\n", section.trim_end()))).collect()
}

/// The differences of one request: (path, how, detail).
fn differences(real: &Answer, simulated: &Answer) -> Vec<(String, &'static str, String)> {
    let mut found = Vec::new();
    if real.status != simulated.status {
        found.push((String::new(), "status", format!("real {}, simulated {}", real.status, simulated.status)));
    }
    if real.content_type != simulated.content_type {
        found.push((String::new(), "content", format!("real {:?}, simulated {:?}", real.content_type, simulated.content_type)));
    }
    if let (Some(real), Some(simulated)) = (&real.shape, &simulated.shape) {
        found.extend(real.differences(simulated).into_iter().map(|found| (found.path, found.how, found.detail)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_servers_answer_as_the_real_ones() {
    let allowed = allowed();
    let mut used = vec![false; allowed.len()];
    let stack = Stack::named();
    let real = match &stack {
        Some(stack) => Some(World::real(stack).await),
        None => None,
    };
    let simulated = World::simulated().await;
    let (mut table, mut wrong, mut same) = (Vec::new(), Vec::new(), 0);
    for script in requests::all() {
        let truth = match &real {
            Some(world) => played(world, &script).await,
            None => read(&script.subject),
        };
        if real.is_some() && stack::is_recording() {
            std::fs::write(recording(&script.subject), written(&truth)).unwrap();
        }
        let answers = played(&simulated, &script).await;
        assert_eq!(truth.keys().collect::<Vec<_>>(), answers.keys().collect::<Vec<_>>(), "{}: record anew, the list has changed", script.subject);
        for (name, real) in &truth {
            let (answer, title) = (&answers[name], format!("{}: {name}", script.subject));
            let (mut harmless, mut harmful) = (0, Vec::new());
            for (path, how, detail) in differences(real, answer) {
                let reason =
                    allowed.iter().position(|allowed| fits(&allowed.request, &title) && fits(&allowed.path, &path) && fits(&allowed.how, how));
                match reason {
                    Some(place) => {
                        used[place] = true;
                        harmless += 1;
                    }
                    None => harmful.push(format!("{how} {path} ({detail})")),
                }
            }
            let verdict = match (harmful.len(), harmless) {
                (0, 0) => "same".to_owned(),
                (0, harmless) => format!("same but for {harmless} allowed"),
                (harmful, _) => format!("DIFFERS in {harmful}"),
            };
            same += usize::from(harmful.is_empty());
            table.push(format!("{title:<78} {:<5} {:<5} {verdict}", real.status, answer.status));
            wrong.extend(harmful.into_iter().map(|difference| format!("{title}: {difference}")));
        }
    }
    println!("{:<78} {:<5} {:<5} answer\n{}", "request", "real", "sim.", table.join("\n"));
    let whose = if real.is_some() { "the real servers" } else { "recorded of the real servers" };
    println!("{same} of {} requests are answered as by {whose}", table.len());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let stale: Vec<&str> =
        allowed.iter().zip(used).filter(|(allowed, used)| !used && !allowed.sometimes).map(|(allowed, _)| allowed.path.as_str()).collect();
    assert!(real.is_some() || stale.is_empty(), "allowed, but they do not differ: {stale:?}");
}

#[test]
fn a_star_stands_for_anything() {
    assert!(fits("a*c*", "abcd") && fits("*", "") && fits("a", "a"));
    assert!(!fits("a*c", "abcd") && !fits("a", "ab"));
}
