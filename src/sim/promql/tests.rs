//! Known values: worked by hand from Prometheus' documentation and its own test files.

use super::*;

/// Series of samples 10 s apart from t = 0 on; `_` leaves one out.
fn store(lines: &[(&str, &str)]) -> Tsdb {
    let store = Tsdb::new();
    for (selector, values) in lines {
        let query = Query::parse(selector).unwrap();
        let selector = query.as_selector().unwrap();
        let mut labels = Labels::metric(selector.name.as_deref().unwrap(), [("", ""); 0]);
        for matcher in &selector.matchers.matchers {
            labels.set(&matcher.name, &matcher.value);
        }
        for (step, value) in values.split_whitespace().enumerate() {
            let value = match value {
                "_" => continue,
                "stale" => crate::sim::tsdb::stale_marker(),
                number => number.parse().unwrap(),
            };
            store.append(&labels, i64::try_from(step).unwrap() * 10_000, value);
        }
    }
    store
}

/// The answer at `t` seconds as lines `labels value`, sorted.
fn ask(store: &Tsdb, expression: &str, t: i64) -> String {
    match Query::parse(expression).and_then(|query| query.instant(store, t * 1000)) {
        Ok(Value::Vector { elements, .. }) => {
            let mut lines: Vec<String> = elements.iter().map(|element| format!("{} {}", element.labels, format_value(element.value))).collect();
            lines.sort();
            lines.join("\n")
        }
        Ok(Value::Scalar { value, .. }) => format_value(value),
        Ok(Value::String { text, .. }) => text,
        Ok(Value::Matrix(series)) => series
            .iter()
            .map(|series| {
                let samples: Vec<String> =
                    series.samples.iter().map(|sample| format!("{}@{}", format_value(sample.value), sample.t_ms / 1000)).collect();
                format!("{} {}", series.labels, samples.join(" "))
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn selectors_match_look_back_and_end() {
    let store = store(&[("a{x=\"1\"}", "1 2 3"), ("a{x=\"2\"}", "4 5 stale"), ("b", "9")]);
    assert_eq!(ask(&store, "a", 10), "a{x=\"1\"} 2\na{x=\"2\"} 5");
    assert_eq!(ask(&store, "a", 20), "a{x=\"1\"} 3");
    assert_eq!(ask(&store, "a{x!=\"1\"}", 15), "a{x=\"2\"} 5");
    assert_eq!(ask(&store, "a{x=~\"1|3\"}", 15), "a{x=\"1\"} 2");
    assert_eq!(ask(&store, "{__name__=~\"b|c\", x=\"\"}", 15), "b 9");
    assert_eq!(ask(&store, "b", 299), "b 9");
    assert_eq!(ask(&store, "b", 300), "", "the look-back is open on the left");
    assert_eq!(ask(&store, "a{x=\"1\"} offset 10s", 20), "a{x=\"1\"} 2");
    assert_eq!(ask(&store, "a{x=\"1\"} @ 0", 20), "a{x=\"1\"} 1");
    assert_eq!(ask(&store, "a{x=\"1\"}[20s]", 20), "a{x=\"1\"} 2@10 3@20", "windows are open on the left");
    assert_eq!(ask(&store, "a{x=\"2\"}[20s]", 20), "a{x=\"2\"} 5@10");
    assert_eq!(ask(&store, "timestamp(b)", 7), "{} 0");
    assert_eq!(ask(&store, "timestamp(b + 0)", 7), "{} 7");
}

#[test]
fn rates_are_extrapolated_to_the_ends_of_the_window() {
    // 10, 20, … : one a second; samples at 10..=60 in (0, 60], the first 10 s after the window's start: extended whole.
    let store = store(&[("c", "0 10 20 30 40 50 60"), ("slow", "0 _ _ 30 40"), ("late", "_ _ _ 100 110 120 130")]);
    assert_eq!(ask(&store, "rate(c[60s])", 60), "{} 1");
    assert_eq!(ask(&store, "increase(c[60s])", 60), "{} 60");
    // Window (25, 65]: samples 30..60, 5 s missing at each end, all within 1.1 intervals.
    assert_eq!(ask(&store, "increase(c[40s])", 65), "{} 40");
    // Two samples 10 s apart: the 10 s before them are within the threshold, the 40 s after them count for half an interval.
    assert_eq!(ask(&store, "increase(slow[60s])", 80), "{} 25");
    assert_eq!(ask(&store, "rate(c[10s])", 60), "", "one sample has no rate");
    assert_eq!(ask(&store, "delta(c[60s])", 60), "{} 60");
    assert_eq!(ask(&store, "deriv(c[60s])", 60), "{} 1");
    assert_eq!(ask(&store, "predict_linear(c[60s], 100)", 60), "{} 160");
    assert_eq!(ask(&store, "irate(c[60s])", 60), "{} 1");
    assert_eq!(ask(&store, "idelta(c[60s])", 60), "{} 10");
    // (0, 60], first sample at 30 is beyond the threshold: 5 s are added before it.
    assert_eq!(ask(&store, "increase(late[60s])", 60), "{} 35");
}

#[test]
fn a_counter_is_not_extended_below_zero() {
    // Samples at 15 and 25 would do; here 2 -> 22 over 10 s: zero lies 1 s before the first.
    let store = store(&[("c", "_ 2 22"), ("g", "_ -5 15")]);
    assert_eq!(ask(&store, "increase(c[20s])", 20), "{} 22");
    assert_eq!(ask(&store, "delta(c[20s])", 20), "{} 40");
    assert_eq!(ask(&store, "increase(g[20s])", 20), "{} 40", "not a counter's value: no clamp");
}

#[test]
fn counter_resets_are_added_back() {
    let store = store(&[("c", "0 10 20 5 15")]);
    assert_eq!(ask(&store, "increase(c[50s])", 40), "{} 35", "0 is at the very start: no extension");
    assert_eq!(ask(&store, "resets(c[50s])", 40), "{} 1");
    assert_eq!(ask(&store, "changes(c[50s])", 40), "{} 4");
    assert_eq!(ask(&store, "irate(c[15s])", 30), "{} 0.5");
}

#[test]
fn functions_over_time() {
    let store = store(&[("g", "4 1 NaN 3")]);
    let plain = self::store(&[("g", "4 1 2 3")]);
    for (expression, value) in [
        ("avg_over_time(g[1m])", "2.5"),
        ("sum_over_time(g[1m])", "10"),
        ("count_over_time(g[1m])", "4"),
        ("max_over_time(g[1m])", "4"),
        ("min_over_time(g[1m])", "1"),
        ("quantile_over_time(0.5, g[1m])", "2.5"),
        ("stddev_over_time(g[1m])", "1.118033988749895"),
        ("present_over_time(g[1m])", "1"),
    ] {
        assert_eq!(ask(&plain, expression, 30), format!("{{}} {value}"), "{expression}");
    }
    assert_eq!(ask(&plain, "last_over_time(g[1m])", 30), "g 3");
    assert_eq!(ask(&store, "max_over_time(g[1m])", 30), "{} 4");
    assert_eq!(ask(&store, "sum_over_time(g[1m])", 30), "{} NaN");
}

#[test]
fn subqueries_step_on_multiples_of_their_step() {
    let store = store(&[("g", "0 1 2 3 4 5 6")]);
    assert_eq!(ask(&store, "g[30s:10s]", 55), "g 3@30 4@40 5@50");
    assert_eq!(ask(&store, "max_over_time((g * 2)[30s:10s])", 60), "{} 12");
    assert_eq!(ask(&store, "sum_over_time(g[30s:10s] offset 10s)", 60), "{} 12");
    assert_eq!(ask(&store, "sum_over_time(vector(1)[100y:1s])", 60), "query processing would load too many samples into memory in query execution");
}

#[test]
fn histogram_quantiles() {
    let store = store(&[
        ("h_bucket{le=\"0.1\"}", "5"),
        ("h_bucket{le=\"0.2\"}", "10"),
        ("h_bucket{le=\"1\"}", "20"),
        ("h_bucket{le=\"+Inf\"}", "20"),
        ("no_inf_bucket{le=\"1\"}", "20"),
        ("empty_bucket{le=\"1\"}", "0"),
        ("empty_bucket{le=\"+Inf\"}", "0"),
        ("falls_bucket{le=\"1\"}", "10"),
        ("falls_bucket{le=\"2\"}", "8"),
        ("falls_bucket{le=\"+Inf\"}", "20"),
        ("negative_bucket{le=\"-1\"}", "10"),
        ("negative_bucket{le=\"+Inf\"}", "20"),
    ]);
    for (expression, value) in [
        ("histogram_quantile(0.5, h_bucket)", "0.2"),
        ("histogram_quantile(0.25, h_bucket)", "0.1"),
        ("histogram_quantile(0.125, h_bucket)", "0.05"),
        ("histogram_quantile(0.8, h_bucket)", "0.6799999999999999"),
        ("histogram_quantile(1, h_bucket)", "1"),
        ("histogram_quantile(0, h_bucket)", "0"),
        ("histogram_quantile(-1, h_bucket)", "-Inf"),
        ("histogram_quantile(2, h_bucket)", "+Inf"),
        ("histogram_quantile(NaN, h_bucket)", "NaN"),
        ("histogram_quantile(0.5, no_inf_bucket)", "NaN"),
        ("histogram_quantile(0.5, empty_bucket)", "NaN"),
        // The count at 2 is raised to 10; the median lies at the end of the first bucket, the rest beyond the last bound.
        ("histogram_quantile(0.5, falls_bucket)", "1"),
        ("histogram_quantile(0.9, falls_bucket)", "2"),
        ("histogram_quantile(0.3, negative_bucket)", "-1"),
    ] {
        assert_eq!(ask(&store, expression, 0), format!("{{}} {value}"), "{expression}");
    }
}

#[test]
fn aggregations_group_by_and_without() {
    let store = store(&[
        ("r{app=\"a\", pod=\"1\"}", "1"),
        ("r{app=\"a\", pod=\"2\"}", "3"),
        ("r{app=\"b\", pod=\"3\"}", "10"),
        ("n{pod=\"1\"}", "NaN"),
        ("n{pod=\"2\"}", "7"),
    ]);
    for (expression, lines) in [
        ("sum(r)", "{} 14"),
        ("sum by (app) (r)", "{app=\"a\"} 4\n{app=\"b\"} 10"),
        ("avg without (pod) (r)", "{app=\"a\"} 2\n{app=\"b\"} 10"),
        ("count by (app) (r)", "{app=\"a\"} 2\n{app=\"b\"} 1"),
        ("min(n)", "{} 7"),
        ("max(n)", "{} 7"),
        ("group by (app) (r)", "{app=\"a\"} 1\n{app=\"b\"} 1"),
        ("topk(1, r)", "r{app=\"b\", pod=\"3\"} 10"),
        ("topk by (app) (1, r)", "r{app=\"a\", pod=\"2\"} 3\nr{app=\"b\", pod=\"3\"} 10"),
        ("bottomk(1, n)", "n{pod=\"2\"} 7"),
        ("topk(0, r)", ""),
        ("quantile(0.5, r)", "{} 3"),
        ("stddev(r{app=\"a\"})", "{} 1"),
        ("stdvar(r{app=\"a\"})", "{} 1"),
        ("count_values(\"v\", r)", "{v=\"1\"} 1\n{v=\"10\"} 1\n{v=\"3\"} 1"),
        ("sum(nothing)", ""),
    ] {
        assert_eq!(ask(&store, expression, 0), lines, "{expression}");
    }
}

#[test]
fn binary_operations_match_their_sides() {
    let store = store(&[
        ("errors{app=\"a\", code=\"500\"}", "2"),
        ("errors{app=\"a\", code=\"503\"}", "3"),
        ("errors{app=\"b\", code=\"500\"}", "4"),
        ("requests{app=\"a\"}", "10"),
        ("requests{app=\"b\"}", "0"),
        ("info{app=\"a\", team=\"blue\"}", "1"),
    ]);
    for (expression, lines) in [
        ("requests * 2", "{app=\"a\"} 20\n{app=\"b\"} 0"),
        ("2 ^ 3 ^ 2", "512"),
        ("-requests", "{app=\"a\"} -10\n{app=\"b\"} -0"),
        ("7 % -4", "3"),
        ("1 / 0", "+Inf"),
        ("requests > 5", "requests{app=\"a\"} 10"),
        ("5 < requests", "requests{app=\"a\"} 10"),
        ("requests > bool 5", "{app=\"a\"} 1\n{app=\"b\"} 0"),
        ("1 > bool 2", "0"),
        ("errors{code=\"500\"} / ignoring (code) requests", "{app=\"a\"} 0.2\n{app=\"b\"} +Inf"),
        ("errors / on (app) group_left requests", "{app=\"a\", code=\"500\"} 0.2\n{app=\"a\", code=\"503\"} 0.3\n{app=\"b\", code=\"500\"} +Inf"),
        ("requests * on (app) group_left (team) info", "{app=\"a\", team=\"blue\"} 10"),
        ("requests - on (app) group_right errors{code=\"503\"}", "{app=\"a\", code=\"503\"} 7"),
        ("errors{code=\"500\"} > on (app) requests", "{app=\"b\"} 4"),
        ("requests and on (app) errors{code=\"503\"}", "requests{app=\"a\"} 10"),
        ("requests unless on (app) errors{code=\"503\"}", "requests{app=\"b\"} 0"),
        ("requests{app=\"a\"} or requests", "requests{app=\"a\"} 10\nrequests{app=\"b\"} 0"),
        ("requests / nothing", ""),
    ] {
        assert_eq!(ask(&store, expression, 0), lines, "{expression}");
    }
}

#[test]
fn a_match_that_is_not_unique_is_an_error() {
    let store = store(&[("e{app=\"a\", code=\"1\"}", "2"), ("e{app=\"a\", code=\"2\"}", "3"), ("r{app=\"a\"}", "10")]);
    assert_eq!(ask(&store, "e / on (app) r", 0), "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
    assert_eq!(
        ask(&store, "r / on (app) e", 0),
        "found duplicate series for the match group {app=\"a\"} on the right hand-side of the operation: [{__name__=\"e\", app=\"a\", code=\"2\"}, \
         {__name__=\"e\", app=\"a\", code=\"1\"}];many-to-many matching not allowed: matching labels must be unique on one side"
    );
    assert_eq!(
        ask(&store, "rate({app=\"a\", code=\"\"}[1m]) or abs({app=\"a\"})", 0),
        "{app=\"a\", code=\"1\"} 2\n{app=\"a\", code=\"2\"} 3\n{app=\"a\"} 10"
    );
    let twins = self::store(&[("a{x=\"1\"}", "1"), ("b{x=\"1\"}", "2")]);
    assert_eq!(ask(&twins, "abs({x=\"1\"})", 0), "vector cannot contain metrics with the same labelset");
}

#[test]
fn the_guides_error_rate_divides_each_series_by_itself() {
    let store = store(&[("http_requests_total{status=\"200\"}", "0 100 200"), ("http_requests_total{status=\"500\"}", "0 1 2")]);
    let ratio = "rate(http_requests_total{status=~\"5..\"}[5m]) / rate(http_requests_total[5m]) > 0.05";
    assert_eq!(ask(&store, ratio, 20), "{status=\"500\"} 1");
}

#[test]
fn a_guarded_error_rate_is_nothing_without_traffic_and_0_without_failures() {
    let ratio = "(sum(rate(http_requests_total{status=~\"5..\"}[5m])) or vector(0)) / sum(rate(http_requests_total[5m]))";
    let healthy = store(&[("http_requests_total{status=\"200\"}", "0 100 200")]);
    assert_eq!(ask(&healthy, ratio, 20), "{} 0");
    assert_eq!(ask(&store(&[]), ratio, 20), "", "nobody knows");
    let idle = store(&[("http_requests_total{status=\"200\"}", "7 7 7")]);
    assert_eq!(ask(&idle, ratio, 20), "{} NaN");
    let failing = store(&[("http_requests_total{status=\"200\"}", "0 90 180"), ("http_requests_total{status=\"500\"}", "0 10 20")]);
    assert_eq!(ask(&failing, &format!("({ratio}) > bool 0.05"), 20), "{} 1");
}

#[test]
fn other_functions() {
    let store = store(&[("a{pod=\"api-7\", app=\"api\"}", "-2.5"), ("b", "7")]);
    for (expression, lines) in [
        ("abs(a)", "{app=\"api\", pod=\"api-7\"} 2.5"),
        ("ceil(b / 2)", "{} 4"),
        ("round(b / 2)", "{} 4"),
        ("round(b, 5)", "{} 5"),
        ("clamp(b, 1, 3)", "{} 3"),
        ("clamp(b, 3, 1)", ""),
        ("clamp_min(b, 9)", "{} 9"),
        ("sgn(a)", "{app=\"api\", pod=\"api-7\"} -1"),
        ("sqrt(b + 2)", "{} 3"),
        ("scalar(b) + 1", "8"),
        ("scalar(nothing)", "NaN"),
        ("vector(3)", "{} 3"),
        ("time()", "0"),
        ("year(vector(0))", "{} 1970"),
        ("days_in_month(vector(86400 * 31))", "{} 28"),
        ("absent(nothing{job=\"x\", a!=\"b\"})", "{job=\"x\"} 1"),
        ("absent(b)", ""),
        ("absent_over_time(nothing{job=\"x\"}[1m])", "{job=\"x\"} 1"),
        ("label_replace(a, \"n\", \"$2\", \"pod\", \"(.*)-(.*)\")", "a{app=\"api\", n=\"7\", pod=\"api-7\"} -2.5"),
        ("label_replace(a, \"n\", \"x\", \"pod\", \"nothing\")", "a{app=\"api\", pod=\"api-7\"} -2.5"),
        ("label_join(a, \"k\", \"/\", \"app\", \"pod\")", "a{app=\"api\", k=\"api/api-7\", pod=\"api-7\"} -2.5"),
        ("\"text\"", "text"),
    ] {
        assert_eq!(ask(&store, expression, 0), lines, "{expression}");
    }
}

#[test]
fn a_range_query_joins_its_steps_by_labels() {
    let store = store(&[("c{x=\"1\"}", "0 10 20 30"), ("c{x=\"2\"}", "_ _ 5 stale")]);
    let Value::Matrix(series) = Query::parse("c").unwrap().range(&store, 0, 30_000, 10_000).unwrap() else { panic!("not a matrix") };
    let times = |at: usize| series[at].samples.iter().map(|sample| sample.t_ms).collect::<Vec<_>>();
    assert_eq!((series.len(), times(0), times(1)), (2, vec![0, 10_000, 20_000, 30_000], vec![20_000]));
    assert!(matches!(Query::parse("c[1m]").unwrap().range(&store, 0, 1, 1), Err(Error::BadData(_))));
    let at_end = Query::parse("c{x=\"1\"} @ end()").unwrap().range(&store, 0, 20_000, 10_000).unwrap();
    let Value::Matrix(series) = at_end else { panic!("not a matrix") };
    assert!(series[0].samples.iter().all(|sample| (sample.value - 20.0).abs() < f64::EPSILON));
}

#[test]
fn what_is_not_promql_is_refused() {
    for text in ["", "sum(", "rate(c)", "{x=~\".*\"}", "1 > 2", &"(".repeat(5_000)] {
        assert!(matches!(Query::parse(text), Err(Error::BadData(_))), "{text}");
    }
}

/// The default error rate over traffic without failures, with failures, without statuses, and without traffic.
#[test]
fn the_default_error_rate_is_zero_only_where_a_failure_would_have_been_counted() {
    let kpis = crate::config::Config::default().kpis;
    let query = &kpis.iter().find(|kpi| kpi.id == "error_rate").unwrap().query;
    let of = |lines: &[(&str, &str)]| ask(&store(lines), query, 30);
    assert_eq!(of(&[("http_requests_total{status=\"200\"}", "0 10 20 30")]), "{} 0");
    let failing = [("http_requests_total{status=\"200\"}", "0 10 20 30"), ("http_requests_total{status=\"503\"}", "0 10 20 30")];
    assert_eq!(of(&failing), "{} 0.5");
    assert_eq!(of(&[("http_requests_total{code=\"200\"}", "0 10 20 30"), ("http_requests_total{code=\"503\"}", "0 10 20 30")]), "");
    assert_eq!(of(&[("up", "1 1 1 1")]), "");
}
