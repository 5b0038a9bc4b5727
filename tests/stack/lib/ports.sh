# A block of loopback ports for each stack.
# shellcheck shell=bash
#
# The blocks lie below the range from which the kernel takes ports for others, so that a server that was killed finds its
# port free when it starts again. A symbolic link to the run folder is the claim on a block: made in one step, and void
# when that folder is gone.
PORT_NAMES=(etcd etcd_peer apiserver controller_manager scheduler kwok metrics_server exporter prometheus alertmanager
    elasticsearch elasticsearch_transport elasticsearch_secure elasticsearch_secure_transport redis postgres)
FIRST_PORT=21000 BLOCK=20 BLOCKS=200
declare -A PORT
# Where all stacks of a machine see each other's claims; tests/stack/run gives its work a temporary folder of its own.
CLAIMS=${SEV1_STACK_CLAIMS:-$(readlink -f "${TMPDIR:-/tmp}")}

use_block() { # N
    local i
    for i in "${!PORT_NAMES[@]}"; do PORT[${PORT_NAMES[i]}]=$((FIRST_PORT + $1 * BLOCK + i)); done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
listening() { # the ports of the block that somebody listens on
    local name
    for name in "${PORT_NAMES[@]}"; do ! listens "${PORT[$name]}" || printf '%s %s\n' "$name" "${PORT[$name]}"; done
}

claim_ports() {
    local first=$((RANDOM % BLOCKS)) i n claim
    for ((i = 0; i < BLOCKS; i++)); do
        n=$(((first + i) % BLOCKS)) claim=$CLAIMS/sev1-stack-ports-$n
        [ ! -L "$claim" ] || [ -e "$claim" ] || rm -f "$claim"
        ln -sn "$RUN" "$claim" 2>/dev/null || continue
        use_block "$n"
        if [ -z "$(listening)" ]; then echo "$n" >"$RUN/ports"; return; fi
        rm "$claim"
    done
    die "no block of free ports between $FIRST_PORT and $((FIRST_PORT + BLOCKS * BLOCK))"
}
release_ports() { [ ! -e "$RUN/ports" ] || rm -f "$CLAIMS/sev1-stack-ports-$(cat "$RUN/ports")"; }

[ ! -e "$RUN/ports" ] || use_block "$(cat "$RUN/ports")"
