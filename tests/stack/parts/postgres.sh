# PostgreSQL, from Debian.
# shellcheck shell=bash
POSTGRES=$DEBIAN/postgres

build_postgres() { mkdir -p "$CACHE/$DEBIAN"; build_once "$POSTGRES" postgres_packages; }
postgres_packages() {
    debian_lists
    # The names with the version in them: those that only point to it may be installed already.
    # shellcheck disable=SC2046
    debian "$1" libpq5 $(apt-cache depends postgresql postgresql-client | sed -n 's/.*Depends: \(postgresql-.*[0-9]\)$/\1/p')
}

# PostgreSQL refuses to run as root: then it is nobody, from a copy that nobody can read.
start_postgres() {
    local home=$CACHE/$POSTGRES as=() bin data=$RUN/postgres/data
    mkdir -p "$RUN/postgres"
    if [ "$(id -u)" = 0 ]; then
        cp -r "$home" "$RUN/postgres/home"
        home=$RUN/postgres/home as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        chown 65534:65534 "$RUN/postgres"
    fi
    command_of psql "$CACHE/$POSTGRES" env PGHOST=127.0.0.1 "PGPORT=${PORT[postgres]}" PGUSER=postgres "$(echo "$CACHE/$POSTGRES"/usr/lib/postgresql/*/bin/psql)"
    bin=$(echo "$home"/usr/lib/postgresql/*/bin)
    as+=(env LD_LIBRARY_PATH="$(libraries_of "$home")")
    (cd "$RUN/postgres" && "${as[@]}" "$bin/initdb" -D "$data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$RUN/log/initdb.log" 2>&1) ||
        { cat "$RUN/log/initdb.log" >&2; die "initdb failed"; }
    start postgres "${as[@]}" "$bin/postgres" -D "$data" -p "${PORT[postgres]}" -k '' -c listen_addresses=127.0.0.1 -c max_connections=50 \
        -c fsync=off -c jit=off -c shared_memory_type=mmap -c dynamic_shared_memory_type=mmap
}
ready_postgres() { wait_for postgres 30 "$RUN/bin/psql" -c 'SELECT 1'; }
env_postgres() { say PGHOST=127.0.0.1; say "PGPORT=${PORT[postgres]}"; say PGUSER=postgres; }
