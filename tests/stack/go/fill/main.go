// fill makes a cluster big: it writes Running pods straight into etcd, as the API server stores them, tens of thousands in
// seconds. The namespace must exist. With -updates it goes on, marking that many of them a second.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
)

// batch is the number of pods of one transaction; etcd allows 128 operations.
const batch = 100

var (
	etcd      = flag.String("etcd", "", "URL of etcd")
	namespace = flag.String("ns", "default", "namespace of the pods")
	prefix    = flag.String("prefix", "load", "start of their names, and their label app")
	count     = flag.Int("n", 1000, "how many")
	nodes     = flag.Int("nodes", 5, "they run on node-1 to node-N")
	padding   = flag.Int("padding", 0, "bytes of annotation, to make them as big as real ones")
	updates   = flag.Int("updates", 0, "pods to touch per second afterwards, until killed")
)

// random gives the same pods each time.
var random = rand.New(rand.NewPCG(1, 2))

func main() {
	flag.Parse()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{*etcd}, DialTimeout: 5 * time.Second})
	if err != nil {
		log.Fatalf("fill: etcd at %q: %v", *etcd, err)
	}
	encoder := scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), schema.GroupVersions{core.SchemeGroupVersion})
	pods := make([]*core.Pod, *count)
	for i := range pods {
		pods[i] = pod(i)
	}
	began := time.Now()
	for from := 0; from < len(pods); from += batch {
		put(client, encoder, pods[from:min(from+batch, len(pods))])
	}
	fmt.Printf("%d pods in %s, %.1f s\n", *count, *namespace, time.Since(began).Seconds())
	if *updates == 0 {
		return
	}
	for i, tick := 0, time.NewTicker(time.Second/time.Duration(*updates)); ; i++ {
		<-tick.C
		touched := pods[i%len(pods)]
		touched.Annotations["touched"] = fmt.Sprint(i)
		touched.Status.ContainerStatuses[0].RestartCount++
		put(client, encoder, []*core.Pod{touched})
	}
}

func put(client *clientv3.Client, encoder runtime.Encoder, pods []*core.Pod) {
	var operations []clientv3.Op
	for _, p := range pods {
		var stored bytes.Buffer
		if err := encoder.Encode(p, &stored); err != nil {
			log.Fatalf("fill: pod %s: %v", p.Name, err)
		}
		operations = append(operations, clientv3.OpPut("/registry/pods/"+*namespace+"/"+p.Name, stored.String()))
	}
	if _, err := client.Txn(context.Background()).Then(operations...).Commit(); err != nil {
		log.Fatalf("fill: writing to etcd at %q: %v", *etcd, err)
	}
}

// settings is text that compresses about as well as the specifications that it stands for.
func settings(length int) string {
	var text strings.Builder
	for n := 0; text.Len() < length; n++ {
		fmt.Fprintf(&text, `{"name":"SETTING_%d","value":"%08x"},`, n, random.Uint32())
	}
	return text.String()[:length]
}

func pod(i int) *core.Pod {
	now, yes, no, grace := meta.Now(), true, false, int64(30)
	condition := func(kind core.PodConditionType) core.PodCondition {
		return core.PodCondition{Type: kind, Status: core.ConditionTrue, LastTransitionTime: now}
	}
	return &core.Pod{
		TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: meta.ObjectMeta{
			Name: fmt.Sprintf("%s-%06d", *prefix, i), Namespace: *namespace, UID: types.UID(uuid.NewUUID()), CreationTimestamp: now, Generation: 1,
			Labels:      map[string]string{"app": *prefix, "shard": fmt.Sprint(i % 50)},
			Annotations: map[string]string{"padding": settings(*padding)},
		},
		Spec: core.PodSpec{
			NodeName: fmt.Sprintf("node-%d", i%*nodes+1), SchedulerName: "default-scheduler", RestartPolicy: core.RestartPolicyAlways, DNSPolicy: core.DNSClusterFirst,
			ServiceAccountName: "default", AutomountServiceAccountToken: &no, EnableServiceLinks: &yes, TerminationGracePeriodSeconds: &grace,
			SecurityContext: &core.PodSecurityContext{},
			Containers: []core.Container{{
				Name: "app", Image: "digital-identity/load:1", ImagePullPolicy: core.PullIfNotPresent,
				TerminationMessagePath: core.TerminationMessagePathDefault, TerminationMessagePolicy: core.TerminationMessageReadFile,
			}},
		},
		Status: core.PodStatus{
			Phase: core.PodRunning, QOSClass: core.PodQOSBestEffort, HostIP: "127.0.0.1", PodIP: fmt.Sprintf("10.%d.%d.%d", 64+i/65536, i/256%256, i%256), StartTime: &now,
			Conditions: []core.PodCondition{condition(core.PodScheduled), condition(core.PodInitialized), condition(core.ContainersReady), condition(core.PodReady)},
			ContainerStatuses: []core.ContainerStatus{{
				Name: "app", Image: "digital-identity/load:1", Ready: true, Started: &yes, State: core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}},
			}},
		},
	}
}
