// What the series come to as time passes: counters and histograms grow by their rates.
package main

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// bounds of every histogram's buckets, in seconds.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.Inf(1)}

// grown is a series with what it has come to.
type grown struct {
	series
	total   float64   // of a counter, or a histogram's count
	sum     float64   // of a histogram
	buckets []float64 // of a histogram, cumulative
}

type model struct {
	series []*grown
	up     map[string]bool
}

func newModel() *model {
	m := &model{up: map[string]bool{}}
	for _, job := range jobs {
		m.up[job.name] = true
	}
	for _, s := range atRest() {
		m.add(s)
	}
	return m
}

func (m *model) add(s series) *grown {
	g := &grown{series: s, buckets: make([]float64, len(bounds))}
	m.series = append(m.series, g)
	return g
}

// rest brings every value back, and takes away what was added. Counters keep what they have come to.
func (m *model) rest() {
	fresh := newModel()
	for _, g := range fresh.series {
		if old := m.find(g.String()); old != nil {
			g.total, g.sum, g.buckets = old.total, old.sum, old.buckets
		}
	}
	*m = *fresh
}

// below is the share of observations up to a bound: log-logistic of shape 3, smooth and without a table.
func below(bound, median float64) float64 {
	if median == 0 {
		return 1
	}
	return 1 / (1 + math.Pow(median/bound, 3))
}

func (m *model) advance(seconds float64) {
	for _, g := range m.series {
		g.advance(seconds, g.value, g.rate)
	}
}

func (g *grown) advance(seconds, value, rate float64) {
	switch g.kind {
	case gauge:
		g.total = value
	case counter:
		g.total += value * seconds
	case histogram:
		seen := rate * seconds
		g.total += seen
		g.sum += seen * value * 1.2
		for i, bound := range bounds {
			g.buckets[i] += seen * below(bound, value)
		}
	}
}

// find takes the name with its labels, or without for the first of that name.
func (m *model) find(name string) *grown {
	for _, g := range m.series {
		if g.String() == name || g.name == name {
			return g
		}
	}
	return nil
}

var shape = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z_]+="[^"]*",?)+)\}$`)

// set gives a series a value. A new label set of a known metric is added to the job of its service, or of its metric.
func (m *model) set(name string, value float64) error {
	if job, ok := strings.CutPrefix(name, "up:"); ok {
		if _, known := m.up[job]; !known {
			return fmt.Errorf("no job %q", job)
		}
		m.up[job] = value != 0
		return nil
	}
	if g := m.find(name); g != nil {
		g.value = value
		return nil
	}
	parts := shape.FindStringSubmatch(name)
	if parts == nil {
		return fmt.Errorf("no series %q; write METRIC{label=\"value\"}=NUMBER, or up:JOB=0|1", name)
	}
	for _, g := range m.series {
		if g.name != parts[1] {
			continue
		}
		added := g.series
		added.labels, added.value = parts[2], value
		for _, job := range jobs {
			if strings.Contains(parts[2], fmt.Sprintf("service=%q", job.name)) {
				added.job = job.name
			}
		}
		m.add(added)
		return nil
	}
	return fmt.Errorf("no metric %q; /state lists what there is", parts[1])
}

// sample is one line of the exposition.
type sample struct {
	name, labels string
	value        float64
}

func (g *grown) samples() []sample {
	if g.kind == gauge {
		return []sample{{g.name, g.labels, g.total}}
	}
	if g.kind == counter {
		return []sample{{g.name, g.labels, math.Floor(g.total)}}
	}
	count := math.Floor(g.total)
	var all []sample
	for i, bound := range bounds {
		le := "+Inf"
		if !math.IsInf(bound, 1) {
			le = fmt.Sprint(bound)
		}
		all = append(all, sample{g.name + "_bucket", join(g.labels, fmt.Sprintf("le=%q", le)), math.Floor(g.buckets[i])})
	}
	return append(all, sample{g.name + "_sum", g.labels, math.Round(g.sum*1000) / 1000}, sample{g.name + "_count", g.labels, count})
}

func join(labels, more string) string {
	if labels == "" {
		return more
	}
	return labels + "," + more
}
