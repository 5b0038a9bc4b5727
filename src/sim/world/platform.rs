//! The platform that every scenario starts from, as data (`platform.toml`).

use serde::Deserialize;
use std::collections::BTreeMap;

/// Namespace of the platform's services.
pub const PRODUCTION: &str = "digital-identity";

/// What exists before anything goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub namespace: Vec<NamespaceSpec>,
    pub deployment: Vec<DeploymentSpec>,
    #[serde(default)]
    pub settings: Vec<SettingsSpec>,
    #[serde(default)]
    pub autoscaler: Vec<AutoscalerSpec>,
}

/// A ConfigMap of a deployment's own, mounted into its pods as files: a change is seen after the kubelet's next sync.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsSpec {
    pub deployment: String,
    pub config_map: String,
    pub data: BTreeMap<String, String>,
}

/// An autoscaler on processor use.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoscalerSpec {
    pub name: String,
    pub deployment: String,
    pub least: i64,
    pub most: i64,
    /// Percent of the request.
    pub cpu: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceSpec {
    pub name: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A deployment, its service, and what its pods can do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSpec {
    #[serde(default = "production")]
    pub namespace: String,
    pub name: String,
    /// Label `app`, where it differs from the name.
    pub app: Option<String>,
    pub replicas: i64,
    pub image: String,
    pub port: u16,
    pub cpu_m: i64,
    pub memory_mi: i64,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// A config map that is read as environment when a container starts.
    pub env_from: Option<String>,
    /// A config map that is mounted.
    pub mounts: Option<String>,
    /// ConfigMap that is mounted as files.
    pub settings: Option<String>,
    #[serde(default = "one")]
    pub revision: i64,
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    pub age_hours: i64,
    /// `Recreate`, or `OneAway` for a rolling update with at most one pod away; else the default.
    pub strategy: Option<String>,
    /// Name of the service, where it differs.
    pub service: Option<String>,
    pub http: Option<HttpSpec>,
}

/// A former revision that is kept as an empty replica set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    pub tag: String,
    pub age_hours: i64,
}

/// What a service answers when all is well.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// Requests to this service for each one that reaches the gateway.
    pub share: f64,
    /// Requests a second that one ready pod can serve.
    pub pod_rps: f64,
    /// Median latency, seconds.
    pub median_s: f64,
    /// Spread of the logarithm of the latency.
    pub sigma: f64,
    /// Share of answers that are 5xx on a good day.
    pub base_errors: f64,
    /// Database connections that a pod holds at nominal load.
    #[serde(default)]
    pub connections: f64,
}

impl DeploymentSpec {
    pub fn app(&self) -> &str {
        self.app.as_deref().unwrap_or(&self.name)
    }

    /// The tag of the image: the version that the platform's labels carry.
    pub fn tag(&self) -> &str {
        tag_of(&self.image)
    }

    pub fn with_tag(&self, tag: &str) -> String {
        format!("{}:{tag}", self.image.rsplit_once(':').map_or(self.image.as_str(), |(repository, _)| repository))
    }
}

/// The tag of an image reference, `latest` where it has none.
pub fn tag_of(image: &str) -> &str {
    image.rsplit_once(':').map_or("latest", |(_, tag)| tag)
}

fn production() -> String {
    PRODUCTION.into()
}

fn one() -> i64 {
    1
}

impl Platform {
    /// With more settings and autoscalers.
    pub fn furnish(&mut self, settings: &[SettingsSpec], autoscalers: &[AutoscalerSpec]) {
        for spec in settings {
            for deployment in self.deployment.iter_mut().filter(|found| found.namespace == PRODUCTION && found.name == spec.deployment) {
                deployment.settings = Some(spec.config_map.clone());
            }
        }
        self.settings.extend_from_slice(settings);
        self.autoscaler.extend_from_slice(autoscalers);
    }

    /// The platform of the operations guide.
    pub fn embedded() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("platform.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_42_production_pods() {
        let platform = Platform::embedded().unwrap();
        let pods: i64 = platform.deployment.iter().filter(|d| d.namespace == PRODUCTION).map(|d| d.replicas).sum();
        assert_eq!(pods, 42);
    }

    #[test]
    fn an_image_is_retagged() {
        let platform = Platform::embedded().unwrap();
        let gateway = &platform.deployment[0];
        assert_eq!(gateway.tag(), "2.3.1");
        assert_eq!(gateway.with_tag("2.4.0"), "digital-identity/api-gateway:2.4.0");
    }
}
