# The operations guide's namespaces and services as real objects, the monitoring servers as services in the cluster, and custom resources.
# shellcheck shell=bash

# The definitions of what Argo CD, Flux and KEDA keep in a cluster, as the projects' own modules have them. Their controllers do not
# run: nothing is deployed or scaled by them, and what a test says that they did, it did itself.
ARGO_CD=github.com/argoproj/argo-cd/v3@v3.4.13
KUSTOMIZE_CONTROLLER=github.com/fluxcd/kustomize-controller@v1.7.3
KEDA=github.com/kedacore/keda/v2@v2.21.0
# Of this one only the module of its types can be fetched: the definition is made of them, by the generator that the project uses.
HELM_CONTROLLER=github.com/fluxcd/helm-controller/api@v1.4.5
CONTROLLER_GEN=sigs.k8s.io/controller-tools/cmd/controller-gen@v0.19.0
DEFINITIONS=definitions-$(key <(echo "$ARGO_CD $KUSTOMIZE_CONTROLLER $KEDA $HELM_CONTROLLER $CONTROLLER_GEN"))

build_platform() { build_once "$DEFINITIONS" definitions; }
definitions() { # FOLDER
    cp "$(go_module "$ARGO_CD")/manifests/crds/application-crd.yaml" \
        "$(go_module "$KUSTOMIZE_CONTROLLER")/config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml" \
        "$(go_module "$KEDA")/config/crd/bases/keda.sh_scaledobjects.yaml" "$1"
    with_go go -C "$(go_module "$HELM_CONTROLLER")" run "$CONTROLLER_GEN" crd "paths=./..." "output:crd:dir=$1"
    chmod u+w "$1"/*
}
start_platform() { :; }

ready_platform() {
    local folder=$STACK/platform namespace name app replicas image port cpu memory used_cpu used_memory config server
    apply -f "$folder/namespaces.yaml" -f "$folder/dns.yaml" -f "$folder/workers.yaml" -f "$CACHE/$DEFINITIONS"
    {
        while read -r namespace name app replicas image port cpu memory used_cpu used_memory; do
            # Of the services only production's api-gateway reads config maps: one as files, one as environment.
            config="/@CONFIG@/d; /@FLAGS@/d"
            [ "$namespace/$name" != digital-identity/api-gateway ] || config="s/@CONFIG@/api-config/g; s/@FLAGS@/feature-flags/"
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
    kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
    kubectl wait --for=condition=Available deployment --all --timeout=90s >/dev/null
    kubectl -n kube-system rollout status deployment/coredns --timeout=90s >/dev/null
    [ -z "$POD_IP" ] || kubectl -n monitoring wait --for=condition=Ready pod --all --timeout=90s >/dev/null
}
env_platform() { say "SERVICE_PROXY=${POD_IP:+k8s://monitoring}"; }
