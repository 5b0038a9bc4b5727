//! Answers of a real Prometheus (2.42) to the same samples, in `recorded.json`.
//!
//! The moment of the questions lies between scrapes, so that windows open or closed on the left hold the same samples.

use serde_json::Value as Json;

use super::*;

fn recorded() -> (Tsdb, Json) {
    let recording: Json = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let (store, base) = (Tsdb::new(), milliseconds(&recording["t"]));
    for series in recording["series"].as_array().unwrap() {
        let metric = series["metric"].as_object().unwrap().iter();
        let id = store.series(&Labels::new(metric.map(|(name, value)| (name, value.as_str().unwrap()))));
        for sample in series["values"].as_array().unwrap() {
            assert!(store.append_id(id, base + sample[0].as_i64().unwrap(), number(&sample[1])));
        }
    }
    (store, recording)
}

#[expect(clippy::cast_possible_truncation, reason = "a time of our days")]
fn milliseconds(seconds: &Json) -> i64 {
    (seconds.as_f64().unwrap() * 1000.0).round() as i64
}

fn number(text: &Json) -> f64 {
    text.as_str().unwrap().replace("+Inf", "inf").replace("-Inf", "-inf").parse().unwrap()
}

/// Equal but for the last digits, in which the order of additions shows.
fn same(ours: f64, theirs: f64) -> bool {
    ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()) || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-9)
}

/// Series sorted by their labels: (labels, samples).
fn theirs(result: &Json) -> Vec<(String, Vec<(i64, f64)>)> {
    let samples = |series: &Json| match (series["value"].as_array(), series["values"].as_array()) {
        (Some(one), _) => vec![(milliseconds(&one[0]), number(&one[1]))],
        (None, values) => values.unwrap().iter().map(|pair| (milliseconds(&pair[0]), number(&pair[1]))).collect(),
    };
    let labels = |series: &Json| {
        Labels::new(series["metric"].as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned()))).to_string()
    };
    let mut list: Vec<_> = result.as_array().unwrap().iter().map(|series| (labels(series), samples(series))).collect();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list
}

fn ours(value: Value) -> Vec<(String, Vec<(i64, f64)>)> {
    let mut list: Vec<_> = match value {
        Value::Vector { t_ms, elements } => elements.into_iter().map(|element| (element.labels.to_string(), vec![(t_ms, element.value)])).collect(),
        Value::Matrix(series) => {
            let samples = |series: &Series| series.samples.iter().map(|sample| (sample.t_ms, sample.value)).collect();
            series.iter().map(|series| (series.labels.to_string(), samples(series))).collect()
        }
        Value::Scalar { .. } | Value::String { .. } => panic!("not series"),
    };
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list
}

fn compare(query: &str, value: Value, answer: &Json) {
    if let Value::Scalar { value, .. } = value {
        assert_eq!((answer["resultType"].as_str(), answer["result"][1].as_str()), (Some("scalar"), Some(format_plain(value).as_str())), "{query}");
        return;
    }
    if let Value::String { text, .. } = value {
        assert_eq!(answer["result"][1], text, "{query}");
        return;
    }
    let (ours, theirs) = (ours(value), theirs(&answer["result"]));
    assert_eq!(ours.iter().map(|series| &series.0).collect::<Vec<_>>(), theirs.iter().map(|series| &series.0).collect::<Vec<_>>(), "{query}");
    for ((labels, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(ours.len(), theirs.len(), "{query} {labels}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(ours.0 == theirs.0 && same(ours.1, theirs.1), "{query} {labels}: {ours:?}, the real one {theirs:?}");
        }
    }
}

#[test]
fn instant_queries_agree_with_a_real_prometheus() {
    let (store, recording) = recorded();
    let t_ms = milliseconds(&recording["t"]);
    for case in recording["instant"].as_array().unwrap() {
        let (query, answer) = (case["query"].as_str().unwrap(), &case["answer"]);
        match Query::parse(query).and_then(|query| query.instant(&store, t_ms)) {
            Ok(value) => {
                assert_eq!(answer["errorType"], Json::Null, "{query}");
                compare(query, value, answer);
            }
            // Which of the duplicates is named depends on the order of the series.
            Err(Error::Execution(why)) => {
                assert_eq!(answer["errorType"], "execution", "{query}: {why}");
                assert_eq!(why.split('[').next(), answer["error"].as_str().unwrap().split('[').next(), "{query}");
            }
            Err(Error::BadData(why)) => panic!("{query}: {why}"),
        }
    }
}

#[test]
fn range_queries_agree_with_a_real_prometheus() {
    let (store, recording) = recorded();
    for case in recording["range"].as_array().unwrap() {
        let query = case["query"].as_str().unwrap();
        let step = case["step"].as_i64().unwrap() * 1000;
        let value = Query::parse(query).unwrap().range(&store, milliseconds(&case["start"]), milliseconds(&recording["t"]), step).unwrap();
        compare(query, value, &case["answer"]);
    }
}
