# Taking a stack down, and the proof that nothing of it remains.
# shellcheck shell=bash

take_down() {
    local left=
    [ ! -e "$RUN/ports" ] || use_block "$(<"$RUN/ports")"
    stop_all || true
    left+=$(members | sed 's/^/process /')
    [ ! -e "$RUN/ports" ] || left+=$(listening | sed 's/^/ port of /')
    release_shared_memory
    release_address
    release_ports
    rm -rf "$RUN"
    [ ! -e "$RUN" ] || left+=" folder $RUN"
    [ -z "$left" ] || die "still there: $left"
}

# PostgreSQL's lock file names the segment of shared memory that a killed server leaves.
release_shared_memory() {
    local segment
    segment=$(sed -n '7s/.* //p' "$RUN/postgres/data/postmaster.pid" 2>/dev/null) || return 0
    [ -z "$segment" ] || ipcrm -m "$segment"
}
