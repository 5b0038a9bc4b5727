//! The lies, as bodies.

use std::fmt::Write as _;

/// One way to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    NewPodsByWatch,
    /// Objects that are gone as soon as they came, each of its own name and time: what is kept of them beyond their lives adds up.
    ComeAndGo,
    /// A few objects that are others each time they are told of.
    EverOthers,
    EndlessPages,
    SameToken,
    HugeObject,
    EndlessList,
    EndlessWatchLine,
    LongWatchLines,
    HugeEvents,
    TinyObjects,
    DeepNesting,
    ManyContainers,
    ManyOfEverything,
    GreatMaps,
    ManyRules,
    EndlessReviews,
    ManySeries,
    EndlessServers,
    ManyAlerts,
    ManyHits,
    EndlessLog,
    EndlessLogLine,
    SlowBodies,
    /// Informational answers (1xx) without an end.
    EndlessHints,
    /// Pages, watches, servers and logs without an end.
    Everything,
    /// Beside another lie: the monitoring servers have addresses of their own, and are not behind the API server.
    Apart,
}

pub const ALL: &[Lie] = &[
    Lie::NewPodsByWatch,
    Lie::ComeAndGo,
    Lie::EverOthers,
    Lie::EndlessPages,
    Lie::SameToken,
    Lie::HugeObject,
    Lie::EndlessList,
    Lie::EndlessWatchLine,
    Lie::LongWatchLines,
    Lie::HugeEvents,
    Lie::TinyObjects,
    Lie::DeepNesting,
    Lie::ManyContainers,
    Lie::ManyOfEverything,
    Lie::GreatMaps,
    Lie::ManyRules,
    Lie::EndlessReviews,
    Lie::ManySeries,
    Lie::EndlessServers,
    Lie::ManyAlerts,
    Lie::ManyHits,
    Lie::EndlessLog,
    Lie::EndlessLogLine,
    Lie::SlowBodies,
    Lie::EndlessHints,
];

impl Lie {
    pub fn is_of_logs(self) -> bool {
        matches!(self, Self::EndlessLog | Self::EndlessLogLine)
    }
}

/// Resources of the API, by their kind.
const KINDS: &[(&str, &str)] = &[
    ("pods", "Pod"),
    ("deployments", "Deployment"),
    ("replicasets", "ReplicaSet"),
    ("nodes", "Node"),
    ("events", "Event"),
    ("services", "Service"),
    ("configmaps", "ConfigMap"),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("endpointslices", "EndpointSlice"),
];

pub fn kind_of(path: &str) -> Option<&'static str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    KINDS.iter().find(|(resource, _)| *resource == last).map(|(_, kind)| *kind)
}

/// An object that tells much, about 9 KB, in all its fields that are read.
pub fn rich(kind: &str, number: u64, fill: &str) -> String {
    let mut json = format!(
        r#"{{"metadata":{{"name":"{name}-{number:09}","namespace":"shop","uid":"u{number}","resourceVersion":"{number}","creationTimestamp":"2026-11-30T00:00:00Z","labels":{{"app":"a{number}","k":"{label}"}},"annotations":{{"a":"{fill}","deployment.kubernetes.io/revision":"1"}},"ownerReferences":[{{"kind":"ReplicaSet","name":"r{number}","uid":"ru{number}","controller":true,"apiVersion":"apps/v1"}}]}},"#,
        name = kind.to_ascii_lowercase(),
        label = &fill[..60]
    );
    let long = &fill[..900];
    let rest = match kind {
        "Pod" => format!(
            r#""spec":{{"nodeName":"n{number}","containers":[{{"name":"main","image":"{}"}}]}},"status":{{"phase":"Running","containerStatuses":[{{"name":"main","ready":false,"restartCount":{number},"state":{{"waiting":{{"reason":"CrashLoopBackOff","message":"{long}"}}}}}}]}}}}"#,
            &fill[..200]
        ),
        "Deployment" | "ReplicaSet" => {
            let env: Vec<String> = (0..40).map(|at| format!(r#"{{"name":"A{at}","value":"{}"}}"#, &fill[..100])).collect();
            format!(
                r#""spec":{{"replicas":3,"selector":{{"matchLabels":{{"app":"a{number}"}}}},"template":{{"metadata":{{"labels":{{"app":"a"}}}},"spec":{{"containers":[{{"name":"main","image":"i:{number}","env":[{}]}}]}}}}}},"status":{{"replicas":3}}}}"#,
                env.join(",")
            )
        }
        "Node" => format!(r#""status":{{"conditions":[{{"type":"Ready","status":"False","reason":"r","message":"{long}"}}]}}}}"#),
        "Event" => format!(
            r#""involvedObject":{{"kind":"Pod","name":"p{number}","namespace":"shop"}},"reason":"BackOff{number}","message":"{long}","type":"Warning","count":3,"lastTimestamp":"2026-11-30T00:00:00Z"}}"#
        ),
        "ConfigMap" => {
            let data: Vec<String> = (0..20).map(|at| format!(r#""k{at}":"{}""#, &fill[..500])).collect();
            format!(r#""data":{{{}}}}}"#, data.join(","))
        }
        "Service" => r#""spec":{"selector":{"app":"x"},"ports":[{"port":80}]}}"#.to_owned(),
        "EndpointSlice" => r#""addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.2.3.4"]}]}"#.to_owned(),
        _ => format!(
            r#""spec":{{"minReplicas":1,"maxReplicas":9,"scaleTargetRef":{{"kind":"Deployment","name":"d{number}"}}}},"status":{{"conditions":[{{"type":"ScalingActive","status":"False","message":"{long}"}}]}}}}"#
        ),
    };
    json.push_str(&rest);
    json
}

/// An object at one moment of its life, of the same owner as all others of its kind: its writers, revisions and times move on.
pub fn moved_on(kind: &str, name: u64, version: u64, is_going: bool) -> String {
    let (second, minute) = (version % 60, version / 60 % 60);
    let at = format!("2026-11-30T00:{minute:02}:{second:02}Z");
    let going = if is_going { format!(r#","deletionTimestamp":"{at}","deletionGracePeriodSeconds":30"#) } else { String::new() };
    let metadata = format!(
        r#"{{"metadata":{{"name":"{}-{name:09}","namespace":"shop","uid":"u{name}","resourceVersion":"{version}","creationTimestamp":"{at}"{going},"labels":{{"app":"a{version}"}},"annotations":{{"deployment.kubernetes.io/revision":"{version}","deployment.kubernetes.io/revision-history":"{},{}"}},"ownerReferences":[{{"kind":"{}","name":"owner","uid":"o","controller":true,"apiVersion":"apps/v1"}}],"managedFields":[{{"manager":"m{version}","operation":"Update","time":"{at}","fieldsType":"FieldsV1","fieldsV1":{{"f:spec":{{"f:replicas":{{}},"f:template":{{}}}},"f:data":{{"f:k":{{}}}}}}}}]}},"#,
        kind.to_ascii_lowercase(),
        version / 2,
        version / 3,
        if kind == "Pod" { "ReplicaSet" } else { "Deployment" },
    );
    let rest = match kind {
        "Pod" => format!(
            r#""spec":{{"nodeName":"node-000000001","containers":[{{"name":"main","image":"i:{version}"}}]}},"status":{{"phase":"Running","podIP":"10.0.0.1","containerStatuses":[{{"name":"main","ready":false,"restartCount":{version},"state":{{"waiting":{{"reason":"CrashLoopBackOff"}}}}}}]}}}}"#
        ),
        "Deployment" | "ReplicaSet" => format!(
            r#""spec":{{"replicas":{},"selector":{{"matchLabels":{{"app":"a"}}}},"template":{{"spec":{{"containers":[{{"name":"main","image":"i:{version}"}}]}}}}}},"status":{{"replicas":3}}}}"#,
            version % 90
        ),
        "Event" => format!(
            r#""involvedObject":{{"kind":"ReplicaSet","name":"r{version}","namespace":"shop","uid":"ru{version}"}},"reason":"ScalingReplicaSet","message":"Scaled up replica set r{version} from 0 to {version}","type":"Warning","count":1,"firstTimestamp":"{at}","lastTimestamp":"{at}"}}"#
        ),
        "Node" => format!(
            r#""spec":{{"unschedulable":true}},"status":{{"conditions":[{{"type":"Ready","status":"True","lastTransitionTime":"{at}","reason":"r{version}"}}]}}}}"#
        ),
        "ConfigMap" => format!(r#""data":{{"k":"{version}"}}}}"#),
        _ => format!(r#""spec":{{"minReplicas":1,"maxReplicas":{},"scaleTargetRef":{{"kind":"Deployment","name":"d{version}"}}}}}}"#, version % 90),
    };
    metadata + &rest
}

/// As many pieces as fit into so many bytes, between commas.
pub fn repeated(mut piece: impl FnMut(u64) -> String, bytes: usize) -> String {
    let mut all = String::with_capacity(bytes + 1_024);
    let mut number = 0;
    while all.len() < bytes {
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(all, "{separator}{}", piece(number));
        number += 1;
    }
    all
}

pub fn list(kind: &str, token: &str, items: &str) -> String {
    format!(r#"{{"kind":"{kind}List","apiVersion":"v1","metadata":{{"resourceVersion":"1","continue":"{token}"}},"items":[{items}]}}"#)
}

/// One object of each kind with more of everything than fits into any, so many bytes of it.
pub fn crammed(lie: Lie, bytes: usize) -> String {
    let named = r#""metadata":{"name":"one","namespace":"shop""#;
    let many = |piece: &str| repeated(|_| piece.to_owned(), bytes);
    match lie {
        Lie::ManyContainers => format!(r#"{{{named}}},"spec":{{"containers":[{}]}}}}"#, many("{}")),
        Lie::ManyOfEverything => {
            let part = |piece: &str| repeated(|_| piece.to_owned(), bytes / 10);
            let empty = part("{}");
            let data = repeated(|number| format!(r#""{number}":"""#), bytes / 10);
            format!(
                r#"{{{named},"labels":{{{data}}},"annotations":{{{data}}},"ownerReferences":[{empty}],"managedFields":[{empty}]}},"data":{{{data}}},"spec":{{"metrics":[{empty}],"ports":[{empty}],"selector":{{{data}}},"template":{{"spec":{{"containers":[{{"env":[{empty}],"envFrom":[{empty}]}}],"volumes":[{empty}]}}}}}},"endpoints":[{empty}],"status":{{"conditions":[{empty}],"containerStatuses":[{empty}],"currentMetrics":[{empty}]}}}}"#
            )
        }
        Lie::DeepNesting => format!(r#"{{{named}}},"spec":{}"#, "[".repeat(bytes)),
        _ => format!(r#"{{{named},"annotations":{{"a":"{}"}}}}}}"#, "x".repeat(bytes)),
    }
}

/// An object as small as one can be, of its own name; characters that are spelt out make it larger than it was on its way.
pub fn tiny(number: u64) -> String {
    format!("{{\"metadata\":{{\"name\":\"{number}\"}},\"reason\":\"{}\"}}", "\u{7f}".repeat(8))
}
