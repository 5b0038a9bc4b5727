# What the commands share: where things lie, which parts there are, and the words for saying and refusing.
# shellcheck shell=bash
set -euo pipefail
shopt -s inherit_errexit
export TZ=UTC LC_ALL=C.UTF-8

STACK=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPOSITORY=$(cd "$STACK/../.." && pwd)
# Downloads and what was built of them, in folders named by version. The only thing that stays.
CACHE=${SEV1_STACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sev1-stack}
# All state of one running stack: configuration, data, logs, pid files, env.
RUN=$(readlink -m "${SEV1_STACK_RUN:-${TMPDIR:-/tmp}/sev1-stack-$(id -u)}")

# A part is a file in parts/ with four functions: build_PART fetches and builds, start_PART starts what waits for nothing,
# ready_PART waits for it and does the rest, env_PART prints what goes into the file env. In this order.
PARTS=(kubernetes redis postgres prometheus platform elasticsearch)

say() { printf '%s\n' "$*"; }
die() { printf 'tests/stack: %s\n' "$*" >&2; exit 1; }
seconds_since() { local ms=$(($(date +%s%3N) - $1)); printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100)); }

# need: one sentence that names all that is missing.
need() {
    local command missing=()
    for command in go java javac jar mvn openssl apt-get dpkg-deb curl flock setsid; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} = 0 ] || die "not found: ${missing[*]}. The real servers need Go 1.26, a JDK 17 with Maven, openssl, curl, and a Debian with apt, from whose packages Redis and PostgreSQL are unpacked into the cache."
}

# key FILE...: changes when one of them does.
key() { cat "$@" | sha256sum | cut -c1-10; }

. "$STACK/lib/ports.sh"
. "$STACK/lib/address.sh"
. "$STACK/lib/process.sh"
. "$STACK/lib/remains.sh"
. "$STACK/lib/certificates.sh"
. "$STACK/lib/fetch.sh"
. "$STACK/lib/tools.sh"
for part in "${PARTS[@]}"; do . "$STACK/parts/$part.sh"; done
