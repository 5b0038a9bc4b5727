//! Clients: kubeconfig, TLS, proxies, auth; a reader client and a never-retrying writer client.
