//! A new version that is bad.

use super::super::world::scenario::{Action, Cause as Why, Effect, LogSpec};
use super::draft::Draft;
use super::truth::{Act, Cause, Truth};
use std::collections::BTreeMap;

pub fn bad_image(draft: &mut Draft) -> Truth {
    let (service, tag) = ("api-gateway", "2.4.0");
    let at = draft.symptom - 20;
    let action = Action::Rollout { deployment: service.into(), tag: tag.into(), env: BTreeMap::new(), by: "ci-deployer".into() };
    draft.fault("rollout", at, None, action);
    let why = || Why::Version { deployment: service.into(), tag: tag.into() };
    let errors = draft.between(0.15, 0.4);
    draft.effect(Effect { errors, ramp: 30, status: 500, ..Effect::on(why(), service) });
    draft.log(LogSpec::error(why(), service, "NullReference", "request {id}: cannot read field of null in session middleware", 40.0));
    Truth { cause: Cause::BadImage, service: service.into(), helps: vec![Act::Undo { deployment: service.into() }], harms: Vec::new() }
}
