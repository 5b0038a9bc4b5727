# One throw-away authority for everything, and what it signs. ECDSA P-256.
# shellcheck shell=bash
TLS=$RUN/tls

make_authority() {
    mkdir -p "$TLS"
    new_key ca
    openssl req -x509 -new -key "$TLS/ca.key" -subj /CN=sev1-stack -days 30 -out "$TLS/ca.crt" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature 2>/dev/null
    certificate server /CN=localhost DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1
}
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$TLS/$1.key" 2>/dev/null; }
certificate() { # NAME SUBJECT [ALTERNATIVE-NAMES]
    new_key "$1"
    openssl req -new -key "$TLS/$1.key" -subj "$2" 2>/dev/null |
        openssl x509 -req -CA "$TLS/ca.crt" -CAkey "$TLS/ca.key" -CAcreateserial -days 30 -out "$TLS/$1.crt" 2>/dev/null -extfile <(
            printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=serverAuth,clientAuth
            [ -z "${3:-}" ] || echo "subjectAltName=$3")
}
