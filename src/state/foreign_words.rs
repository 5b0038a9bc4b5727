//! Words that people bring from kubectl and k9s: kinds and places after `:`. What has no table here is answered with what
//! shows it instead.

use crate::domain::{
    object::{Kind, Scope},
    shell,
    text::Text,
};

use super::{State, columns::KINDS, switch::is_about_places};

/// Kinds without a table by kubectl's names, what people call several of them, and what shows them here.
const ELSEWHERE: [(&[&str], &str, &str); 10] = [
    (&["replicasets", "replicaset", "rs"], "ReplicaSets", "Enter on a deployment shows its revisions"),
    (&["secrets", "secret", "sec"], "Secrets", ""),
    (&["ingresses", "ingress", "ing"], "Ingresses", ":svc shows the services behind them"),
    (&["endpoints", "ep"], "endpoints", ":svc counts them for each service"),
    (&["persistentvolumeclaims", "persistentvolumeclaim", "pvc"], "volume claims", ""),
    (&["persistentvolumes", "persistentvolume", "pv"], "volumes", ""),
    (&["serviceaccounts", "serviceaccount", "sa"], "service accounts", ""),
    (&["networkpolicies", "networkpolicy", "netpol"], "network policies", ""),
    (&["poddisruptionbudgets", "poddisruptionbudget", "pdb"], "disruption budgets", ""),
    (&["customresourcedefinitions", "customresourcedefinition", "crd", "crds"], "custom resource definitions", ""),
];

/// The table that a word means: `po`, `pod`, `pods`, and k9s's `dp`.
pub(super) fn table(word: &str) -> Option<Kind> {
    let kind = match word.to_ascii_lowercase().as_str() {
        "dp" => Kind::Deployment,
        "hpas" | "autoscaler" | "autoscalers" => Kind::HorizontalPodAutoscaler,
        word => Kind::named(word)?,
    };
    KINDS.contains(&kind).then_some(kind)
}

impl State {
    /// What to do instead, for a word that means something to kubectl or k9s and runs nothing here.
    pub(super) fn foreign_word(&self, typed: &str) -> Option<Text> {
        let line = self.in_own_words(typed)?;
        // A line with the name as it is shown would mean another context.
        Some(self.session.unclear.clone().unwrap_or(line))
    }

    fn in_own_words(&self, typed: &str) -> Option<Text> {
        let words: Vec<&str> = typed.split_whitespace().collect();
        let word = words.first()?.to_ascii_lowercase();
        match *words.as_slice() {
            [word, ..] if is_about_places(word) => self.destination_complaint(&words),
            [_] => self.elsewhere(&word),
            _ => None,
        }
    }

    fn elsewhere(&self, word: &str) -> Option<Text> {
        let (names, called, here) = ELSEWHERE.iter().find(|(names, ..)| names.contains(&word))?;
        let place = match &self.session.scope {
            Scope::One(namespace) => format!("-n {}", shell::quoted(namespace)),
            Scope::All => "-A".to_owned(),
        };
        let flags = self.session.kubectl.words().fold(String::new(), |all, flag| all + " " + &flag);
        let kubectl = format!("kubectl get {} {place}{flags}", names.first()?);
        let here = if here.is_empty() { String::new() } else { format!("{here}; ") };
        let said = format!("there is no table of {called} here: {here}{kubectl} lists them all");
        let shown = Text::line(&said);
        // Half a command, or one that means another place, is none.
        Some(if shown == *said { shown } else { Text::line(&format!("there is no table of {called} here: {here}kubectl lists them all")) })
    }
}
