# Taking a stack down, and the proof that nothing of it remains.
# shellcheck shell=bash
#
# What is new after a run and could be of it: processes that it started or whose program was built here, ports and addresses of
# no stack that is up, shared memory that nobody holds, files by the names that are ours, folders of programs in the home folder.
# Temporary files of others only count: on a machine of one's own there are none.
TARGET=${CARGO_TARGET_DIR:-$REPOSITORY/target}

# traces: a line for each, sorted.
traces() {
    {
        { members; find /proc/[0-9]*/exe -maxdepth 0 -lname "$TARGET/*" 2>/dev/null || true; } | tr -dc '0-9\n' | sort -u |
            while read -r pid; do printf 'process %s %s\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null || true)"; done
        free_of_claims port "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { sub(".*:", "", $2); print $2 }' | sort -u)"
        free_of_claims address "$(ip -o address show dev lo 2>/dev/null | sed -n 's#.* 198\.51\.100\.\([0-9]*\)/.*#\1#p')"
        awk 'NR > 1 && $7 == 0 { print "shared memory", $2 }' /proc/sysvipc/shm
        find "$CLAIMS" "$HOME/.kube" "$HOME/.m2" "$HOME"/.{config,local/state,cache}/{sev1,go} -mindepth 0 -maxdepth 1 -printf 'file %p\n' 2>/dev/null || true
    } | sort
}
# free_of_claims KIND NUMBERS: those in our ranges whose block of ports no stack has claimed.
free_of_claims() {
    local number block
    for number in $2; do
        if [ "$1" = port ]; then number=$((16#$number)) block=$((number - FIRST_PORT)) block=$((block < 0 ? -1 : block / BLOCK)); else block=$((number - 1)); fi
        [ $block -lt 0 ] || [ $block -ge $BLOCKS ] || [ -e "$CLAIMS/sev1-stack-ports-$block" ] || echo "$1 $number"
    done
}

# remains BEFORE: what is there and was not; fails if it is ours.
remains() {
    local line ours=0 others=0 up
    up=$(find "$CLAIMS" -maxdepth 1 -name 'sev1-stack-ports-*' -xtype d -printf 'file %p\nfile %l\n' 2>/dev/null)
    while read -r line; do
        case $line in
            '') continue ;;
            "file $CLAIMS"/sev1-stack-* | "file $CLAIMS"/hsperfdata_* | "file $CLAIMS"/.s.PGSQL.* | "file $HOME"/* | [!f]*)
                if grep -qxF -- "$line" <<<"$up"; then continue; fi
                say "left behind: $line" >&2
                ours=$((ours + 1)) ;;
            *) others=$((others + 1)) ;;
        esac
    done < <(comm -13 <(printf '%s\n' "$1") <(traces))
    [ $ours = 0 ] || { say "$ours left behind"; return 1; }
    say "no process, port or file left behind$([ $others = 0 ] || echo " ($others files of others appeared in $CLAIMS meanwhile)")"
}

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
