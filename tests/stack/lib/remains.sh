# Taking a stack down, and the proof that nothing of it remains.
# shellcheck shell=bash

take_down() {
    local left end=$((SECONDS + 30))
    [ ! -e "$RUN/ports" ] || use_block "$(<"$RUN/ports")"
    # A killed process may keep its ports for a moment on a busy machine.
    while left=$(kill_members; what_runs) && [ -n "$left" ] && [ $SECONDS -lt $end ]; do sleep 0.05; done
    release_shared_memory
    release_address
    release_ports
    rm -rf "$RUN"
    [ ! -e "$RUN" ] || left+=" folder $RUN"
    [ -z "$left" ] || die "still there: $left"
}

# The data is thrown away, so nobody is asked to save it.
kill_members() {
    local pids
    pids=$(members)
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
}
what_runs() {
    members | sed 's/^/process /'
    [ ! -e "$RUN/ports" ] || listening | sed 's/^/port of /'
}

# PostgreSQL's lock file names the segment of shared memory that a killed server leaves.
release_shared_memory() {
    local segment
    segment=$(sed -n '7s/.* //p' "$RUN/postgres/data/postmaster.pid" 2>/dev/null) || return 0
    [ -z "$segment" ] || ipcrm -m "$segment"
}
