//! The story of the sync backlog: hung consumers are restarted, the queue drains.

use super::harness::Session;

#[test]
fn restarting_the_hung_consumers_drains_the_queue() {
    let mut session = Session::start(120, 40, &["demo", "--scenario", "sync-backlog", "--speed", "10"]);
    session.see("SyncEventBacklog").see("restart 2 unhealthy sync-service").see_gone("cannot write yet");
    session.press("r").see("Restart unhealthy").see("✓ server dry-run").see_gone("still running");
    session.press("y").see("helped");
    session.recorded("intent");
    session.press("q");
    assert_eq!(session.ended(), 0);
}
