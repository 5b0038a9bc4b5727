//! Whether the pods that are left after scaling down can carry the present load.

use crate::domain::{mitigation::CheckResult, object::ObjectRef, text::Text, units};

use super::{api::Api, overwriters};

/// What fewer pods mean. How many the load takes is known where an autoscaler measures it; else what each of them gets.
pub async fn on_fewer(api: &Api, target: &ObjectRef, current: u64, wanted: u64) -> CheckResult {
    if wanted == 0 {
        return CheckResult::Warn(Text::line(&format!("this is an outage: no pod of {target} is left, and it serves nobody until it is scaled up")));
    }
    let are = units::verb(wanted, "are");
    let needed = overwriters::autoscaler(api, target).await.ok().flatten().filter(|hpa| hpa.desired > 0);
    match needed {
        Some(hpa) if wanted < hpa.desired => CheckResult::Warn(Text::line(&format!(
            "{wanted} of {current} pods {are} too few for the present load: HPA {} wants {} for it",
            hpa.name, hpa.desired
        ))),
        Some(hpa) => CheckResult::Pass(Text::line(&format!(
            "{} {are} enough for the present load: HPA {} wants {}",
            units::counted(wanted, "pod"),
            hpa.name,
            hpa.desired
        ))),
        None => CheckResult::Warn(Text::line(&format!(
            "{wanted} of {current} pods {are} left, each with {} times the load: whether that is enough is not known",
            times(current, wanted)
        ))),
    }
}

/// `2.5`, `2`: with one decimal where it has one.
fn times(before: u64, after: u64) -> String {
    let tenths = (before * 10 + after / 2) / after.max(1);
    if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::times;

    #[test]
    fn a_share_of_the_load_has_one_decimal() {
        assert_eq!([(5, 2), (4, 2), (3, 2), (10, 3)].map(|(before, after)| times(before, after)), ["2.5", "2", "1.5", "3.3"]);
    }
}
