# Taking a stack down, and the proof that nothing of it remains.
# shellcheck shell=bash

take_down() {
    local left=
    [ ! -e "$RUN/ports" ] || use_block "$(<"$RUN/ports")"
    stop_all || true
    left+=$(members | sed 's/^/process /')
    [ ! -e "$RUN/ports" ] || left+=$(listening | sed 's/^/ port of /')
    release_address
    release_ports
    rm -rf "$RUN"
    [ ! -e "$RUN" ] || left+=" folder $RUN"
    [ -z "$left" ] || die "still there: $left"
}
