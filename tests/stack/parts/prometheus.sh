# Prometheus with the operations guide's rules and a week of history, Alertmanager, and the exporter that tests drive.
# shellcheck shell=bash
PROMETHEUS_VERSION=3.13.5 PROMETHEUS_MODULE=v0.313.5
ALERTMANAGER_VERSION=0.34.2
PROMETHEUS=prometheus-$PROMETHEUS_VERSION
ALERTMANAGER=alertmanager-$ALERTMANAGER_VERSION-amtool
HISTORY_DAYS=7
# Every alert's `for:`, so that no test waits for minutes. `as-written` keeps the guide's.
ALERT_FOR=${SEV1_STACK_ALERT_FOR:-3s}

build_prometheus() {
    build_once "$PROMETHEUS" prometheus_programs
    build_once "$ALERTMANAGER" alertmanager_programs
}
# Without the service discoveries it takes a third less time, and tests have static targets.
prometheus_programs() { # FOLDER
    local sources
    sources=$(go_module "github.com/prometheus/prometheus@$PROMETHEUS_MODULE")
    with_go go -C "$sources" build -trimpath -tags netgo,remove_all_sd \
        -ldflags "-s -w -X github.com/prometheus/common/version.Version=$PROMETHEUS_VERSION" -o "$1/" ./cmd/prometheus ./cmd/promtool
}
# It embeds a user interface that its module lacks: a file of any content will do.
alertmanager_programs() { # FOLDER
    cp -r "$(go_module "github.com/prometheus/alertmanager@v$ALERTMANAGER_VERSION")" "$1/sources"
    chmod -R u+w "$1/sources"
    mkdir -p "$1/sources/ui/app/dist"
    echo 'no user interface' >"$1/sources/ui/app/dist/index.html"
    with_go go -C "$1/sources" build -trimpath -tags netgo -ldflags "-s -w -X github.com/prometheus/common/version.Version=$ALERTMANAGER_VERSION" \
        -o "$1/" ./cmd/alertmanager ./cmd/amtool
    rm -r "$1/sources"
}

start_prometheus() {
    local config=$RUN/prometheus rule='s/^( *for:).*/\1 '$ALERT_FOR/
    mkdir -p "$config"
    sed "s#@EXPORTER@#127.0.0.1:${PORT[exporter]}#; s#@ALERTMANAGER@#127.0.0.1:${PORT[alertmanager]}#" "$STACK/prometheus/prometheus.yml" >"$config/prometheus.yml"
    # The rules are the simulated platform's own file, so both worlds evaluate the same.
    [ "$ALERT_FOR" != as-written ] || rule=
    sed -E "$rule" "$REPOSITORY/src/sim/prometheus/rules.yml" >"$config/rules.yml"
    command_of amtool "" "$CACHE/$ALERTMANAGER/amtool"
    start exporter "$CACHE/$TOOLS/exporter" serve "127.0.0.1:${PORT[exporter]}" "127.0.0.1:${PORT[redis]}"
    local listen
    mapfile -t listen < <(listen_on "--web.listen-address=%s:${PORT[alertmanager]}")
    start alertmanager "$CACHE/$ALERTMANAGER/alertmanager" --config.file "$STACK/prometheus/alertmanager.yml" --storage.path "$RUN/alertmanager" \
        --cluster.listen-address= "${listen[@]}"
}
ready_prometheus() {
    # Blocks must be there before the first start, or they overlap with what it writes. As few as possible: promtool reads all for each.
    local config=$RUN/prometheus listen
    (cd "$config" && "$CACHE/$TOOLS/exporter" history $HISTORY_DAYS >history &&
        "$CACHE/$PROMETHEUS/promtool" tsdb create-blocks-from --quiet --max-block-duration=162h openmetrics history data >"$RUN/log/history.log" 2>&1 && rm history) ||
        { cat "$RUN/log/history.log" >&2; die "promtool could not write the history"; }
    mapfile -t listen < <(listen_on "--web.listen-address=%s:${PORT[prometheus]}")
    start prometheus "$CACHE/$PROMETHEUS/prometheus" --config.file "$config/prometheus.yml" --storage.tsdb.path "$config/data" \
        --storage.tsdb.retention.time 30d --web.enable-lifecycle --web.enable-admin-api "${listen[@]}"
    wait_http exporter "http://127.0.0.1:${PORT[exporter]}/state"
    wait_http alertmanager "http://127.0.0.1:${PORT[alertmanager]}/-/ready"
    wait_http prometheus "http://127.0.0.1:${PORT[prometheus]}/-/ready"
}
env_prometheus() {
    say "PROMETHEUS_URL=http://127.0.0.1:${PORT[prometheus]}"
    say "ALERTMANAGER_URL=http://127.0.0.1:${PORT[alertmanager]}"
    say "EXPORTER_URL=http://127.0.0.1:${PORT[exporter]}"
    say "PROMETHEUS_BIN=$CACHE/$PROMETHEUS/prometheus"
    say "PROMTOOL=$CACHE/$PROMETHEUS/promtool"
}
