# The module in go/: our own small programs, and by its go.mod the versions of Kubernetes, etcd, KWOK and metrics-server.
# shellcheck shell=bash
#
# A version is raised there: `go get` in a copy that has KWOK's sources in kwok/, with every k8s.io replacement moved along.
module_version() { sed -n "s#^\t$1 \(v[^ ]*\)\$#\1#p" "$STACK/go/go.mod"; }
KWOK_VERSION=$(module_version sigs.k8s.io/kwok)
TOOLS=tools-$(key "$STACK"/go/go.* "$STACK"/go/*/*.go)

build_tools() { build_once "$TOOLS" tool_programs; }
tool_programs() { # FOLDER
    mkdir "$1/sources"
    go_sources "$1/sources"
    with_go go -C "$1/sources" build -trimpath -ldflags "-s -w" -o "$1/" ./exporter ./fill ./logs
    rm -r "$1/sources"
}

# go_sources FOLDER: our module, with KWOK beside it. Its exec neither closes a command's standard input nor says how it ended.
go_sources() {
    local kwok
    kwok=$(go_module "sigs.k8s.io/kwok@$KWOK_VERSION")
    cp -r "$STACK"/go/{go.mod,go.sum,exporter,fill,logs} "$1"
    cp -r "$kwok" "$1/kwok"
    chmod -R u+w "$1/kwok"
    cp "$STACK/go/kwok/exit_status.go" "$1/kwok/pkg/kwok/server/"
    sed -i 's/^\treturn \(s\.execInContainer.*\)$/\treturn exitStatus(\1)/; s/^\t\treturn \(s\.execInContainerWithTTY.*\)$/\t\treturn exitStatus(\1)/' \
        "$1/kwok/pkg/kwok/server/debugging_exec.go"
    sed -i 's/^\( *\t*\)\(_, _ = io\.Copy(inPipe, opt\.In)\)$/\1\2\n\1_ = inPipe.Close()/' "$1/kwok/pkg/utils/exec/exec.go"
    [ "$(grep -c 'exitStatus(s' "$1/kwok/pkg/kwok/server/debugging_exec.go")" = 2 ] && grep -q 'inPipe.Close()' "$1/kwok/pkg/utils/exec/exec.go" ||
        die "KWOK $KWOK_VERSION reads otherwise than parts/kubernetes.sh expects"
}
