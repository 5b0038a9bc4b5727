//! The arithmetic of a rolling update, as the deployment controller does it (`pkg/controller/deployment/rolling.go`).

use serde_json::Value;

/// The bounds of a rolling update, in pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub surge: i64,
    pub unavailable: i64,
}

/// A replica set's wish and state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub wanted: i64,
    pub available: i64,
}

impl Bounds {
    /// From `spec.strategy`: percentages round up for the surge and down for the unavailable; both zero means one unavailable.
    pub fn of(deployment: &Value, replicas: i64) -> Self {
        let bound = |name: &str, up: bool| {
            let value = deployment.pointer(&format!("/spec/strategy/rollingUpdate/{name}"));
            amount(value, replicas, up)
        };
        let (surge, unavailable) = (bound("maxSurge", true), bound("maxUnavailable", false));
        if surge == 0 && unavailable == 0 { Self { surge, unavailable: 1 } } else { Self { surge, unavailable: unavailable.min(replicas) } }
    }
}

/// A count, or a percentage of `total`; 25 % where nothing is said.
pub fn amount(value: Option<&Value>, total: i64, round_up: bool) -> i64 {
    let percent = |percent: i64| if round_up { (total * percent + 99) / 100 } else { total * percent / 100 };
    match value {
        Some(Value::Number(count)) => count.as_i64().unwrap_or_default().max(0),
        Some(Value::String(text)) => match text.strip_suffix('%') {
            Some(digits) => percent(digits.parse().unwrap_or(25)),
            None => text.parse().unwrap_or_default(),
        },
        _ => percent(25),
    }
}

/// How many replicas the new replica set should have: as many as the surge leaves room for.
pub fn new_replicas(desired: i64, new: i64, total: i64, bounds: Bounds) -> i64 {
    if new >= desired {
        return desired;
    }
    let room = desired + bounds.surge - total;
    if room <= 0 { new } else { (new + room).min(desired) }
}

/// What the old replica sets (oldest first) should be scaled to: those that are unhealthy first, then no further than
/// leaves `desired - maxUnavailable` available.
pub fn old_replicas(desired: i64, new: Count, old: &[Count], bounds: Bounds) -> Vec<i64> {
    let mut wanted: Vec<i64> = old.iter().map(|count| count.wanted).collect();
    let total: i64 = new.wanted + wanted.iter().sum::<i64>();
    let least = desired - bounds.unavailable;
    let new_unavailable = new.wanted - new.available;
    let mut room = total - least - new_unavailable;
    if room <= 0 {
        return wanted;
    }
    for (count, wanted) in old.iter().zip(&mut wanted) {
        let unhealthy = (count.wanted - count.available).clamp(0, room);
        *wanted -= unhealthy;
        room -= unhealthy;
    }
    let available: i64 = new.available + old.iter().map(|count| count.available).sum::<i64>();
    let mut spare = available - least;
    for wanted in &mut wanted {
        let down = (*wanted).min(spare).max(0);
        *wanted -= down;
        spare -= down;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use serde_json::json;

    #[test]
    fn percentages_round_as_documented() {
        let deployment = json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}}});
        assert_eq!(Bounds::of(&deployment, 5), Bounds { surge: 2, unavailable: 1 });
        assert_eq!(Bounds::of(&deployment, 1), Bounds { surge: 1, unavailable: 0 });
        let none = json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}});
        assert_eq!(Bounds::of(&none, 3), Bounds { surge: 0, unavailable: 1 });
    }

    /// Plays updates in which pods become available at random: neither bound is ever broken, and each update ends.
    #[test]
    fn an_update_keeps_its_bounds() {
        for seed in 0..200 {
            let mut rng = Rng::with_seed(seed);
            let desired = rng.i64(1..20);
            let surge = rng.i64(0..4);
            let bounds = Bounds { surge, unavailable: rng.i64(i64::from(surge == 0)..4).min(desired) };
            let (mut new, mut old) = (Count::default(), Count { wanted: desired, available: desired });
            let mut rounds = 0;
            while new.available < desired || old.wanted > 0 {
                new.wanted = new_replicas(desired, new.wanted, new.wanted + old.wanted, bounds);
                let down = old_replicas(desired, new, &[old], bounds)[0];
                old = Count { wanted: down, available: old.available.min(down) };
                assert!(new.available + old.available >= desired - bounds.unavailable, "seed {seed}");
                assert!(new.wanted + old.wanted <= desired + bounds.surge, "seed {seed}");
                new.available = (new.available + rng.i64(0..2)).min(new.wanted);
                rounds += 1;
                assert!(rounds < 1000, "seed {seed}: the update does not end");
            }
        }
    }

    #[test]
    fn unhealthy_old_pods_go_first_but_a_bad_new_version_stops_the_update() {
        let bounds = Bounds { surge: 2, unavailable: 1 };
        let kept = old_replicas(5, Count { wanted: 3, available: 0 }, &[Count { wanted: 4, available: 4 }], bounds);
        assert_eq!(kept, [4]);
        let cleaned = old_replicas(5, Count { wanted: 2, available: 2 }, &[Count { wanted: 4, available: 2 }], bounds);
        assert_eq!(cleaned, [2]);
    }
}
