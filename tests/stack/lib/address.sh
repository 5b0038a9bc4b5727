# One address of this machine that is not loopback, for the API server's service proxy, which refuses loopback addresses.
# shellcheck shell=bash
#
# RFC 5737 reserves 198.51.100.0/24 for documentation, so it is nobody's. Each block of ports has its own address there; it is
# added to the interface lo, which takes root.
POD_IP=$(cat "$RUN/address" 2>/dev/null || true)

claim_address() {
    POD_IP=198.51.100.$(($(<"$RUN/ports") + 1))
    if command -v ip >/dev/null && ip address add "$POD_IP/32" dev lo 2>/dev/null; then
        echo "$POD_IP" >"$RUN/address"
    else
        POD_IP=
        say "no address can be added to lo (that takes root, and the command ip): the service proxy reaches no server here, its tests use URLs"
    fi
}
release_address() { [ ! -e "$RUN/address" ] || ip address del "$(<"$RUN/address")/32" dev lo; }

# listen_on FORMAT: a line for each address that a server shall listen on, FORMAT with the address in place of %s.
listen_on() {
    local address
    # shellcheck disable=SC2059
    for address in 127.0.0.1 $POD_IP; do printf -- "$1\n" "$address"; done
}
