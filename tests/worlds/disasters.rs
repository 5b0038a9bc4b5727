//! What befalls a server in a scenario, in each world by its own means, and how it is put back.

use std::sync::Arc;

use serde_json::json;

use super::{
    given::{INDEX, config_map},
    objects::path,
    play::Play,
    proxy::{gate::Way, relay::Manner},
    secure, somebody,
};

/// An index that a search of the log lines meets and whose shard cannot answer it: its time is no date.
const ODD_INDEX: &str = "logstash-worlds-odd";

/// Takes back what other scenarios would meet.
pub fn put_back(play: &Play) {
    if play.touched.series {
        play.world.http("POST", &format!("{}/rest", play.stack().value("EXPORTER_URL")), "text/plain", String::new());
    }
    if play.touched.logs {
        if play.secure.is_some() {
            secure::ask(play, "DELETE", &format!("/{INDEX}-{}", play.namespace), "text/plain", String::new());
        } else {
            let url = format!("{}/{INDEX},{ODD_INDEX}?ignore_unavailable=true", play.stack().value("ELASTICSEARCH_URL"));
            play.world.http("DELETE", &url, "text/plain", String::new());
        }
    }
    if play.touched.limit {
        limit(play, None, None);
    }
    if !play.touched.alerts.is_empty() {
        end_alerts(play);
    }
    somebody::thaw(play);
}

/// The alerts that a scenario made, and whatever silences them.
fn end_alerts(play: &Play) {
    for labels in &play.touched.alerts {
        let name = labels["alertname"].as_str().expect("a name");
        let silences = play.world.ask_alertmanager("GET", &format!("/api/v2/silences?filter=alertname%3D{name}"), &serde_json::Value::Null);
        for silence in silences.as_array().into_iter().flatten().filter(|silence| silence["status"]["state"] != "expired") {
            let id = silence["id"].as_str().expect("an id");
            play.world.ask_alertmanager("DELETE", &format!("/api/v2/silence/{id}"), &serde_json::Value::Null);
        }
        let ended = json!([{ "labels": labels, "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:01Z" }]);
        play.world.ask_alertmanager("POST", "/api/v2/alerts", &ended);
    }
}

pub fn fail_shards(play: &mut Play) {
    if play.world.is_real() {
        play.touched.logs = true;
        let url = format!("{}/{ODD_INDEX}", play.stack().value("ELASTICSEARCH_URL"));
        let mapping = json!({ "mappings": { "properties": { "@timestamp": { "type": "keyword" }, "level": { "type": "keyword" } } } });
        play.world.http("PUT", &url, "application/json", mapping.to_string());
        let line = json!({ "@timestamp": "yesterday", "level": "ERROR" });
        play.world.http("POST", &format!("{url}/_doc?refresh=true"), "application/json", line.to_string());
        return;
    }
    lose_a_shard(play, "node_disconnected_exception", "node left");
}

/// An answer of the simulation as if one shard more were asked, and failed.
fn lose_a_shard(play: &Play, kind: &'static str, reason: &'static str) {
    let lose = move |asked: &str, body: String| {
        let Ok(mut answer) = serde_json::from_str::<serde_json::Value>(&body) else { return body };
        if asked.contains("_search") {
            let total = answer["_shards"]["total"].as_u64().expect("shards");
            let failure = json!({ "shard": 0, "reason": { "type": kind, "reason": reason } });
            answer["_shards"] = json!({ "total": total + 1, "successful": total, "skipped": 0, "failed": 1, "failures": [failure] });
        }
        answer.to_string()
    };
    play.world.proxy("elasticsearch").relay.set(Manner::Rewrites(Arc::new(lose)));
}

pub fn overload(play: &mut Play) {
    if play.world.is_real() {
        play.touched.limit = true;
        limit(play, Some("1kb"), None);
        return;
    }
    // As the real server does while other shards have nothing to count: the answer is 200, and partial.
    lose_a_shard(play, "circuit_breaking_exception", "[request] Data too large, data for [<agg>] would be larger than the limit");
}

/// Every search is refused, as the real server does when too much is asked at once.
pub fn refuse_searches(play: &mut Play) {
    if play.world.is_real() {
        play.touched.limit = true;
        limit(play, None, Some("100b"));
        return;
    }
    let body = br#"{"error":{"type":"circuit_breaking_exception","reason":"[inflight_requests] Data too large"},"status":429}"#;
    play.world.proxy("elasticsearch").relay.set(Manner::Says { status: 429, content_type: "application/json", body, retry_after: None });
}

pub fn make_whole(play: &mut Play) {
    play.world.proxy("elasticsearch").heal();
    if play.world.is_real() {
        if std::mem::take(&mut play.touched.limit) {
            limit(play, None, None);
        }
        let url = format!("{}/{ODD_INDEX}?ignore_unavailable=true", play.stack().value("ELASTICSEARCH_URL"));
        play.world.http("DELETE", &url, "text/plain", String::new());
    }
}

/// The memory that all searches and the requests themselves may take; none for as it was.
fn limit(play: &Play, searches: Option<&str>, requests: Option<&str>) {
    let url = format!("{}/_cluster/settings", play.stack().value("ELASTICSEARCH_URL"));
    let limits = json!({ "indices.breaker.request.limit": searches, "network.breaker.inflight_requests.limit": requests });
    play.world.http("PUT", &url, "application/json", json!({ "persistent": limits }).to_string());
}

/// What a watch could go on from is forgotten: the history is compacted and the API server begins anew. The simulated one goes
/// on, and the relay says what a new one would.
pub fn expire_watches(play: &mut Play, name: &str, replicas: u64) {
    play.world.kubernetes().gate.set(Way::Shut);
    play.world.merge(&path(&play.namespace, &format!("deployment/{name}")), &json!({ "spec": { "replicas": replicas } }));
    for number in 0..20 {
        config_map(play, "probe", "number", &number.to_string());
    }
    let version = play.world.get(&path(&play.namespace, "configmap/probe"))["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    if !play.world.is_real() {
        play.world.kubernetes().relay.set(Manner::Forgot(version.parse().expect("a number")));
        play.world.kubernetes().gate.set(Way::Open);
        return;
    }
    let compaction = json!({ "revision": version, "physical": true }).to_string();
    play.world.http("POST", &format!("{}/v3/kv/compaction", play.stack().value("ETCD_URL")), "application/json", compaction);
    play.stack().kill("kube-apiserver");
    play.stack().restart("kube-apiserver");
    play.world.kubernetes().heal();
}
