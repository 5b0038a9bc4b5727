# A control plane (etcd, API server, controller manager, scheduler, metrics-server) over nodes and pods that KWOK simulates.
# shellcheck shell=bash
KUBERNETES_VERSION=$(module_version k8s.io/kubernetes)
KUBERNETES=kubernetes-$KUBERNETES_VERSION-$(key "$STACK"/go/go.* "$STACK"/go/kwok/* "$STACK/lib/tools.sh")
KUBECTL=$CACHE/$KUBERNETES/kubectl
NODES=5

build_kubernetes() { build_once "$KUBERNETES" kubernetes_programs; }
kubernetes_programs() { # FOLDER
    local sources=$1/sources package stamp="-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=$KWOK_VERSION"
    mkdir "$sources"
    go_sources "$sources"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        stamp+=" -X $package.gitVersion=$KUBERNETES_VERSION -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")"
        stamp+=" -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
    done
    with_go go -C "$sources" build -trimpath -ldflags "$stamp" -o "$1/" tool
    mv "$1/server" "$1/etcd"
    # What KWOK and the API server must know to work together. The stages of failing pods are ours.
    mkdir "$1/crds" "$1/kwok.d"
    cp "$sources"/kwok/kustomize/crd/bases/*.yaml "$1/crds"
    cp "$sources"/kwok/kustomize/stage/pod/fast/pod-{ready,complete,delete}.yaml "$sources"/kwok/kustomize/stage/node/fast/node-initialize.yaml \
        "$sources"/kwok/kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml \
        "$sources"/kwok/kustomize/metrics/{resource/metrics-resource,usage/usage-from-annotation}.yaml "$1/kwok.d"
    rm -r "$sources"
}
kubectl() { KUBECONFIG=$RUN/kubeconfig KUBECACHEDIR=$RUN/kubectl "$KUBECTL" "$@"; }
apply() { kubectl apply --server-side --force-conflicts "$@" >/dev/null; }

# Who there is. On call, viewer and administrator are named, and known by tokens, as on the simulated platform.
kubernetes_users() {
    certificate front-proxy /CN=front-proxy
    new_key service-account
    openssl pkey -in "$TLS/service-account.key" -pubout -out "$TLS/service-account.pub"
    printf '%s\n' oncall-token,oncall@gov,oncall,system:masters viewer-token,viewer@gov,viewer,viewers \
        admin-token,admin@gov,admin,system:masters \
        controller-manager-token,system:kube-controller-manager,kcm \
        scheduler-token,system:kube-scheduler,scheduler components-token,components,components,system:masters >"$TLS/tokens.csv"
    kubeconfig "$RUN/kubeconfig" "{name: oncall, user: {token: oncall-token}}, {name: viewer, user: {token: viewer-token}}, {name: admin, user: {token: admin-token}}" \
        "prod-uk-1 prod-uk-1 oncall digital-identity" "prod-uk-1-viewer prod-uk-1 viewer digital-identity" \
        "prod-uk-1-admin prod-uk-1 admin digital-identity" "staging-uk-1 staging-uk-1 oncall digital-identity-staging"
    local component
    for component in controller-manager scheduler components; do
        kubeconfig "$TLS/$component" "{name: it, user: {token: $component-token}}" "it prod-uk-1 it default"
    done
}
kubeconfig() { # FILE USERS "CONTEXT CLUSTER USER NAMESPACE"...
    local file=$1 users=$2 name cluster user namespace contexts=() server; shift 2
    server="{server: \"https://127.0.0.1:${PORT[apiserver]}\", certificate-authority-data: $(base64 -w0 "$TLS/ca.crt")}"
    while read -r name cluster user namespace; do
        contexts+=("- {name: $name, context: {cluster: $cluster, user: $user, namespace: $namespace}}")
    done < <(printf '%s\n' "$@")
    printf '%s\n' "apiVersion: v1" "kind: Config" "current-context: ${1%% *}" "users: [$users]" \
        "clusters: [{name: prod-uk-1, cluster: $server}, {name: staging-uk-1, cluster: $server}]" contexts: "${contexts[@]}" >"$file"
}

start_kubernetes() {
    local bin=$CACHE/$KUBERNETES etcd=http://127.0.0.1:${PORT[etcd]} peer=http://127.0.0.1:${PORT[etcd_peer]}
    kubernetes_users
    command_of kubectl "" "$KUBECTL"
    start etcd "$bin/etcd" --data-dir "$RUN/etcd/data" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" --unsafe-no-fsync \
        --quota-backend-bytes 8589934592 --auto-compaction-mode revision --auto-compaction-retention 10000 --log-level warn
    start kube-apiserver "$bin/kube-apiserver" --etcd-servers "$etcd" --bind-address 127.0.0.1 --secure-port "${PORT[apiserver]}" \
        --advertise-address 203.0.113.1 --external-hostname localhost --tls-cert-file "$TLS/server.crt" --tls-private-key-file "$TLS/server.key" \
        --client-ca-file "$TLS/ca.crt" --token-auth-file "$TLS/tokens.csv" --authorization-mode RBAC --service-cluster-ip-range 10.96.0.0/16 \
        --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$TLS/service-account.pub" \
        --service-account-signing-key-file "$TLS/service-account.key" --kubelet-certificate-authority "$TLS/ca.crt" \
        --kubelet-preferred-address-types InternalIP --requestheader-client-ca-file "$TLS/ca.crt" --requestheader-allowed-names front-proxy \
        --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra- \
        --proxy-client-cert-file "$TLS/front-proxy.crt" --proxy-client-key-file "$TLS/front-proxy.key" \
        --max-requests-inflight 2000 --max-mutating-requests-inflight 1000 --profiling=false ${SEV1_STACK_APISERVER:-}
}

ready_kubernetes() {
    local bin=$CACHE/$KUBERNETES i
    wait_http kube-apiserver --cacert "$TLS/ca.crt" "https://127.0.0.1:${PORT[apiserver]}/readyz"
    apply -f "$bin/crds" -f "$STACK/kubernetes/access.yaml"
    kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
    # The grace is an hour: simulated nodes must not be declared dead on a busy machine.
    start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig "$TLS/controller-manager" \
        --authentication-kubeconfig "$TLS/controller-manager" --authorization-kubeconfig "$TLS/controller-manager" \
        --bind-address 127.0.0.1 --secure-port "${PORT[controller_manager]}" --leader-elect=false --use-service-account-credentials \
        --root-ca-file "$TLS/ca.crt" --service-account-private-key-file "$TLS/service-account.key" --kube-api-qps 1000 --kube-api-burst 2000 \
        --horizontal-pod-autoscaler-sync-period 5s --horizontal-pod-autoscaler-initial-readiness-delay 5s \
        --horizontal-pod-autoscaler-cpu-initialization-period 10s --node-monitor-grace-period 1h
    start kube-scheduler "$bin/kube-scheduler" --kubeconfig "$TLS/scheduler" \
        --authentication-kubeconfig "$TLS/scheduler" --authorization-kubeconfig "$TLS/scheduler" \
        --bind-address 127.0.0.1 --secure-port "${PORT[scheduler]}" --leader-elect=false --kube-api-qps 1000 --kube-api-burst 2000
    # Without leases the nodes' pods would be deleted. KWOK looks exec's command up in its own PATH.
    pod_logs
    start kwok env PATH="$RUN/bin:$PATH" "$bin/kwok" --kubeconfig "$TLS/components" --config "$STACK/kubernetes/kwok.yaml" --manage-all-nodes=true \
        --node-ip 127.0.0.1 --node-port "${PORT[kwok]}" --server-address "127.0.0.1:${PORT[kwok]}" --cidr 10.244.0.0/16 \
        --node-lease-duration-seconds 40 --tls-cert-file "$TLS/server.crt" --tls-private-key-file "$TLS/server.key" \
        --enable-crds Stage,ClusterLogs,ClusterExec,ClusterPortForward,ClusterAttach,ClusterResourceUsage,Metric
    start metrics-server "$bin/metrics-server" --kubeconfig "$TLS/components" --authentication-kubeconfig "$TLS/components" \
        --authorization-kubeconfig "$TLS/components" --secure-port "${PORT[metrics_server]}" --bind-address 127.0.0.1 \
        --kubelet-insecure-tls --kubelet-preferred-address-types InternalIP --kubelet-use-node-status-port --metric-resolution 10s --kubelet-request-timeout 5s
    apply -f "$bin/kwok.d" -f "$STACK/kubernetes/pods.yaml"
    sed "s#@RUN@#$RUN#g; s#@METRICS_SERVER@#${PORT[metrics_server]}#; s#@PROMETHEUS@#${PORT[prometheus]}#; s#@ALERTMANAGER@#${PORT[alertmanager]}#
        s#@ELASTICSEARCH@#${PORT[elasticsearch]}#; s#@REDIS@#${PORT[redis]}#; s#@POSTGRES@#${PORT[postgres]}#" \
        "$STACK"/kubernetes/{debugging,metrics-server}.yaml | apply -f -
    # Created, not applied: apply would drop the status, which brings the node's address.
    for ((i = 1; i <= NODES; i++)); do sed "s/@N@/$i/g" "$STACK/kubernetes/node.yaml"; done | kubectl create -f - >/dev/null
    wait_http kube-controller-manager -k "https://127.0.0.1:${PORT[controller_manager]}/healthz"
    wait_http kube-scheduler -k "https://127.0.0.1:${PORT[scheduler]}/healthz"
    wait_http metrics-server -k "https://127.0.0.1:${PORT[metrics_server]}/livez"
    wait_http kwok -k "https://127.0.0.1:${PORT[kwok]}/healthz"
    kubectl wait --for=condition=Ready node --all --timeout=60s >/dev/null
    kubectl -n default wait --for=create serviceaccount/default --timeout=60s >/dev/null
}

# Every pod has the same two log files, in the kubelet's own form. What a test appends to the first is followed.
pod_logs() {
    local now i; now=$(date +%s)
    mkdir -p "$RUN/kwok"
    for ((i = 50; i > 0; i--)); do
        if ((i % 10 == 3)); then printf '%(%FT%T)T.000000000Z stderr F level=error msg="upstream timed out" line=%d\n' $((now - i)) "$i"
        else printf '%(%FT%T)T.000000000Z stdout F level=info msg="token issued" line=%d\n' $((now - i)) "$i"; fi
    done >"$RUN/kwok/pod.log"
    printf '%(%FT%T)T.000000000Z stderr F panic: out of memory\n' $((now - 60)) >"$RUN/kwok/pod-previous.log"
}
env_kubernetes() {
    say "KUBECONFIG=$RUN/kubeconfig"
    say "KUBECTL=$KUBECTL"
    say "ETCD_URL=http://127.0.0.1:${PORT[etcd]}"
    say "FILL=$CACHE/$TOOLS/fill"
    say "POD_LOG=$RUN/kwok/pod.log"
}
