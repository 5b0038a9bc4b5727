# How a server is started, waited for, and found again.
# shellcheck shell=bash
#
# Every server works in a folder of its own below the run folder, and carries SEV1_STACK_MEMBER in its environment. Either
# tells that a process belongs to this stack; a pid file alone would not, since pids are used again.

# start NAME COMMAND...: in the background, in a session of its own.
start() {
    local name=$1; shift
    mkdir -p "$RUN/$name" "$RUN"/{log,pid,command}
    printf '%q ' "$@" >"$RUN/command/$name"
    launch "$name"
}
# launch NAME: what start was given,.
launch() {
    (
        cd "$RUN/$1"
        eval "exec env SEV1_STACK_MEMBER=$RUN setsid $(<"$RUN/command/$1")" >>"$RUN/log/$1.log" 2>&1 </dev/null &
        echo $! >"$RUN/pid/$1"
    )
}
alive() { [[ $(readlink "/proc/$(<"$RUN/pid/$1")/cwd") == "$RUN"/* ]] 2>/dev/null; }

died() {
    printf 'the end of the log of %s:\n' "$1" >&2
    tail -n 25 "$RUN/log/$1.log" >&2
    die "$1 did not start"
}
# all_alive: a server may also end after it said that it is ready.
all_alive() { local pid; for pid in "$RUN"/pid/*; do alive "${pid##*/}" || died "${pid##*/}"; done; }

# wait_for NAME SECONDS COMMAND...: until COMMAND succeeds; the end of NAME's log where that does not happen.
wait_for() {
    local name=$1 end=$((SECONDS + $2)); shift 2
    until "$@" >/dev/null 2>&1; do
        alive "$name" && [ $SECONDS -lt $end ] || died "$name"
        sleep 0.1
    done
}
wait_http() { local name=$1; shift; wait_for "$name" 300 curl -fsS --max-time 5 "$@"; }

# members: the pids of what belongs to this stack, without this shell.
members() {
    { find /proc/[0-9]*/cwd -maxdepth 0 -lname "$RUN/*" || true; grep -lzFx "SEV1_STACK_MEMBER=$RUN" /proc/[0-9]*/environ || true; } 2>/dev/null |
        cut -d/ -f3 | sort -un | grep -vxF -e $$ -e $BASHPID || true
}

# command_of NAME LIBRARIES COMMAND...: a script in the stack's bin folder, on PATH of the tests and of exec in a pod.
command_of() {
    local name=$1 libraries=$2; shift 2
    mkdir -p "$RUN/bin"
    [ -z "$libraries" ] || set -- env "LD_LIBRARY_PATH=$(libraries_of "$libraries")" "$@"
    printf '#!/bin/sh\nexec %s "$@"\n' "$(printf '%q ' "$@")" >"$RUN/bin/$name"
    chmod +x "$RUN/bin/$name"
}
