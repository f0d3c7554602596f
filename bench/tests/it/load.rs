//! The load callers against the real mediad: few calls, every packet.

use std::path::{Path, PathBuf};

use bench::run::{Programs, Row, measure};
use bench::scenario::Scenario;

/// The mediad of this workspace, built by `make build` and by `cargo test --workspace`.
fn mediad() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.ancestors().nth(2).unwrap().join("mediad");
    assert!(path.exists(), "{} is not built: run `make build` first", path.display());
    path
}

fn rows(scenario: &str) -> Vec<Row> {
    let mut scenario = Scenario::of(scenario).unwrap();
    scenario.against_bare = true;
    let audio_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/assets");
    let programs = Programs { mediad: mediad(), bench: env!("CARGO_BIN_EXE_bench").into(), audio_dir };
    for _ in 0..TRIES {
        let rows = measure(&scenario, &programs).unwrap().rows;
        // WHY: a machine that stood still for so long made mediad fill the silence, as it should; it proves nothing.
        if rows.iter().all(|row| row.caller_lateness_ms.max < STOOD_STILL_MS) {
            return rows;
        }
    }
    panic!("this machine stands still for {STOOD_STILL_MS} ms each time");
}

#[test]
fn every_packet_of_four_bridged_calls_arrives_once_in_order_and_as_it_was_said() {
    let rows = rows(include_str!("../../scenarios/smoke.toml"));
    assert_eq!(rows.iter().map(|row| row.what.as_str()).collect::<Vec<_>>(), ["mediad", "bare loop"]);
    for row in &rows {
        assert!(row.said > 700, "{row:?}");
        assert_eq!((row.came, row.lost, row.deaf), (row.said, 0, 0), "{row:?}");
        assert_eq!(row.again_late_strays_moved_foreign, [0; 5], "{row:?}");
        let [verified, unverified] = row.verified_unverified;
        assert!(verified >= 7 && unverified == 0, "{row:?}");
    }
    let row = rows.first().unwrap();
    assert_eq!(row.legs_up_failed, [8, 0], "{row:?}");
    assert_eq!(row.recordings.map(|[files, _]| files), Some(4), "{row:?}");
    assert_eq!(row.surprises, 0, "{row:?}");
    assert_eq!(row.srtp_profile.as_deref(), Some("aead_aes_128_gcm"));
}

const TRIES: usize = 5;
const STOOD_STILL_MS: f64 = 200.0;
