# The three places where software comes from: Go modules, Maven Central, Debian's packages. Each by its own client.
# shellcheck shell=bash

# with_go COMMAND...: with caches of our own, so that nothing of the user's is touched.
with_go() {
    env GOENV="$(go env GOENV)" XDG_CONFIG_HOME="$CACHE/go/config" GOMODCACHE="$CACHE/go/mod" GOCACHE="$CACHE/go/build" GOPATH="$CACHE/go" \
        GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0 "$@"
}
# go_module MODULE@VERSION: the folder of its sources.
go_module() { (cd / && with_go go mod download -json "$1") | sed -n 's/^\t"Dir": "\(.*\)".*/\1/p'; }

# build_once FOLDER FUNCTION...: FUNCTION fills a fresh folder, which takes its name when it is complete. A folder of that name is
# taken as it is: when FUNCTION changes, so must the name, or the folder be removed.
build_once() {
    local folder=$CACHE/$1 began; shift
    [ ! -e "$folder" ] || return 0
    began=$(date +%s%3N)
    say "building ${folder##*/} ..."
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    "$@" "$folder.part"
    mv "$folder.part" "$folder"
    say "built ${folder##*/} in $(seconds_since "$began") s"
}

# maven_jars POM GROUP ARTIFACT FOLDER: the artifact and everything it depends on.
maven_jars() {
    MAVEN_OPTS="${MAVEN_OPTS:-} -XX:-UsePerfData" mvn -q -B -Dmaven.repo.local="$CACHE/m2" -Dgroup="$2" -Dartifact="$3" -f "$1" dependency:copy-dependencies -DoutputDirectory="$4" \
        >"$CACHE/maven.log" 2>&1 || { tail -n 20 "$CACHE/maven.log" >&2; die "Maven could not fetch $3"; }
}

# debian FOLDER PACKAGE...: the packages, and the libraries they need that this machine lacks, unpacked and not installed.
DEBIAN=debian-$(. /etc/os-release && echo "${VERSION_ID:-unknown}")
debian() {
    local folder=$1 libraries; shift
    debian_lists
    libraries=$(apt-get install -s --no-install-recommends "$@" | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' | grep -v libllvm || true)
    # shellcheck disable=SC2086
    (cd "$folder" && apt-get -o APT::Sandbox::User=root download -qq "$@" $libraries) || die "apt-get download $* failed"
    local package
    for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; rm "$package"; done
}
debian_lists() { [ -n "$(apt-cache search --names-only '^redis-server$')" ] || apt-get update -qq || die "apt-get update failed: Debian's packages cannot be fetched"; }
libraries_of() { local found=("$1"/usr/lib/*-linux-gnu); echo "${found[0]}"; }
