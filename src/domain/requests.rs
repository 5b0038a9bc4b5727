//! What a pod asks for of one resource, from what its containers ask for.
//!
//! Init containers run one after the other before the rest; those that restart always (sidecars) stay beside all that comes after
//! them. An amount for the whole pod stands in place of the sum (`PodRequests` of `k8s.io/component-helpers/resource/helpers.go`).

/// One init container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Init {
    /// In thousandths; none where it says nothing.
    pub amount: Option<u64>,
    pub is_sidecar: bool,
}

/// The amounts of the containers of a pod, in thousandths and in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub main: Vec<Option<u64>>,
    pub init: Vec<Init>,
    /// For the whole pod.
    pub pod: Option<u64>,
    pub overhead: u64,
}

impl Asked {
    /// None where a container that runs says nothing, and nothing is said for the pod.
    pub fn effective(&self) -> Option<u64> {
        let add = |sum: Option<u64>, amount: Option<u64>| Some(sum?.saturating_add(amount?));
        let sidecars = || self.init.iter().filter(|init| init.is_sidecar).map(|init| init.amount);
        let running = self.main.iter().copied().chain(sidecars()).fold(Some(0), add);
        let mut beside = 0_u64;
        let mut most = 0_u64;
        for init in &self.init {
            let with = beside.saturating_add(init.amount.unwrap_or(0));
            beside = if init.is_sidecar { with } else { beside };
            most = most.max(with);
        }
        let amount = self.pod.or_else(|| running.map(|running| running.max(most)))?;
        Some(amount.saturating_add(self.overhead))
    }
}

/// What a container that exists counts with while it is resized: the most of what is wanted, what it has and what it was
/// promised; without what is wanted where the node can never give that (`determineContainerReqs`).
pub fn resized(wanted: Option<u64>, has: Option<u64>, promised: Option<u64>, is_infeasible: bool) -> Option<u64> {
    has.max(promised).max(wanted.filter(|_| !is_infeasible))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A linear congruential generator: the same pods for the same seed.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    fn pod(random: &mut Random) -> Asked {
        let amount = |random: &mut Random| Some(random.below(1_000));
        let main = (0..=random.below(4)).map(|_| amount(random)).collect();
        let init = (0..random.below(6)).map(|_| Init { amount: amount(random), is_sidecar: random.below(2) == 0 }).collect();
        let pod = if random.below(5) == 0 { amount(random) } else { None };
        Asked { main, init, pod, overhead: random.below(3) * 10 }
    }

    /// Plays the life of a pod step by step, and takes the most that is asked for at the same time.
    fn by_playing(pod: &Asked) -> u64 {
        let mut alive: Vec<u64> = Vec::new();
        let mut most = 0;
        for init in &pod.init {
            let mut moment = alive.clone();
            moment.push(init.amount.unwrap());
            most = most.max(moment.iter().sum());
            if init.is_sidecar {
                alive = moment;
            }
        }
        alive.extend(pod.main.iter().flatten());
        most = most.max(alive.iter().sum());
        pod.pod.unwrap_or(most) + pod.overhead
    }

    #[test]
    fn a_pod_asks_for_the_most_that_runs_at_the_same_time() {
        let seed = std::env::var("SEV1_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_129);
        println!("seed {seed}; another by SEV1_SEED");
        let mut random = Random(seed);
        for number in 0..500 {
            let pod = pod(&mut random);
            assert_eq!(pod.effective(), Some(by_playing(&pod)), "seed {seed}, pod {number}: {pod:?}");
        }
    }

    #[test]
    fn a_sidecar_before_an_init_container_runs_beside_it() {
        let init = |amount, is_sidecar| Init { amount: Some(amount), is_sidecar };
        let pod = Asked { main: vec![Some(100)], init: vec![init(50, true), init(250, false)], ..Asked::default() };
        assert_eq!(pod.effective(), Some(300));
        let after = Asked { init: vec![init(250, false), init(50, true)], ..pod.clone() };
        assert_eq!(after.effective(), Some(250));
        assert_eq!(Asked { pod: Some(40), overhead: 5, ..pod.clone() }.effective(), Some(45));
        assert_eq!(Asked { main: vec![None], ..pod }.effective(), None);
    }

    #[test]
    fn a_resize_counts_with_the_most_until_it_is_known_to_fail() {
        assert_eq!(resized(Some(3), Some(1), Some(2), false), Some(3));
        assert_eq!(resized(Some(3), Some(1), Some(2), true), Some(2));
        assert_eq!(resized(Some(1), Some(4), None, false), Some(4));
        assert_eq!(resized(Some(1), None, None, false), Some(1));
    }
}
