// exporter serves the metrics of the platform's services, and lets a test say what they are.
//
//	exporter serve LISTEN REDIS   GET  /JOB/metrics   what Prometheus scrapes; 503 while up:JOB is 0
//	                              POST /set           lines of SERIES=NUMBER: a gauge's value, a counter's increase per second,
//	                                                  a histogram's median in seconds; or up:JOB=0|1
//	                              POST /rest          everything as it was at the start
//	                              GET  /state         every series with its value, as /set takes it
//	exporter history DAYS         that many days up to now, in OpenMetrics text (history.go)
//
// The length of the list sync-events comes from the Redis server, so what a test pushes there is what the metric says.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type server struct {
	sync.Mutex
	model *model
	at    time.Time
	redis string
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "serve":
		s := &server{model: newModel(), at: time.Now(), redis: os.Args[3]}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /{job}/metrics", s.metrics)
		mux.HandleFunc("POST /set", s.set)
		mux.HandleFunc("POST /rest", func(http.ResponseWriter, *http.Request) { s.advanced().rest(); s.Unlock() })
		mux.HandleFunc("GET /state", s.state)
		log.Fatal(http.ListenAndServe(os.Args[2], mux))
	case len(os.Args) == 3 && os.Args[1] == "history":
		days, err := strconv.ParseFloat(os.Args[2], 64)
		if err != nil {
			log.Fatalf("days of history: %v", err)
		}
		history(os.Stdout, days, time.Now())
	default:
		log.Fatal("usage: exporter serve LISTEN REDIS | exporter history DAYS")
	}
}

// advanced is the model as of this moment, locked.
func (s *server) advanced() *model {
	s.Lock()
	now := time.Now()
	s.model.advance(now.Sub(s.at).Seconds())
	s.at = now
	return s.model
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	job := r.PathValue("job")
	model := s.advanced()
	defer s.Unlock()
	if up, known := model.up[job]; !known || !up {
		http.Error(w, "this job is down or unknown", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, g := range model.series {
		if g.job == job {
			for _, line := range g.samples() {
				fmt.Fprintf(w, "%s{%s} %v\n", line.name, line.labels, line.value)
			}
		}
	}
	if job == "redis" {
		length, err := listLength(s.redis, "sync-events")
		if err != nil {
			log.Printf("length of sync-events: %v", err)
			return
		}
		fmt.Fprintf(w, "redis_queue_length{queue=\"sync-events\"} %d\n", length)
	}
}

func (s *server) set(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	model := s.advanced()
	defer s.Unlock()
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		cut := strings.LastIndex(line, "=")
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if cut < 0 || err != nil {
			http.Error(w, fmt.Sprintf("%q is not SERIES=NUMBER", line), http.StatusBadRequest)
			return
		}
		if err := model.set(line[:cut], value); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
}

func (s *server) state(w http.ResponseWriter, _ *http.Request) {
	model := s.advanced()
	defer s.Unlock()
	for _, job := range jobs {
		up := 0
		if model.up[job.name] {
			up = 1
		}
		fmt.Fprintf(w, "up:%s=%d\n", job.name, up)
	}
	for _, g := range model.series {
		fmt.Fprintf(w, "%s=%v\n", g, g.value)
	}
}

// listLength asks Redis in its own protocol: LLEN KEY, answered by ":N".
func listLength(address, key string) (int, error) {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	fmt.Fprintf(connection, "LLEN %s\r\n", key)
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.Trim(answer, ":\r\n"))
}
