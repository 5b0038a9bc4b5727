//! Taking back a finished mitigation: a plan of its own, refused when the object moved on since.

use std::sync::Arc;

use crate::domain::{mitigation::MitigationId, text::Text};

use super::{changed, draft::Draft, draft::subject, engine::Core, expect::Expect, kinds, pods};

pub async fn draft(core: &Arc<Core>, id: MitigationId, of: MitigationId) -> Result<Draft, Text> {
    let Some(finished) = core.finished(of) else {
        return Err("nothing to undo: that mitigation was not done in this session".into());
    };
    let [write] = finished.plan.writes.as_slice() else { return Err(finished.plan.undo.clone()) };
    let Some(former) = Expect::before(write) else { return Err(finished.plan.undo.clone()) };
    let (target, object) = subject(core, write.target.kind, &write.target.key).await?;
    if pods::uid(&object) != write.target.uid.as_str() {
        return Err(Text::line(&format!("{target} was deleted and made again since: there is nothing left to undo")));
    }
    if let Some(wrote) = &finished.wrote {
        let seen = wrote.seen_in(&object);
        if seen == former {
            return Err(Text::line(&format!("{target} already is as it was before{}", changed::by(&object))));
        }
        if seen != *wrote {
            return Err(Text::line(&format!(
                "{target} moved on since: {}{}; undoing would undo that too",
                wrote.difference(&seen),
                changed::by(&object)
            )));
        }
    }
    let mut draft = match former {
        Expect::Replicas(replicas) => kinds::scale::change(core, id, target, &object, replicas).await?,
        Expect::Data { name, value } => kinds::config_key::change(core, id, target, &object, &name, value.as_deref())?,
        Expect::Template(_) => {
            let Some(inverse) = &write.inverse else { return Err(finished.plan.undo.clone()) };
            kinds::undo_rollout::back(core, id, target, &object, inverse).await?
        }
        Expect::Gone => return Err(finished.plan.undo.clone()),
    };
    draft.plan.title = Text::line(&title(&finished.plan.title));
    draft.plan.undoes = Some(of);
    Ok(draft)
}

/// What takes an undo back is a redo, and no undo of an undo of an undo.
fn title(of: &str) -> String {
    match of.strip_prefix("Undo: ") {
        Some(original) => format!("Redo: {original}"),
        None => format!("Undo: {}", of.strip_prefix("Redo: ").unwrap_or(of)),
    }
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn back_and_forth_is_undo_and_redo() {
        assert_eq!(title("Scale · gw"), "Undo: Scale · gw");
        assert_eq!(title("Undo: Scale · gw"), "Redo: Scale · gw");
        assert_eq!(title("Redo: Scale · gw"), "Undo: Scale · gw");
    }
}
