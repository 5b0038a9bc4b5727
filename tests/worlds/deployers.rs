//! Who deploys and scales by itself: Argo CD, Flux and KEDA, of whom a scenario makes the objects, and does what they would have done.
//!
//! Their objects stand where they usually do, in the namespaces `argocd` and `flux-system`, which the scenarios share: so each
//! has names of its own for them, and takes its objects away again, but not the namespaces.

use serde_json::{Value, json};

use super::{
    given::{self, collection},
    objects,
    play::Play,
    script::{fit, number, own},
};

/// What one sentence about them means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployer {
    /// Its sync policy, as [`sync_policy`] reads it.
    Application {
        name: String,
        syncs: String,
    },
    Kustomization {
        name: String,
        interval: String,
        suspended: bool,
    },
    HelmRelease {
        name: String,
        interval: String,
        corrects_drift: bool,
    },
    /// A deployment as one of them makes it.
    Deploys {
        by: By,
        name: String,
        deployment: String,
        image: String,
        /// None where its version says nothing of it.
        replicas: Option<u64>,
    },
    /// With the autoscaler that KEDA makes, unless there is a pause.
    ScaledObject {
        deployment: String,
        min: u64,
        max: u64,
        paused: Option<(&'static str, String)>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    ArgoCd,
    Kustomize,
    Helm,
}

type Meaning = fn(&[&str]) -> Deployer;

/// As the sentences of the whole language: the first that fits counts.
const SENTENCES: &[(&str, Meaning)] = &[
    ("an Argo CD application {} syncs {}", |w| Deployer::Application { name: own(w[0]), syncs: own(w[1]) }),
    ("a Flux kustomization {} reconciles every {}", |w| Deployer::Kustomization { name: own(w[0]), interval: own(w[1]), suspended: false }),
    ("a Flux kustomization {} is suspended", |w| Deployer::Kustomization { name: own(w[0]), interval: own("10m"), suspended: true }),
    ("a Flux Helm release {} is looked at every {}, correcting drift", |w| Deployer::HelmRelease {
        name: own(w[0]),
        interval: own(w[1]),
        corrects_drift: true,
    }),
    ("a Flux Helm release {} is looked at every {}", |w| Deployer::HelmRelease { name: own(w[0]), interval: own(w[1]), corrects_drift: false }),
    ("Argo CD application {} deploys {} of {} with {} replicas", |w| deploys(By::ArgoCd, w, Some(number(w[3])))),
    ("Flux kustomization {} deploys {} of {} with {} replicas", |w| deploys(By::Kustomize, w, Some(number(w[3])))),
    ("Flux kustomization {} deploys {} of {} without replicas", |w| deploys(By::Kustomize, w, None)),
    ("Flux Helm release {} deploys {} of {} with {} replicas", |w| deploys(By::Helm, w, Some(number(w[3])))),
    ("a KEDA scaled object scales {} between {} and {}, paused at {}", |w| scaled(w, Some(("paused-replicas", own(w[3]))))),
    ("a KEDA scaled object scales {} between {} and {}, paused", |w| scaled(w, Some(("paused", own("true"))))),
    ("a KEDA scaled object scales {} between {} and {}", |w| scaled(w, None)),
];

fn deploys(by: By, w: &[&str], replicas: Option<u64>) -> Deployer {
    Deployer::Deploys { by, name: own(w[0]), deployment: own(w[1]), image: own(w[2]), replicas }
}

fn scaled(w: &[&str], paused: Option<(&'static str, String)>) -> Deployer {
    Deployer::ScaledObject { deployment: own(w[0]), min: number(w[1]), max: number(w[2]), paused }
}

/// What a sentence means, if it is about one of them.
pub fn meaning(line: &str) -> Option<Deployer> {
    SENTENCES.iter().find_map(|(sentence, meaning)| Some(meaning(&fit(sentence, line)?)))
}

pub fn make(play: &mut Play, deployer: &Deployer) {
    match deployer {
        Deployer::Application { name, syncs } => {
            let mut spec = json!({
                "project": "default",
                "source": { "repoURL": "https://git.example.org/platform.git", "path": name, "targetRevision": "main" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": play.namespace },
            });
            sync_policy(&mut spec, syncs);
            apart(play, "argocd", "apis/argoproj.io/v1alpha1", "applications", &object("argoproj.io/v1alpha1", "Application", name, &spec));
        }
        Deployer::Kustomization { name, interval, suspended } => {
            let spec = json!({
                "interval": interval, "prune": true, "path": "./", "suspend": suspended, "sourceRef": { "kind": "GitRepository", "name": name },
            });
            let group = "kustomize.toolkit.fluxcd.io/v1";
            apart(play, "flux-system", &format!("apis/{group}"), "kustomizations", &object(group, "Kustomization", name, &spec));
        }
        Deployer::HelmRelease { name, interval, corrects_drift } => {
            let mut spec = json!({ "interval": interval, "chartRef": { "kind": "OCIRepository", "name": name } });
            if *corrects_drift {
                spec["driftDetection"] = json!({ "mode": "enabled" });
            }
            let group = "helm.toolkit.fluxcd.io/v2";
            apart(play, "flux-system", &format!("apis/{group}"), "helmreleases", &object(group, "HelmRelease", name, &spec));
        }
        Deployer::Deploys { by, name, deployment, image, replicas } => {
            let object = objects::deployment(&play.namespace, deployment, image, replicas.unwrap_or(1));
            deploy(play, *by, name, object, replicas.is_some());
        }
        Deployer::ScaledObject { deployment, min, max, paused } => scale(play, deployment, *min, *max, paused.as_ref()),
    }
}

fn object(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name }, "spec": spec })
}

/// `by hand`, or `by itself` and what of `pruning`, `self-healing`, `switched off`, `ignoring /A/FIELD` and `respecting that` there is.
fn sync_policy(spec: &mut Value, words: &str) {
    for word in words.split(", ") {
        match word.split_once(' ').unwrap_or((word, "")) {
            ("by", "hand") => {}
            ("by", "itself") => spec["syncPolicy"]["automated"] = json!({}),
            ("pruning", "") => spec["syncPolicy"]["automated"]["prune"] = json!(true),
            ("switched", "off") => spec["syncPolicy"]["automated"]["enabled"] = json!(false),
            ("self-healing", "") => spec["syncPolicy"]["automated"]["selfHeal"] = json!(true),
            ("ignoring", pointer) => spec["ignoreDifferences"] = json!([{ "group": "apps", "kind": "Deployment", "jsonPointers": [pointer] }]),
            ("respecting", "that") => spec["syncPolicy"]["syncOptions"] = json!(["RespectIgnoreDifferences=true"]),
            _ => panic!("{word:?} is no part of a sync policy"),
        }
    }
}

/// Applied, so that neither a namespace nor an object of the same name is in the way.
fn apply(play: &Play, path: &str, manager: &str, object: &Value) {
    play.world.api("PATCH", &format!("{path}?fieldManager={manager}&force=true"), "application/apply-patch+yaml", object);
}

/// Makes an object outside of the scenario's namespace, to be taken away with it.
fn apart(play: &mut Play, namespace: &str, group: &str, plural: &str, object: &Value) {
    let kept = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    apply(play, &format!("/api/v1/namespaces/{namespace}"), "worlds", &kept);
    let name = object["metadata"]["name"].as_str().expect("a name");
    let path = format!("{}/{name}", collection(namespace, group, plural));
    apply(play, &path, "worlds", object);
    play.apart.push(path);
}

/// With the marks by which each knows its own, and as each writes: Argo CD as kubectl does, Flux by server-side apply.
fn deploy(play: &Play, by: By, name: &str, mut object: Value, with_replicas: bool) {
    let deployed = object["metadata"]["name"].as_str().expect("a name").to_owned();
    let namespace = &play.namespace;
    if !with_replicas {
        object["spec"].as_object_mut().expect("a spec").remove("replicas");
    }
    let all = collection(namespace, "apis/apps/v1", "deployments");
    let group = match by {
        By::ArgoCd => {
            let tracking = format!("{name}:apps/Deployment:{namespace}/{deployed}");
            object["metadata"]["annotations"] = json!({ "argocd.argoproj.io/tracking-id": tracking });
            play.world.post(&format!("{all}?fieldManager=argocd-controller"), &object);
            return given::settled(play, &deployed);
        }
        By::Kustomize => "kustomize",
        By::Helm => "helm",
    };
    for (label, value) in [("name", name), ("namespace", "flux-system")] {
        object["metadata"]["labels"][format!("{group}.toolkit.fluxcd.io/{label}")] = json!(value);
    }
    apply(play, &format!("{all}/{deployed}"), &format!("{group}-controller"), &object);
    given::settled(play, &deployed);
}

/// The autoscaler is as `controllers/keda/hpa.go` makes it: its least is never below one. A pause takes it away.
fn scale(play: &Play, deployment: &str, min: u64, max: u64, paused: Option<&(&'static str, String)>) {
    let spec = json!({
        "scaleTargetRef": { "name": deployment }, "minReplicaCount": min, "maxReplicaCount": max,
        "triggers": [{ "type": "prometheus", "metadata": { "serverAddress": "http://prometheus:9090", "query": "sum(orders)", "threshold": "100" } }],
    });
    let mut scaled = object("keda.sh/v1alpha1", "ScaledObject", deployment, &spec);
    if let Some((how, value)) = paused {
        scaled["metadata"]["annotations"] = json!({ format!("autoscaling.keda.sh/{how}"): value });
    }
    let made = play.world.post(&collection(&play.namespace, "apis/keda.sh/v1alpha1", "scaledobjects"), &scaled);
    if paused.is_some() {
        return;
    }
    let metric = json!({ "name": "s0-prometheus", "selector": { "matchLabels": { "scaledobject.keda.sh/name": deployment } } });
    let mut autoscaler = objects::autoscaler(&play.namespace, deployment, min.max(1), max);
    autoscaler["metadata"]["name"] = json!(format!("keda-hpa-{deployment}"));
    autoscaler["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/part-of": deployment });
    autoscaler["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": deployment, "uid": made["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    autoscaler["spec"]["metrics"] =
        json!([{ "type": "External", "external": { "metric": metric, "target": { "type": "AverageValue", "averageValue": "100" } } }]);
    play.world.post(&collection(&play.namespace, "apis/autoscaling/v2", "horizontalpodautoscalers"), &autoscaler);
}
