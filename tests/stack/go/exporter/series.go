// The series of the platform's services at rest, by scrape job: every one that the operations guide's rules and sev1's
// indicators ask for.
package main

import "fmt"

type kind int

const (
	gauge     kind = iota // its value
	counter               // its value is its increase per second
	histogram             // its value is the median of its observations, in seconds
)

// series is one of them. The label set is written as in the exposition format, without braces.
type series struct {
	job, name, labels string
	kind              kind
	value             float64
	// Observations per second of a histogram.
	rate float64
}

func (s series) String() string { return s.name + "{" + s.labels + "}" }

// jobs and the instance that each is scraped as: the same names as in the simulated platform.
var jobs = []struct{ name, instance string }{
	{"api-gateway", "api-gateway:8081"},
	{"core-engine", "core-engine:8080"},
	{"gov-connectors", "gov-connectors:8082"},
	{"fraud-analytics", "fraud-analytics:8083"},
	{"sync-service", "sync-service:8080"},
	{"government-feed-connector", "government-feed-connector:8086"},
	{"node", "node-exporter:9100"},
	{"postgresql", "postgres-primary:9187"},
	{"redis", "redis-primary:9121"},
	{"kafka", "kafka-broker:9308"},
}

// atRest raises no alert. Hence no 5xx, since the guide's HighErrorRate divides a failing series by itself, and 300
// registrations a second, since its LowRegistrationRate compares a rate per second with "50 per hour".
func atRest() []series {
	all := []series{
		{job: "core-engine", name: "verification_queue_size", labels: `service="core-engine"`, value: 3},
		{job: "core-engine", name: "user_registrations_total", labels: `service="core-engine"`, kind: counter, value: 300},
		{job: "api-gateway", name: "login_attempts_failed_total", labels: `service="api-gateway"`, kind: counter, value: 0.05},
		{job: "gov-connectors", name: "government_api_requests_failed_total", labels: `service="gov-connectors"`, kind: counter, value: 0.01},
		{job: "fraud-analytics", name: "sync_event_backlog", labels: `service="fraud-analytics"`, value: 48},
		{job: "sync-service", name: "sync_event_backlog", labels: `service="sync-service"`, value: 12},
		{job: "sync-service", name: "websocket_active_connections", labels: `service="sync-service"`, value: 140},
		{job: "sync-service", name: "sync_request_duration_seconds", labels: `service="sync-service"`, kind: histogram, value: 0.2, rate: 5},
		{job: "postgresql", name: "postgresql_connections_active", value: 21},
		{job: "postgresql", name: "postgresql_connections_max", value: 100},
		{job: "postgresql", name: "database_queries_sensitive", value: 40},
		{job: "kafka", name: "kafka_queue_length", labels: `topic="fraud-detection"`, value: 9},
	}
	traffic := []struct {
		service      string
		rate, median float64
	}{{"api-gateway", 52, 0.085}, {"core-engine", 15, 0.045}, {"gov-connectors", 5, 0.28}, {"fraud-analytics", 7, 0.16}, {"sync-service", 6, 0.06}}
	for _, t := range traffic {
		label := fmt.Sprintf("service=%q", t.service)
		all = append(all, series{job: t.service, name: "http_request_duration_seconds", labels: label, kind: histogram, value: t.median, rate: t.rate})
		for _, share := range []struct {
			method, status string
			of             float64
		}{{"GET", "200", 0.7}, {"POST", "200", 0.29}, {"GET", "404", 0.008}, {"GET", "403", 0.002}, {"POST", "500", 0}} {
			labels := fmt.Sprintf("%s,method=%q,status=%q", label, share.method, share.status)
			all = append(all, series{job: t.service, name: "http_requests_total", labels: labels, kind: counter, value: t.rate * share.of})
		}
	}
	for i := 1; i <= 5; i++ {
		label := fmt.Sprintf(`node="node-%d"`, i)
		all = append(all,
			series{job: "node", name: "cpu_usage_percent", labels: label, value: float64(30 + 3*i)},
			series{job: "node", name: "memory_usage_percent", labels: label, value: float64(50 + 3*i)})
	}
	return all
}
