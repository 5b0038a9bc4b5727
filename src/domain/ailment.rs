//! What keeps a pod from working, by the word that stands for it: one type for colours, counts, suggestions and watches.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// It starts and ends again.
    Crashing,
    /// Its memory limit ended it.
    OutOfMemory,
    /// It waits for an image, a volume, a setting or a place.
    CannotStart,
    /// It runs, and is not ready.
    Hanging,
    /// Its node does not answer, or is gone.
    NodeLost,
}

/// Words of waiting that passes by itself, and of what is well. Kubelets and schedulers name nothing else that is no error
/// (`pkg/kubelet/kubelet_pods.go`, `pkg/printers/internalversion/printers.go`).
const PASSING: [&str; 12] = [
    "",
    "Running",
    "NotReady",
    "Pending",
    "Waiting",
    "ContainerCreating",
    "PodInitializing",
    "SchedulingGated",
    "Terminating",
    "Unknown",
    "Succeeded",
    "Completed",
];

impl Ailment {
    /// What a STATUS of kubectl, or the reason that a container waits or ended for, says of a pod that should run; none where it
    /// passes by itself. Whatever is not known to pass does not.
    pub fn of(word: &str) -> Option<Self> {
        let of_init = word.strip_prefix("Init:");
        let reason = of_init.unwrap_or(word);
        if PASSING.contains(&reason) || of_init.is_some_and(is_count) { None } else { Some(Self::of_end(reason)) }
    }

    /// The same of a word that is known to be bad.
    pub fn of_end(word: &str) -> Self {
        let reason = word.strip_prefix("Init:").unwrap_or(word);
        match reason {
            "OOMKilled" => Self::OutOfMemory,
            "NodeLost" => Self::NodeLost,
            "CrashLoopBackOff" | "Error" | "Completed" | "RunContainerError" | "StartError" | "ContainerCannotRun" | "PostStartHookError" => {
                Self::Crashing
            }
            _ if reason.starts_with("ExitCode:") || reason.starts_with("Signal:") => Self::Crashing,
            _ => Self::CannotStart,
        }
    }
}

/// `0/2` of init containers.
fn is_count(text: &str) -> bool {
    text.split_once('/').is_some_and(|(done, all)| [done, all].iter().all(|number| number.parse::<u32>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_by_itself_is_bad_wherever_it_stands() {
        for bad in ["CrashLoopBackOff", "Init:CrashLoopBackOff", "Error", "Init:Error", "ExitCode:3", "Init:Signal:9", "RunContainerError"] {
            assert_eq!(Ailment::of(bad), Some(Ailment::Crashing), "{bad}");
        }
        let waits = ["InvalidImageName", "Init:ImagePullBackOff", "ErrImageNeverPull", "CreateContainerConfigError", "ImageInspectError", "Evicted"];
        for bad in waits {
            assert_eq!(Ailment::of(bad), Some(Ailment::CannotStart), "{bad}");
        }
        assert_eq!(Ailment::of("OOMKilled"), Some(Ailment::OutOfMemory));
        for good in ["Running", "Pending", "ContainerCreating", "PodInitializing", "Init:0/2", "Completed", "Terminating", "NotReady", ""] {
            assert_eq!(Ailment::of(good), None, "{good}");
        }
    }
}
