//! Something that the services need does not answer.

use super::super::world::scenario::{Action, Cause as Why, Effect, LogSpec};
use super::draft::Draft;
use super::truth::{Act, Cause, Truth};

pub fn dead(draft: &mut Draft) -> Truth {
    let service = "gov-connectors";
    draft.fault("dependency", draft.symptom, None, Action::Condition);
    let why = || Why::Fault("dependency".into());
    let errors = draft.between(0.6, 0.9);
    draft.effect(Effect { errors, status: 504, breaker: 0.9, ..Effect::on(why(), service) });
    draft.effect(Effect { errors: errors * 0.12, status: 504, breaker: 0.95, ..Effect::on(why(), "api-gateway") });
    draft.log(LogSpec::error(why(), service, "UpstreamTimeout", "DVLA answered 504 after {10000..10020} ms", 26.0));
    Truth { cause: Cause::DeadDependency, service: service.into(), helps: vec![Act::BreakerOn], harms: Vec::new() }
}
