//! Setting the images of containers of a workload, as `kubectl set image` does.
//!
//! A JSON patch that tests the uid and, for each container, its name and the image it was planned on.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Mitigation;
use crate::{
    actions::{
        draft::{Draft, Undo, guarded_patch, subject},
        engine::Core,
        kubectl, revisions, workload,
    },
    domain::{
        ask::{Ask, Wish, Words},
        catalogue::{Level, Parameter, Presence, Right, Spec},
        mitigation::{CheckKind, CheckResult, Field, MitigationId},
        object::{ObjectRef, Subject},
        text::{Text, is_hostile},
    },
};

/// Longest image reference that is taken.
const LONGEST: usize = 512;

static SPEC: Spec = Spec {
    name: "set-image",
    key: 'i',
    summary: "set the images of containers of a workload",
    on: workload::ROLLED_OUT,
    takes_several: false,
    parameters: &[Parameter { name: "CONTAINER=IMAGE", about: "a container, or an init container, and its new image", presence: Presence::Repeated }],
    level: Level::Disruptive,
    more: workload::MORE,
    rights: &[
        Right::on("get", "apps", "deployments"),
        Right::on("patch", "apps", "deployments"),
        Right::on("list", "apps", "replicasets"),
        Right::on("get", "apps", "statefulsets"),
        Right::on("patch", "apps", "statefulsets"),
        Right::on("get", "apps", "daemonsets"),
        Right::on("patch", "apps", "daemonsets"),
        Right::on("list", "", "pods"),
        Right::on("list", "", "resourcequotas"),
        Right::on("list", "", "limitranges"),
        Right::on("list", "autoscaling", "horizontalpodautoscalers"),
    ],
    undo: "the former images",
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetImage {
    workload: Subject,
    /// Container and image; at least one, no container twice.
    images: Vec<(String, String)>,
}

impl Ask for SetImage {
    fn kind(&self) -> &'static str {
        SPEC.name
    }

    fn objects(&self) -> Vec<ObjectRef> {
        vec![self.workload.reference()]
    }

    fn words(&self) -> Vec<String> {
        std::iter::once(self.workload.to_string()).chain(self.images.iter().map(|(container, image)| format!("{container}={image}"))).collect()
    }
}

impl Mitigation for SetImage {
    const SPEC: &'static Spec = &SPEC;

    fn parse(words: &mut Words<'_>) -> Result<Self, Text> {
        let workload = words.subject()?;
        let mut images: Vec<(String, String)> = Vec::new();
        let mut typed = Some(words.required()?);
        while let Some(word) = typed {
            let Some((container, image)) = word.split_once('=').filter(|(container, image)| !container.is_empty() && is_image(image)) else {
                return Err(words.wrong(&format!("takes CONTAINER=IMAGE, not {word:?}")));
            };
            if images.iter().any(|(known, _)| known == container) {
                return Err(words.wrong(&format!("names the container {container:?} twice")));
            }
            images.push((container.to_owned(), image.to_owned()));
            typed = words.optional();
        }
        Ok(Self { workload, images })
    }

    async fn draft(&self, core: &Arc<Core>, id: MitigationId) -> Result<Draft, Text> {
        let (target, object) = subject(core, &self.workload).await?;
        let (name, namespace) = (&target.key.name, &target.key.namespace);
        let containers = containers(&object);
        let mut draft = Draft::about(id, Wish::new(self.clone()), &format!("Set image · {name}"), (&target, &object));
        draft.what = vec![Text::line(&format!("{target}  in {namespace}"))];
        let (mut guards, mut steps, mut fields, mut former) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (container, image) in &self.images {
            let Some((path, was)) = containers.iter().find(|(_, known, _)| known == container).map(|(path, _, was)| (path, was)) else {
                let known: Vec<_> = containers.iter().map(|(_, known, _)| known.as_str()).collect();
                return Err(Text::line(&format!("{target} has no container {container}; it has: {}", known.join(", "))));
            };
            if was == image {
                continue;
            }
            draft.what.push(Text::line(&format!("{container}  image {was} → {image}")));
            let field = format!("{path}/image");
            steps.push(json!({ "op": "replace", "path": field, "value": image }));
            fields.push(Field { path: field.clone(), before: Some(was.as_str().into()), after: Some(image.as_str().into()) });
            guards.extend([format!("{path}/name"), field]);
            former.push((container.clone(), was.clone()));
        }
        if steps.is_empty() {
            return Err(Text::line(&format!(
                "{target} already has {}",
                self.images.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(", ")
            )));
        }
        let subject = target.to_string();
        let images: Vec<_> = self.images.iter().map(|(container, image)| format!("{container}={image}")).collect();
        let arguments: Vec<_> = ["set", "image", &subject].into_iter().chain(images.iter().map(String::as_str)).collect();
        draft.kubectl = kubectl::command(&arguments, namespace, &core.kubectl);
        let back = former.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(", ");
        draft.undo = Undo::By(Wish::new(Self { images: former, ..self.clone() }), Text::line(&format!("U brings {back} back")));
        let path = fields.first().map(|field| field.path.clone()).unwrap_or_default();
        let guards: Vec<_> = guards.iter().map(String::as_str).collect();
        draft.writes = vec![guarded_patch(&target, &object, &guards, steps, fields)];
        // An image takes no part in what a pod asks for.
        workload::rolls_out(core, &mut draft, (&target, &object), object.pointer("/spec/template").cloned().unwrap_or_default());
        if !revisions::is_kept(target.kind, &object) {
            let why = "its revisionHistoryLimit is 0: what runs is not kept as a revision; undoing it sets the former images by name";
            draft.check(CheckKind::NotCovered, async { CheckResult::Warn(why.into()) });
        }
        let api = core.api.clone();
        draft.check(CheckKind::Overwritten, async move { workload::overwritten(&api, &target, &object, &path).await });
        Ok(draft)
    }
}

fn is_image(image: &str) -> bool {
    !image.is_empty() && image.len() <= LONGEST && !image.chars().any(|character| character.is_whitespace() || is_hostile(character))
}

/// Path, name and image of every container.
fn containers(object: &Value) -> Vec<(String, String, String)> {
    let text = |container: &Value, name: &str| container.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    ["containers", "initContainers"]
        .into_iter()
        .flat_map(|group| {
            let path = format!("/spec/template/spec/{group}");
            let found = object.pointer(&path).and_then(Value::as_array).into_iter().flatten().enumerate();
            found.map(|(index, container)| (format!("{path}/{index}"), text(container, "name"), text(container, "image"))).collect::<Vec<_>>()
        })
        .collect()
}
