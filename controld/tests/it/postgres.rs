//! The suites over HTTP and of the desk once more, on a real PostgreSQL.

use crate::cluster;

#[test]
fn the_api_and_the_desk_hold_on_postgresql_as_on_sqlite() {
    if cluster::is_named() {
        return;
    }
    cluster::run_again(&[
        "access::",
        "audio::",
        "call_log::",
        "desk::",
        "flows::",
        "login::",
        "recordings::",
        "settings::",
    ]);
}
