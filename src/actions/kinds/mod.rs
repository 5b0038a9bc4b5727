//! One file for each kind of mitigation: how its plan is made and what only it has to check.
//!
//! A kind is a type of ask with [`Mitigation`] and a line in [`ALL`]. Everything else (command line, menu, palette,
//! permissions; general checks, journal, sending, resolving, converging, undo) works from these two.

mod config_key;
mod cordon;
mod delete_pod;
mod drain;
mod evict;
mod hpa_bounds;
mod pause;
mod restart;
mod restart_dns;
mod restart_unhealthy;
mod run;
mod scale;
mod set_image;
mod silence;
mod switch_service;
mod undo_rollout;
mod unsilence;

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use futures::future::BoxFuture;

use crate::domain::{
    ask::{Ask, Wish, Words},
    asks::{Restart, RestartDns, RestartUnhealthy, Run, Scale, SetConfigKey, SetHpaBounds, Silence, UndoRollout},
    catalogue::{Entry, Right, Spec},
    mitigation::MitigationId,
    text::Text,
};

use super::{draft::Draft, engine::Core};

/// A kind of mitigation.
pub trait Mitigation: Ask + Clone + Sized {
    const SPEC: &'static Spec;

    /// Reads what stands after its name.
    fn parse(words: &mut Words<'_>) -> Result<Self, Text>;

    /// Reads what is needed and proposes what exactly is written. Writes nothing.
    fn draft(&self, core: &Arc<Core>, id: MitigationId) -> impl Future<Output = Result<Draft, Text>> + Send;
}

/// Every kind, in the order in which they are offered.
pub static ALL: &[Kind] = &[
    kind::<UndoRollout>(),
    kind::<RestartUnhealthy>(),
    kind::<Scale>(),
    kind::<SetConfigKey>(),
    kind::<Restart>(),
    kind::<pause::Pause>(),
    kind::<pause::Resume>(),
    kind::<set_image::SetImage>(),
    kind::<switch_service::SwitchService>(),
    kind::<SetHpaBounds>(),
    kind::<RestartDns>(),
    kind::<delete_pod::DeletePod>(),
    kind::<evict::Evict>(),
    kind::<cordon::Cordon>(),
    kind::<cordon::Uncordon>(),
    kind::<drain::Drain>(),
    kind::<Silence>(),
    kind::<unsilence::Unsilence>(),
    kind::<Run>(),
];

/// A kind as the engine runs it.
pub struct Kind {
    pub entry: Entry,
    draft: DraftOf,
}

/// Makes the draft of what is wished.
type DraftOf = for<'a> fn(&'a Arc<Core>, MitigationId, &'a Wish) -> BoxFuture<'a, Result<Draft, Text>>;

const fn kind<M: Mitigation>() -> Kind {
    Kind { entry: Entry { spec: M::SPEC, parse: parse::<M> }, draft: draft_of::<M> }
}

fn parse<M: Mitigation>(words: &mut Words<'_>) -> Result<Wish, Text> {
    M::parse(words).map(Wish::new)
}

fn draft_of<'a, M: Mitigation>(core: &'a Arc<Core>, id: MitigationId, wish: &'a Wish) -> BoxFuture<'a, Result<Draft, Text>> {
    Box::pin(async move {
        let Some(ask) = wish.get::<M>() else { return Err(Text::line(&format!("{wish:?} is no {}", M::SPEC.name))) };
        let mut draft = ask.draft(core, id).await?;
        draft.level = draft.level.max(M::SPEC.level);
        Ok(draft)
    })
}

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.entry.spec.name == name)
}

/// What the kinds say of themselves.
pub fn catalogue() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| ALL.iter().map(|kind| kind.entry).collect());
    &ENTRIES
}

/// Every write to the API server that one of them may do.
pub fn writes() -> Vec<Right> {
    let all: BTreeSet<Right> = ALL.iter().flat_map(|kind| kind.entry.spec.rights).copied().collect();
    all.into_iter().filter(|right| right.writes() && !right.is_of_servers()).collect()
}

pub async fn draft(core: &Arc<Core>, id: MitigationId, wish: &Wish) -> Result<Draft, Text> {
    match find(wish.kind()) {
        Some(kind) => (kind.draft)(core, id, wish).await,
        None => Err(Text::line(&format!("this version knows no mitigation {}", wish.kind()))),
    }
}
