// Days of history with a daily rhythm and one outage, for promtool to make blocks of before Prometheus first starts.
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// step between samples: two of them fall into the shortest range that is asked for, five minutes.
const step = 2 * time.Minute

// history writes OpenMetrics text. Between 26 and 25 hours ago api-gateway fails and is slow, queues are long, and
// fraud-analytics does not answer for the first six minutes.
func history(out io.Writer, days float64, end time.Time) {
	w := bufio.NewWriter(out)
	defer w.Flush()
	start := end.Add(-time.Duration(days * float64(24*time.Hour))).Truncate(step)
	outage := func(t time.Time) bool { ago := end.Sub(t); return ago > 25*time.Hour && ago < 26*time.Hour }
	rhythm := func(t time.Time) float64 {
		return 0.6 + 0.4*math.Sin(2*math.Pi*float64(t.Unix()%86400)/86400-1.5)
	}
	instances := map[string]string{}
	for _, job := range jobs {
		instances[job.name] = job.instance
	}

	// A family stands together, and a series' samples in it. All families are untyped: blocks keep no types.
	families := map[string]*strings.Builder{}
	var order []string
	write := func(name, labels string, value float64, at time.Time) {
		family := families[name]
		if family == nil {
			family = &strings.Builder{}
			families[name] = family
			order = append(order, name)
		}
		fmt.Fprintf(family, "%s{%s} %v %d\n", name, labels, value, at.Unix())
	}

	model := newModel()
	model.add(series{job: "redis", name: "redis_queue_length", labels: `queue="sync-events"`, value: 12})
	for _, g := range model.series {
		own := fmt.Sprintf("job=%q,instance=%q", g.job, instances[g.job])
		var columns [][]sample
		var times []time.Time
		for t := start; t.Before(end); t = t.Add(step) {
			value, rate := g.value, g.rate*rhythm(t)
			switch {
			case outage(t) && g.kind == histogram:
				value *= 20
			case outage(t) && strings.Contains(g.labels, `service="api-gateway"`) && strings.Contains(g.labels, `status="500"`):
				value = 8
			case outage(t) && (strings.Contains(g.name, "queue") || strings.Contains(g.name, "backlog")):
				value *= 400
			case g.name != "postgresql_connections_max":
				value *= map[bool]float64{true: rhythm(t), false: 1}[g.kind != histogram]
			}
			g.advance(step.Seconds(), value, rate)
			columns, times = append(columns, g.samples()), append(times, t)
		}
		for i := range columns[0] {
			for row, at := range times {
				write(columns[row][i].name, join(columns[row][i].labels, own), columns[row][i].value, at)
			}
		}
	}
	for _, job := range jobs {
		for t := start; t.Before(end); t = t.Add(step) {
			up := 1.0
			if ago := end.Sub(t); job.name == "fraud-analytics" && ago > 26*time.Hour-6*time.Minute && ago < 26*time.Hour {
				up = 0
			}
			write("up", fmt.Sprintf("job=%q,instance=%q", job.name, job.instance), up, t)
		}
	}
	for _, name := range order {
		fmt.Fprintf(w, "# TYPE %s unknown\n%s", name, families[name])
	}
	fmt.Fprintln(w, "# EOF")
}
