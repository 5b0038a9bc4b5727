//! The API called in-process. What is compared literally was answered so by a real Elasticsearch 8.19 to the same documents.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use super::*;
use crate::sim::log_store::Document;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn document(timestamp: DateTime<Utc>, i: usize) -> Document {
    let error = i.is_multiple_of(2);
    Document {
        timestamp,
        level: if error { "ERROR" } else { "INFO" }.into(),
        service: format!("svc-{i}"),
        message: format!("pool timed out after {i} ms waiting"),
        error: error.then(|| "PoolTimeout".into()),
        namespace: "ns".into(),
        pod: format!("p-{}", i % 3),
        duration_ms: Some(1.5),
    }
}

/// Six documents, a minute apart, from 08:01 on.
fn six() -> Elasticsearch {
    let store = LogStore::default();
    store.extend((1..=6).map(|i| document(at(&format!("2026-11-23T08:0{i}:00Z")), i)));
    Elasticsearch::new(store, Arc::new(|| at("2026-11-23T08:10:00Z")))
}

async fn ask(server: &Elasticsearch, path: &str, body: Json) -> (StatusCode, Json) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method("POST").uri(path).header("content-type", "application/json").body(Body::from(text)).unwrap();
    let answer = router(server.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.headers()["x-elastic-product"], "Elasticsearch");
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

async fn search(server: &Elasticsearch, body: Json) -> Json {
    let (status, answer) = ask(server, "/logstash-*/_search", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn found(server: &Elasticsearch, query: Json) -> u64 {
    search(server, json!({ "size": 0, "query": query })).await["hits"]["total"]["value"].as_u64().unwrap()
}

#[tokio::test]
async fn hits_carry_source_and_sort_values() {
    let answer =
        search(&six(), json!({ "size": 1, "query": { "match": { "level": "ERROR" } }, "sort": [{ "@timestamp": "desc" }, { "_shard_doc": "asc" }] }))
            .await;
    assert_eq!(answer["hits"]["total"], json!({ "value": 3, "relation": "eq" }));
    assert_eq!(answer["hits"]["max_score"], Json::Null);
    let hit = &answer["hits"]["hits"][0];
    assert_eq!(hit["sort"], json!([1_795_421_160_000_i64, 5]));
    assert_eq!(hit["_index"], "logstash-2026.11.23");
    assert_eq!(hit["_source"]["kubernetes"], json!({ "namespace": "ns", "pod": "p-0" }));
    assert_eq!(answer["_shards"], json!({ "total": 5, "successful": 5, "skipped": 0, "failed": 0 }));
    let formatted =
        json!({ "size": 1, "_source": ["message"], "sort": [{ "@timestamp": { "order": "desc", "format": "strict_date_optional_time" } }] });
    let hit = &search(&six(), formatted).await["hits"]["hits"][0];
    assert_eq!((&hit["sort"], &hit["_source"]), (&json!(["2026-11-23T08:06:00.000Z"]), &json!({ "message": "pool timed out after 6 ms waiting" })));
}

#[tokio::test]
async fn the_guides_two_searches_work() {
    let server = six();
    let errors = json!({
        "query": { "bool": { "must": [{ "range": { "@timestamp": { "gte": "now-1h" } } }, { "match": { "level": "ERROR" } }] } },
        "sort": [{ "@timestamp": { "order": "desc" } }], "size": 100,
    });
    assert_eq!(search(&server, errors).await["hits"]["hits"].as_array().unwrap().len(), 3);
    let kinds = search(&server, json!({ "size": 0, "aggs": { "error_types": { "terms": { "field": "error.keyword", "size": 10 } } } })).await;
    let expected = json!({ "doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": [{ "key": "PoolTimeout", "doc_count": 3 }] });
    assert_eq!(kinds["aggregations"]["error_types"], expected);
}

#[tokio::test]
async fn queries_choose_documents() {
    let server = six();
    for (query, count) in [
        (json!({ "match_all": {} }), 6),
        (json!({ "term": { "level": "error" } }), 3),
        (json!({ "term": { "level": "ERROR" } }), 0),
        (json!({ "term": { "level.keyword": "ERROR" } }), 3),
        (json!({ "term": { "level.keyword": { "value": "error" } } }), 0),
        (json!({ "terms": { "service.keyword": ["svc-1", "svc-2", "svc-9"] } }), 2),
        (json!({ "match": { "message": "pool nothing" } }), 6),
        (json!({ "match": { "message": { "query": "pool nothing", "operator": "and" } } }), 0),
        (json!({ "match_phrase": { "message": "timed out" } }), 6),
        (json!({ "match_phrase": { "message": "out timed" } }), 0),
        (json!({ "exists": { "field": "error" } }), 3),
        (json!({ "exists": { "field": "nothing" } }), 0),
        (json!({ "wildcard": { "service.keyword": "svc-?" } }), 6),
        (json!({ "wildcard": { "service.keyword": { "value": "*-[12]" } } }), 0),
        (json!({ "prefix": { "kubernetes.pod.keyword": "p-" } }), 6),
        (json!({ "query_string": { "query": "level:ERROR AND \"timed out\"" } }), 3),
        (json!({ "query_string": { "query": "level:ERROR NOT service:\"svc-2\"" } }), 2),
        (json!({ "range": { "@timestamp": { "gte": "2026-11-23T08:02:00Z", "lt": "2026-11-23T08:04:00Z" } } }), 2),
        (json!({ "range": { "@timestamp": { "gt": "now-6m", "lte": "now" } } }), 2),
        (json!({ "range": { "@timestamp": { "gte": 1_795_421_160_000_i64, "format": "epoch_millis" } } }), 1),
        (json!({ "range": { "@timestamp": { "gte": "now/d", "lte": "now/d" } } }), 6),
        (json!({ "range": { "duration_ms": { "gt": 1.5 } } }), 0),
        (json!({ "bool": { "must": { "term": { "level": "error" } }, "should": [{ "match": { "message": "zzz" } }] } }), 3),
        (json!({ "bool": { "should": [{ "term": { "level": "info" } }, { "term": { "service.keyword": "svc-2" } }] } }), 4),
        (json!({ "bool": { "should": [{ "term": { "level": "info" } }, { "match": { "message": "1" } }], "minimum_should_match": 2 } }), 1),
        (json!({ "bool": { "filter": [{ "exists": { "field": "error" } }], "must_not": { "match": { "message": "4" } } } }), 2),
        (json!({ "bool": {} }), 6),
    ] {
        assert_eq!(found(&server, query.clone()).await, count, "{query}");
    }
}

#[tokio::test]
async fn wrong_requests_are_refused_with_type_and_status() {
    let server = six();
    for (body, status, kind, reason) in [
        (json!({ "query": { "foo": {} } }), 400, "parsing_exception", "unknown query [foo]"),
        (json!({ "foo": 1 }), 400, "parsing_exception", "Unknown key for a VALUE_NUMBER in [foo]."),
        (json!({ "query": { "bool": { "foo": [] } } }), 400, "x_content_parse_exception", "[bool] unknown field [foo]"),
        (json!({ "query": { "match": { "level": { "foo": 1 } } } }), 400, "parsing_exception", "[match] query does not support [foo]"),
        (
            json!({ "query": { "range": { "@timestamp": { "gte": "now-1x" } } } }),
            400,
            "parse_exception",
            "unit [x] not supported for date math [-1x]",
        ),
        (json!({ "sort": ["nofield"] }), 400, "query_shard_exception", "No mapping found for [nofield] in order to sort on"),
        (json!({ "sort": ["message"] }), 400, "illegal_argument_exception", "Fielddata is disabled on [message]"),
        (json!({ "sort": ["_id"] }), 400, "illegal_argument_exception", "Fielddata access on the _id field is disallowed"),
        (json!({ "size": 20_000 }), 400, "illegal_argument_exception", "Result window is too large"),
        (json!({ "sort": ["@timestamp"], "search_after": [1, 2] }), 400, "illegal_argument_exception", "search_after has 2 value(s) but sort has 1."),
        (
            json!({ "sort": ["@timestamp"], "search_after": [1], "from": 1 }),
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: [from]",
        ),
        (json!({ "aggs": { "a": { "foo": {} } } }), 400, "parsing_exception", "Unknown aggregation type [foo]"),
        (json!({ "aggs": { "a": { "terms": { "field": "message" } } } }), 400, "illegal_argument_exception", "Fielddata is disabled on [message]"),
        (
            json!({ "aggs": { "a": { "date_histogram": { "field": "@timestamp" } } } }),
            400,
            "illegal_argument_exception",
            "Invalid interval specified",
        ),
    ] {
        let (code, answer) = ask(&server, "/logstash-*/_search", body.clone()).await;
        assert_eq!((code.as_u16(), &answer["status"]), (status, &json!(status)), "{body}");
        let cause = &answer["error"]["root_cause"][0];
        assert_eq!(cause["type"], kind, "{body}");
        assert!(cause["reason"].as_str().unwrap().starts_with(reason), "{cause}");
    }
    let (code, answer) = ask(&server, "/nothing/_search", Json::Null).await;
    assert_eq!((code, &answer["error"]["type"]), (StatusCode::NOT_FOUND, &json!("index_not_found_exception")));
    let (code, answer) = ask(&server, "/nothing-*/_search", Json::Null).await;
    assert_eq!((code, &answer["_shards"]["total"]), (StatusCode::OK, &json!(0)));
    assert_eq!(ask(&server, "/nothing/_search?ignore_unavailable=true", Json::Null).await.0, StatusCode::OK);
    let (code, answer) = ask(&server, "/logstash-*/_search?foo=1", Json::Null).await;
    assert_eq!((code.as_u16(), &answer["error"]["reason"]), (400, &json!("request [/logstash-*/_search] contains unrecognized parameter: [foo]")));
    assert_eq!(ask(&server, "/logstash-*/_foo", Json::Null).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn aggregations_answer_as_the_real_server_did() {
    let aggs = json!({
        "a": {
            "terms": { "field": "kubernetes.pod.keyword", "size": 2 },
            "aggs": {
                "t": { "top_hits": { "size": 1, "_source": ["message"], "sort": [{ "@timestamp": "desc" }] } },
                "m": { "max": { "field": "@timestamp" } },
            },
        },
        "h": { "date_histogram": { "field": "@timestamp", "fixed_interval": "2m" } },
        "c": { "cardinality": { "field": "service.keyword" } },
        "f": { "filter": { "term": { "level.keyword": "ERROR" } } },
        "fs": { "filters": { "filters": { "e": { "match": { "level": "ERROR" } } } } },
        "d": { "min": { "field": "duration_ms" } },
        "n": { "min": { "field": "nofield" } },
        "no": { "terms": { "field": "nofield" } },
        "by_time": { "terms": { "field": "level.keyword", "order": { "last": "desc" } }, "aggs": { "last": { "max": { "field": "@timestamp" } } } },
    });
    let answer = search(&six(), json!({ "size": 0, "aggs": aggs })).await["aggregations"].take();
    assert_eq!((&answer["a"]["sum_other_doc_count"], &answer["a"]["buckets"][0]["key"]), (&json!(2), &json!("p-0")));
    assert_eq!(answer["a"]["buckets"][0]["m"], json!({ "value": 1_795_421_160_000.0, "value_as_string": "2026-11-23T08:06:00.000Z" }));
    let top = &answer["a"]["buckets"][1]["t"]["hits"];
    assert_eq!((&top["total"]["value"], &top["hits"][0]["_source"]), (&json!(2), &json!({ "message": "pool timed out after 4 ms waiting" })));
    assert_eq!(top["hits"][0]["sort"], json!([1_795_421_040_000_i64]));
    let buckets = answer["h"]["buckets"].as_array().unwrap();
    assert_eq!(buckets[0], json!({ "key_as_string": "2026-11-23T08:00:00.000Z", "key": 1_795_420_800_000_i64, "doc_count": 1 }));
    assert_eq!(buckets.iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 2, 1]);
    assert_eq!((&answer["c"], &answer["f"]), (&json!({ "value": 6 }), &json!({ "doc_count": 3 })));
    assert_eq!((&answer["fs"], &answer["d"]), (&json!({ "buckets": { "e": { "doc_count": 3 } } }), &json!({ "value": 1.5 })));
    assert_eq!((&answer["n"], &answer["no"]["buckets"]), (&json!({ "value": null }), &json!([])));
    assert_eq!(answer["by_time"]["buckets"][0]["key"], "ERROR");
}

#[tokio::test]
async fn a_histogram_has_its_empty_buckets_and_bounds() {
    let store = LogStore::default();
    store.extend([document(at("2026-11-23T08:01:00Z"), 2), document(at("2026-11-23T08:31:00Z"), 4)]);
    let server = Elasticsearch::new(store, Arc::new(|| at("2026-11-23T09:00:00Z")));
    let histogram = async |more: Json| {
        let mut histogram = json!({ "field": "@timestamp", "fixed_interval": "10m" });
        histogram.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = search(&server, json!({ "size": 0, "aggs": { "h": { "date_histogram": histogram } } })).await;
        let buckets = answer["aggregations"]["h"]["buckets"].as_array().unwrap().clone();
        buckets
            .iter()
            .map(|bucket| (bucket["key_as_string"].as_str().unwrap()[11..16].to_owned(), bucket["doc_count"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    let named = |list: &[(&str, u64)]| list.iter().map(|(time, count)| ((*time).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(histogram(json!({})).await, named(&[("08:00", 1), ("08:10", 0), ("08:20", 0), ("08:30", 1)]));
    assert_eq!(histogram(json!({ "min_doc_count": 1 })).await, named(&[("08:00", 1), ("08:30", 1)]));
    let bounds = json!({ "extended_bounds": { "min": "now-70m", "max": "now-20m" }, "min_doc_count": 0 });
    assert_eq!(histogram(bounds).await, named(&[("07:50", 0), ("08:00", 1), ("08:10", 0), ("08:20", 0), ("08:30", 1), ("08:40", 0)]));
    let too_many = json!({ "aggs": { "h": { "date_histogram": { "field": "@timestamp", "fixed_interval": "1ms" } } } });
    let (status, answer) = ask(&server, "/logstash-*/_search", too_many).await;
    assert_eq!((status.as_u16(), &answer["error"]["caused_by"]["type"]), (400, &json!("too_many_buckets_exception")));
}

#[tokio::test]
async fn long_messages_are_searchable_but_not_keywords() {
    let store = LogStore::default();
    store.extend([256, 257].map(|length| Document { message: "x".repeat(length), ..document(at("2026-11-23T08:00:00Z"), 2) }));
    let server = Elasticsearch::new(store, Arc::new(|| at("2026-11-23T09:00:00Z")));
    let answer = search(&server, json!({ "aggs": { "m": { "terms": { "field": "message.keyword" } } } })).await;
    assert_eq!((&answer["hits"]["total"]["value"], answer["aggregations"]["m"]["buckets"].as_array().unwrap().len()), (&json!(2), 1));
}

/// Random documents (many at the same moment), queries, page sizes and orders.
#[tokio::test]
async fn pages_concatenate_to_the_whole_list_and_histograms_sum_to_the_hits() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..8 {
        let store = LogStore::default();
        let base = at("2026-11-22T23:00:00Z");
        for _ in 0..random.usize(1..120) {
            let timestamp = base + chrono::TimeDelta::minutes(random.i64(0..120));
            store.push(Document { error: random.bool().then(|| format!("E{}", random.u8(0..3))), ..document(timestamp, random.usize(0..9)) });
        }
        let server = Elasticsearch::new(store, Arc::new(|| at("2026-11-23T09:00:00Z")));
        let order = |random: &mut fastrand::Rng| if random.bool() { "asc" } else { "desc" };
        let mut sort = vec![json!({ "@timestamp": order(&mut random) }), json!({ "_shard_doc": order(&mut random) })];
        if random.bool() {
            sort.insert(random.usize(0..2), json!({ "error.keyword": order(&mut random) }));
        }
        let query = if random.bool() { json!({ "match_all": {} }) } else { json!({ "match": { "level": "ERROR" } }) };
        let whole = search(&server, json!({ "size": 10_000, "query": query, "sort": sort, "aggs": { "h": { "date_histogram": { "field": "@timestamp", "fixed_interval": "7m" } } } })).await;
        let ids = |answer: &Json| answer["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["_id"].clone()).collect::<Vec<_>>();
        let (all, size) = (ids(&whole), random.usize(1..20));
        let mut paged = Vec::new();
        let mut after = Json::Null;
        loop {
            let mut body = json!({ "size": size, "query": query, "sort": sort });
            if !after.is_null() {
                body["search_after"] = after.clone();
            }
            let page = search(&server, body).await;
            let Some(last) = page["hits"]["hits"].as_array().unwrap().last() else { break };
            after = last["sort"].clone();
            paged.extend(ids(&page));
            assert!(paged.len() <= all.len(), "seed {seed}: pages overlap");
        }
        assert_eq!(paged, all, "seed {seed}");
        let counted: u64 = whole["aggregations"]["h"]["buckets"].as_array().unwrap().iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).sum();
        assert_eq!(counted, whole["hits"]["total"]["value"].as_u64().unwrap(), "seed {seed}");
    }
}

#[tokio::test]
async fn it_fails_as_it_is_told() {
    let server = six();
    server.fail(Failing { shards: 2, ..Failing::default() });
    let answer = search(&server, json!({ "size": 0 })).await;
    assert_eq!((&answer["_shards"]["failed"], &answer["_shards"]["successful"]), (&json!(2), &json!(3)));
    assert!(answer["hits"]["total"]["value"].as_u64().unwrap() < 6);
    assert_eq!(answer["_shards"]["failures"][0]["reason"]["type"], "no_shard_available_action_exception");
    server.fail(Failing { shards: 5, ..Failing::default() });
    assert_eq!(ask(&server, "/logstash-*/_search", Json::Null).await.0, StatusCode::SERVICE_UNAVAILABLE);
    server.fail(Failing { overloaded: true, ..Failing::default() });
    let (status, answer) = ask(&server, "/logstash-*/_search", Json::Null).await;
    assert_eq!((status.as_u16(), &answer["error"]["type"]), (429, &json!("circuit_breaking_exception")));
    server.fail(Failing { timed_out: true, ..Failing::default() });
    assert_eq!(search(&server, Json::Null).await["timed_out"], json!(true));
}

#[tokio::test]
async fn the_other_endpoints_answer() {
    let server = six();
    assert_eq!(ask(&server, "/logstash-*/_count", json!({ "query": { "term": { "level": "error" } } })).await.1["count"], json!(3));
    let (_, answer) = ask(&server, "/logstash-*/_search?filter_path=hits.total.value,_shards,timed_out&q=level:ERROR&size=0", Json::Null).await;
    let shards = json!({ "total": 5, "successful": 5, "skipped": 0, "failed": 0 });
    assert_eq!(answer, json!({ "timed_out": false, "_shards": shards, "hits": { "total": { "value": 3 } } }));
    let (_, answer) = ask(&server, "/_search", json!({ "size": 0, "track_total_hits": 3 })).await;
    assert_eq!(answer["hits"]["total"], json!({ "value": 3, "relation": "gte" }));
    let request = |path: &str| Request::builder().uri(path).body(Body::empty()).unwrap();
    for path in ["/", "/_cluster/health", "/_cat/indices?format=json", "/_mapping"] {
        let answer = router(server.clone()).oneshot(request(path)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let lines = "{\"index\":\"logstash-*\"}\n{\"size\":0}\n{\"index\":\"nope\"}\n{\"size\":0}\n";
    let request = Request::builder().method("POST").uri("/_msearch").header("content-type", "application/x-ndjson").body(Body::from(lines)).unwrap();
    let bytes = router(server.clone()).oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let answer: Json = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&answer["responses"][0]["status"], &answer["responses"][1]["status"]), (&json!(200), &json!(404)));
}
