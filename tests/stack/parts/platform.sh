# The operations guide's namespaces and services as real objects, and the monitoring servers as services in the cluster.
# shellcheck shell=bash

build_platform() { :; }
start_platform() { :; }

ready_platform() {
    local folder=$STACK/platform namespace name app replicas image port cpu memory used_cpu used_memory config server
    apply -f "$folder/namespaces.yaml" -f "$folder/dns.yaml" -f "$folder/workers.yaml"
    {
        while read -r namespace name app replicas image port cpu memory used_cpu used_memory; do
            # Of the services only production's api-gateway reads a config map.
            config=/@CONFIG@/d
            [ "$namespace/$name" != digital-identity/api-gateway ] || config=s/@CONFIG@/api-config/
            sed "$config; s#@NAMESPACE@#$namespace#; s#@NAME@#$name#g; s#@APP@#$app#g; s#@REPLICAS@#$replicas#; s#@IMAGE@#$image#g; s#@PORT@#$port#
                s#@CPU@#$cpu#; s#@MEMORY@#$memory#g; s#@USED_CPU@#$used_cpu#; s#@USED_MEMORY@#$used_memory#" "$folder/deployment.yaml"
        done < <(grep -v '^#' "$folder/services")
        # Without an address there is nothing that the service proxy could reach.
        if [ -n "$POD_IP" ]; then
            for server in prometheus:9090 alertmanager:9093 elasticsearch:9200; do
                sed "s#@NAME@#${server%:*}#g; s#@PORT@#${server#*:}#; s#@TARGET@#${PORT[${server%:*}]}#; s#@IP@#$POD_IP#" "$folder/monitoring.yaml"
            done
        fi
    } | apply -f -
    kubectl rollout status deployment/api-gateway --timeout=90s >/dev/null
    # The second, bad revision: what a rollback takes back.
    kubectl patch deployment api-gateway -p '{"metadata": {"annotations": {"kubernetes.io/change-cause": "digital-identity/api-gateway:2.4.0"}},
        "spec": {"template": {"spec": {"containers": [{"name": "api-gateway", "image": "digital-identity/api-gateway:2.4.0",
        "env": [{"name": "LOG_LEVEL", "value": "debug"}]}]}}}}' >/dev/null
    apply -f "$folder/limits.yaml"
    kubectl rollout status deployment/api-gateway --timeout=90s >/dev/null
    kubectl wait --for=condition=Available deployment --all --timeout=90s >/dev/null
    kubectl -n kube-system rollout status deployment/coredns --timeout=90s >/dev/null
    [ -z "$POD_IP" ] || kubectl -n monitoring wait --for=condition=Ready pod --all --timeout=90s >/dev/null
}
env_platform() { say "SERVICE_PROXY=${POD_IP:+k8s://monitoring}"; }
