//! A credential plugin that takes its time is named on the screen, and nobody else is blamed.

use std::fs;

use super::harness::Session;

#[test]
fn the_cockpit_says_which_plugin_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let text = "current-context: c
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['60'], interactiveMode: IfAvailable}}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
";
    fs::write(&config, text).unwrap();
    let mut session = Session::start(80, 24, &["--kubeconfig", &config.display().to_string()]);
    session.see("waiting for the credential plugin sleep, ");
    assert!(!session.screen().contains("no answer"), "{}", session.screen());
    session.see("ends it and runs it again");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
