// logs writes log documents into Elasticsearch, in the daily indices logstash-YYYY.MM.DD of the operations guide, with the
// fields that a usual shipper gives them, and returns when they can be searched. No template is set: the mapping is
// Elasticsearch's own.
//
//	logs -url URL history HOURS                              the lines of ordinary hours; errors 26 to 25 hours ago
//	logs -url URL [-service S] [-error KIND] ... N MESSAGE   N lines of one kind, spread over -spread up to now
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"time"
)

var (
	url      = flag.String("url", "", "URL of Elasticsearch")
	user     = flag.String("user", "", "user, with the password in ELASTICSEARCH_PASSWORD")
	ca       = flag.String("ca", "", "file of the authority that signed its certificate")
	service  = flag.String("service", "core-engine", "field service")
	level    = flag.String("level", "ERROR", "field level")
	kind     = flag.String("error", "", "field error; none if empty")
	pod      = flag.String("pod", "", "field kubernetes.pod; one of the service's if empty")
	spread   = flag.Duration("spread", 5*time.Minute, "how long ago the first line was written")
	contents = rand.New(rand.NewPCG(7, 7))
)

func main() {
	flag.Parse()
	hours, err := strconv.Atoi(flag.Arg(1))
	if flag.Arg(0) == "history" && err == nil {
		send(history(time.Duration(hours)*time.Hour, time.Now().UTC()))
		return
	}
	count, err := strconv.Atoi(flag.Arg(0))
	if flag.NArg() != 2 || err != nil || count < 1 {
		log.Fatal("usage: logs -url URL [-service S -level L -error KIND -pod P -spread 5m] N MESSAGE | logs -url URL history HOURS")
	}
	var body bytes.Buffer
	now := time.Now().UTC()
	for i := range count {
		ago := time.Duration(float64(*spread) * float64(count-1-i) / float64(count))
		document(&body, now.Add(-ago), *level, *service, *pod, *kind, flag.Arg(1))
	}
	send(&body)
}

// history has a line every 30 s, and in the outage an error every 10 s besides.
func history(length time.Duration, end time.Time) *bytes.Buffer {
	everyday := []struct{ service, level, message string }{
		{"api-gateway", "INFO", "POST /v1/verify 200 in %d ms"},
		{"core-engine", "INFO", "verified user-%06d at level 2"},
		{"sync-service", "INFO", "batch of %d events applied"},
		{"fraud-analytics", "INFO", "scored user-%06d: 0.02"},
		{"gov-connectors", "WARN", "DVLA slow: %d ms"},
	}
	var body bytes.Buffer
	for ago, i := length, 0; ago > 0; ago, i = ago-10*time.Second, i+1 {
		at := end.Add(-ago)
		if i%3 == 0 {
			line := everyday[i/3%len(everyday)]
			document(&body, at, line.level, line.service, "", "", fmt.Sprintf(line.message, contents.IntN(4000)))
		}
		if ago > 25*time.Hour && ago < 26*time.Hour {
			document(&body, at, "ERROR", "core-engine", "", "PoolTimeout", fmt.Sprintf("pool timed out after %d ms waiting for connection", 30000+contents.IntN(50)))
		}
	}
	return &body
}

func document(body *bytes.Buffer, at time.Time, level, service, pod, kind, message string) {
	if pod == "" {
		pod = fmt.Sprintf("%s-%d", service, contents.IntN(3))
	}
	fields := map[string]any{
		"@timestamp": at.Format("2006-01-02T15:04:05.000Z"), "level": level, "service": service, "message": message,
		"duration_ms": float64(contents.IntN(9000)) / 10, "kubernetes": map[string]string{"namespace": "digital-identity", "pod": pod},
	}
	if kind != "" {
		fields["error"] = kind
	}
	source, err := json.Marshal(fields)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(body, "{\"index\":{\"_index\":\"logstash-%s\"}}\n%s\n", at.Format("2006.01.02"), source)
}

func send(body *bytes.Buffer) {
	client := http.Client{Timeout: 60 * time.Second}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			log.Fatalf("logs: no certificate in %s: %v", *ca, err)
		}
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	}
	request, err := http.NewRequest(http.MethodPost, *url+"/_bulk?refresh=true&filter_path=errors,items.*.error", body)
	if err != nil {
		log.Fatalf("logs: %v", err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	if *user != "" {
		request.SetBasicAuth(*user, os.Getenv("ELASTICSEARCH_PASSWORD"))
	}
	response, err := client.Do(request)
	if err != nil {
		log.Fatalf("logs: %v", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	var answer struct{ Errors *bool }
	if json.Unmarshal(text, &answer) != nil || err != nil || answer.Errors == nil || *answer.Errors {
		log.Fatalf("logs: Elasticsearch did not take every line: %s %.400s", response.Status, text)
	}
}
