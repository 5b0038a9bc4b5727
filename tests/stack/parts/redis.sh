# Redis with the real list sync-events, from Debian. The exporter tells Prometheus how long the list is.
# shellcheck shell=bash
REDIS=$DEBIAN/redis
REDIS_CLI=$RUN/bin/redis-cli

build_redis() { mkdir -p "$CACHE/$DEBIAN"; build_once "$REDIS" redis_packages; }
redis_packages() { debian "$1" redis-server redis-tools libjemalloc2 liblzf1; }

start_redis() {
    command_of redis-cli "$CACHE/$REDIS" "$CACHE/$REDIS/usr/bin/redis-cli" -p "${PORT[redis]}"
    start redis env LD_LIBRARY_PATH="$(libraries_of "$CACHE/$REDIS")" "$CACHE/$REDIS/usr/bin/redis-server" --port "${PORT[redis]}" --bind 127.0.0.1 \
        --save '' --appendonly no
}
ready_redis() {
    wait_for redis 30 "$REDIS_CLI" ping
    "$REDIS_CLI" rpush sync-events $(seq 12) >/dev/null
}
env_redis() {
    say "REDIS_URL=redis://127.0.0.1:${PORT[redis]}"
    say "REDIS_CLI=$REDIS_CLI"
}
