# Two Elasticsearch nodes from the same jars of Maven Central: a plain one, and one with TLS, users and API keys.
# shellcheck shell=bash
ELASTICSEARCH_VERSION=$(sed -n 's:.*<version.elasticsearch>\(.*\)</version.elasticsearch>.*:\1:p' "$STACK/elasticsearch/pom.xml")
# shellcheck disable=SC2046
ELASTICSEARCH=elasticsearch-$ELASTICSEARCH_VERSION-$(key $(find "$STACK/elasticsearch" -name pom.xml -o -name '*.java' | sort))
# The passwords that elasticsearch/users holds the hashes of.
ELASTICSEARCH_ADMIN=admin:changeme ELASTICSEARCH_USER=cockpit ELASTICSEARCH_PASSWORD=cockpit-pw
LOG_HISTORY_HOURS=48

build_elasticsearch() { build_once "$ELASTICSEARCH" elasticsearch_home; }

# elasticsearch_home HOME: lib/ is the server, each folder of modules/ a plugin with the jars that nobody below it has.
elasticsearch_home() {
    local home=$1 classes=$1/classes security=$1/modules/x-pack-security
    mkdir -p "$home/plugins" "$classes"
    maven_jars "$STACK/elasticsearch/pom.xml" org.elasticsearch elasticsearch "$home/lib"
    elasticsearch_module "$home" transport-netty4 org.elasticsearch.transport.netty4.Netty4Plugin
    elasticsearch_module "$home" x-pack-core org.elasticsearch.xpack.core.XPackPlugin
    elasticsearch_module "$home" x-pack-security org.elasticsearch.xpack.sev1.WithoutSaml x-pack-core
    mkdir "$home/modules/root-and-analysis"
    elasticsearch_descriptor "$home/modules/root-and-analysis" sev1.RootAndAnalysis ""
    # shellcheck disable=SC2046
    javac -J-XX:-UsePerfData -nowarn -d "$classes" -cp "$home/lib/*:$home/modules/x-pack-core/*:$security/*" $(find "$STACK/elasticsearch/java" -name '*.java') 2>&1 | grep -v '^Note:' || true
    jar -J-XX:-UsePerfData cf "$home/lib/start-node.jar" -C "$classes" StartNode.class
    jar -J-XX:-UsePerfData cf "$home/modules/root-and-analysis/root-and-analysis.jar" -C "$classes" sev1
    jar -J-XX:-UsePerfData cf "$security/without-saml.jar" -C "$classes" org
    rm -r "$classes"
    # Two services ask for the very class that WithoutSaml extends. Neither is needed.
    mkdir "$home/opened"
    (cd "$home/opened" && jar -J-XX:-UsePerfData xf "$security/x-pack-security-$ELASTICSEARCH_VERSION.jar" &&
        rm META-INF/services/org.elasticsearch.{index.SlowLogFieldProvider,reservedstate.ReservedClusterStateHandlerProvider} &&
        jar -J-XX:-UsePerfData cfM "$security/x-pack-security-$ELASTICSEARCH_VERSION.jar" .)
    rm -r "$home/opened"
}
elasticsearch_module() { # HOME NAME CLASS [EXTENDED]
    local folder=$1/modules/$2 jar below
    maven_jars "$STACK/elasticsearch/pom.xml" org.elasticsearch.plugin "$2" "$folder"
    for below in "$1/lib" ${4:+"$1/modules/$4"}; do
        for jar in "$below"/*.jar; do rm -f "$folder/$(sed 's/-[0-9][^-]*\.jar$//' <<<"${jar##*/}")"-[0-9]*.jar; done
    done
    # The server's own, though its pom does not name it.
    if [ -e "$folder/elasticsearch-ssl-config-$ELASTICSEARCH_VERSION.jar" ]; then mv "$folder"/elasticsearch-ssl-config-*.jar "$1/lib/"; fi
    elasticsearch_descriptor "$folder" "$3" "${4:-}"
}
elasticsearch_descriptor() { # FOLDER CLASS EXTENDED
    printf '%s\n' "name=${1##*/}" "description=${1##*/}" "version=$ELASTICSEARCH_VERSION" "elasticsearch.version=$ELASTICSEARCH_VERSION" \
        java.version=17 "classname=$2" "extended.plugins=$3" has.native.controller=false >"$1/plugin-descriptor.properties"
}

elasticsearch_node() { # NAME PORT TRANSPORT-PORT SETTING...
    local name=$1 port=$2 transport=$3 home=$CACHE/$ELASTICSEARCH folder=$RUN/$1; shift 3
    mkdir -p "$folder"/{config,tmp}
    # With so small a heap the breaker that looks at real memory would trip on ordinary garbage.
    start "$name" java -Xms512m -Xmx512m -XX:+UseSerialGC -XX:-UsePerfData -XX:TieredStopAtLevel=1 "-Djava.io.tmpdir=$folder/tmp" -Dlog4j2.disable.jmx=true \
        -Dio.netty.noUnsafe=true -Djava.locale.providers=SPI,COMPAT --add-opens=java.base/java.io=ALL-UNNAMED "-Des.path.home=$home" -cp "$home/lib/*" \
        StartNode "$home" "$folder/config" cluster.name=sev1-stack node.name=node-1 discovery.type=single-node "path.data=$folder/data" "path.logs=$folder/logs" \
        "http.port=$port" "transport.port=$transport" transport.host=127.0.0.1 http.publish_host=127.0.0.1 \
        cluster.routing.allocation.disk.threshold_enabled=false indices.breaker.total.use_real_memory=false "$@"
}
start_elasticsearch() {
    elasticsearch_node elasticsearch "${PORT[elasticsearch]}" "${PORT[elasticsearch_transport]}" "http.host=$(listen_on %s | paste -sd,)" xpack.security.enabled=false
    local config=$RUN/elasticsearch-secure/config
    mkdir -p "$config"
    cp "$TLS"/{ca.crt,server.crt,server.key} "$STACK"/elasticsearch/{users,users_roles,roles.yml} "$config"
    elasticsearch_node elasticsearch-secure "${PORT[elasticsearch_secure]}" "${PORT[elasticsearch_secure_transport]}" http.host=127.0.0.1 \
        xpack.security.enabled=true xpack.security.http.ssl.enabled=true xpack.security.http.ssl.key=server.key \
        xpack.security.http.ssl.certificate=server.crt xpack.security.authc.api_key.enabled=true
}
ready_elasticsearch() {
    local secure=https://localhost:${PORT[elasticsearch_secure]} as=(--cacert "$TLS/ca.crt" -u "$ELASTICSEARCH_ADMIN") answer
    wait_http elasticsearch "http://127.0.0.1:${PORT[elasticsearch]}/_cluster/health?wait_for_status=yellow"
    "$CACHE/$TOOLS/logs" -url "http://127.0.0.1:${PORT[elasticsearch]}" history $LOG_HISTORY_HOURS
    wait_http elasticsearch-secure "${as[@]}" "$secure/_cluster/health?wait_for_status=yellow"
    ELASTICSEARCH_PASSWORD=${ELASTICSEARCH_ADMIN#*:} "$CACHE/$TOOLS/logs" -url "$secure" -ca "$TLS/ca.crt" -user "${ELASTICSEARCH_ADMIN%:*}" history $LOG_HISTORY_HOURS
    answer=$(curl -fsS --max-time 30 "${as[@]}" -H 'Content-Type: application/json' "$secure/_security/api_key" -d '{"name": "cockpit",
        "role_descriptors": {"logs_reader": {"cluster": ["monitor"], "indices": [{"names": ["logstash-*"], "privileges": ["read", "view_index_metadata"]}]}}}') ||
        die "Elasticsearch gave no API key: $answer"
    sed 's/.*"encoded":"\([^"]*\)".*/\1/' <<<"$answer" >"$RUN/elasticsearch-secure/api-key"
}
env_elasticsearch() {
    say "ELASTICSEARCH_URL=http://127.0.0.1:${PORT[elasticsearch]}"
    say "ELASTICSEARCH_SECURE_URL=https://localhost:${PORT[elasticsearch_secure]}"
    say "ELASTICSEARCH_CA=$TLS/ca.crt"
    say "ELASTICSEARCH_USER=$ELASTICSEARCH_USER"
    say "ELASTICSEARCH_PASSWORD=$ELASTICSEARCH_PASSWORD"
    say "ELASTICSEARCH_ADMIN=$ELASTICSEARCH_ADMIN"
    say "ELASTICSEARCH_API_KEY=$(<"$RUN/elasticsearch-secure/api-key")"
    say "LOG_WRITER=$CACHE/$TOOLS/logs"
}
