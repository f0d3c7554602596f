use std::os::unix::fs::PermissionsExt;

use audio::two_lane::{Slot, TwoLane};

use super::*;
use crate::model::{AccountId, CallId, CallStatus, Direction, EndedBy, OrgId};
use crate::store::accounts::Account;
use crate::store::calls::{CallRow, Ended, Move};
use crate::store::orgs::Org;

struct Attic {
    archive: Archive,
    _folder: tempfile::TempDir,
}

const NOW: Millis = 1_790_000_000_000;

impl Attic {
    /// A call that is over since 1 s, its recording in the given state of the row.
    async fn open(spooled: bool) -> (Self, RecordingId) {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name).display().to_string();
        let mut config = Config::default();
        config.media.spool_dir = below("spool");
        config.media.recordings_dir = below("shelf");
        fs::create_dir_all(&config.media.spool_dir).unwrap();
        let store = Store::open(&crate::store::cluster::database(folder.path())).await.unwrap();
        let id = rows(&store).await;
        if spooled {
            assert!(store.recording_spooled(&id, 1_000, 1, None).await.unwrap());
        }
        (Self { archive: Archive::at(&config, store, Arc::default()), _folder: folder }, id)
    }

    fn spool(&self, id: &RecordingId, bytes: &[u8]) {
        fs::write(self.archive.spool_file(id), bytes).unwrap();
    }

    async fn row(&self, id: &RecordingId) -> RecordingRow {
        self.archive.store.recording_of_anyone(id).await.unwrap().unwrap()
    }

    async fn holds(&self, id: &RecordingId, bytes: &[u8]) {
        let row = self.row(id).await;
        assert_eq!(row.state, RecordingState::Archived);
        let place = row.place.unwrap();
        assert_eq!(place, format!("org_a/2026/09/{id}.ogg"));
        let there = fs::read(self.archive.shelf.join(place)).unwrap();
        assert!(there == bytes, "the archive holds other bytes");
        assert_eq!(row.sha256.unwrap(), hex::encode(Sha256::digest(bytes)));
        assert_eq!(row.bytes, i64::try_from(bytes.len()).ok());
        assert!(!self.archive.spool_file(id).exists(), "the spool is not clear");
    }

    async fn ended_at(&self, id: &RecordingId) -> (RecordingRow, Option<Millis>) {
        (self.row(id).await, Some(NOW - 1_000))
    }
}

async fn rows(store: &Store) -> RecordingId {
    let org = OrgId::from("org_a");
    let settings = Org {
        id: org.clone(),
        name: "A".into(),
        calling_enabled: true,
        recording_enabled: true,
        hold_music: None,
        ringback: None,
        transfer_timeout_secs: None,
    };
    store.add_org(&settings, 0).await.unwrap();
    let account = Account {
        id: AccountId::from("acc_a"),
        org: org.clone(),
        name: "A".into(),
        phone_number_id: "1".into(),
        display_number: "1".into(),
        token: Default::default(),
        app_secret: Default::default(),
        verify_token: Default::default(),
        start_flow: None,
        calling_enabled: true,
    };
    store.add_account(&account, 0).await.unwrap();
    let row = CallRow {
        id: CallId::from("call_a"),
        org: org.clone(),
        account: account.id,
        wacid: "wacid.a".into(),
        contact: None,
        caller_name: String::new(),
        caller_phone: String::new(),
        caller_key: "a".into(),
        direction: Direction::Incoming,
        status: CallStatus::Completed,
        flow: None,
        team: None,
        agent: None,
        started_at: NOW,
        answered_at: None,
        queued_at: None,
        connected_at: None,
        held_since: None,
        ended: Some(Ended { at: NOW - 1_000, by: EndedBy::Caller, reason: "caller_hung_up".into() }),
        wait_ms: 0,
        talk_ms: 0,
        hold_ms: 0,
        leg: None,
        recording: None,
    };
    store.begin_call(&Move { row: &row, place: "{}", entries: &[], hunt: None, at: NOW }).await.unwrap();
    let id = RecordingId::from("rec_a");
    store.begin_recording(&id, &org, &row.id, NOW).await.unwrap();
    id
}

/// A second of a recording of ours, whole.
fn second() -> Vec<u8> {
    let (mut lanes, mut file) = TwoLane::new(7, &[]);
    for _ in 0..50 {
        file.extend(lanes.push(Slot::Silent, Slot::Silent).unwrap_or_default());
    }
    file.extend(lanes.finish());
    file
}

#[tokio::test]
async fn a_finished_recording_is_moved_byte_for_byte_and_entered() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    attic.archive.pass(NOW).await;
    attic.holds(&id, &second()).await;
    // Less the 6.5 ms a decoder swallows at first (RFC 7845 §4.2).
    assert_eq!(attic.row(&id).await.duration_ms, Some(993));
}

#[tokio::test]
async fn the_archive_is_for_nobody_else_on_this_machine() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    attic.archive.pass(NOW).await;
    let file = attic.archive.shelf.join(attic.row(&id).await.place.unwrap());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    for folder in file.ancestors().skip(1).take(4) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[tokio::test]
async fn a_kill_after_the_copy_loses_nothing() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    let row = attic.row(&id).await;
    assert!(matches!(attic.archive.copy(&row, 0).await.unwrap(), Look::Copied(_)));
    assert!(attic.archive.spool_file(&id).exists(), "the spool is the proof until the row is entered");
    attic.archive.pass(NOW).await;
    attic.holds(&id, &second()).await;
}

#[tokio::test]
async fn a_kill_within_the_copy_leaves_no_half_file_in_its_place() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    let to = attic.archive.shelf.join(place(&attic.row(&id).await));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to.with_extension("part"), b"half").unwrap();
    attic.archive.pass(NOW).await;
    attic.holds(&id, &second()).await;
    assert!(!to.with_extension("part").exists());
}

#[tokio::test]
async fn a_kill_after_the_entry_leaves_a_spool_file_that_the_next_start_clears() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    let row = attic.row(&id).await;
    let Look::Copied(copied) = attic.archive.copy(&row, 0).await.unwrap() else { panic!("no copy") };
    attic.archive.enter(&id, &copied).await.unwrap();
    assert!(attic.archive.spool_file(&id).exists());
    attic.archive.pass(NOW).await;
    attic.holds(&id, &second()).await;
}

#[tokio::test]
async fn a_file_whose_end_was_never_told_is_found_once_its_call_is_over() {
    let (mut attic, id) = Attic::open(false).await;
    attic.spool(&id, &second());
    attic.archive.pass(NOW).await;
    attic.holds(&id, &second()).await;
}

#[tokio::test]
async fn a_file_that_mediad_may_still_finish_is_left_alone_and_mended_when_it_never_does() {
    let (attic, id) = Attic::open(false).await;
    let (whole, cut) = (second(), second().len() - 10);
    attic.spool(&id, &whole[..cut]);
    let (row, ended_at) = attic.ended_at(&id).await;
    assert_eq!(attic.archive.take(&row, ended_at, NOW).await.unwrap(), Became::Waiting);
    assert_eq!(fs::read(attic.archive.spool_file(&id)).unwrap(), &whole[..cut]);
    assert_eq!(attic.archive.take(&row, ended_at, NOW + MEND_MS).await.unwrap(), Became::Archived);
    let row = attic.row(&id).await;
    assert!(row.reason.unwrap().contains("cut off"));
    let mended = fs::read(attic.archive.shelf.join(row.place.unwrap())).unwrap();
    assert!(salvage(&mended).complete);
}

#[tokio::test]
async fn a_file_that_is_gone_is_said_to_be_gone_but_not_before_its_time() {
    let (attic, id) = Attic::open(false).await;
    let (row, ended_at) = attic.ended_at(&id).await;
    assert_eq!(attic.archive.take(&row, ended_at, NOW).await.unwrap(), Became::Waiting);
    assert_eq!(attic.archive.take(&row, ended_at, NOW + MEND_MS).await.unwrap(), Became::Failed);
    let row = attic.row(&id).await;
    assert_eq!((row.state, row.reason.as_deref()), (RecordingState::Failed, Some("its file is gone")));
}

#[tokio::test]
async fn a_file_that_mediad_has_not_finished_is_waited_for_however_long_it_takes() {
    let (mut attic, id) = Attic::open(false).await;
    let part = attic.archive.spool_file(&id).with_extension("ogg.part");
    fs::write(&part, second()).unwrap();
    let (row, ended_at) = attic.ended_at(&id).await;
    assert_eq!(attic.archive.take(&row, ended_at, NOW + 10 * MEND_MS).await.unwrap(), Became::Waiting);
    fs::rename(&part, attic.archive.spool_file(&id)).unwrap();
    attic.archive.pass(NOW + 10 * MEND_MS).await;
    attic.holds(&id, &second()).await;
}

#[tokio::test]
async fn a_disk_that_refuses_is_asked_again_later_and_the_spool_is_kept() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    // Where the archive's folder should be, there is a file.
    fs::write(&attic.archive.shelf, b"in the way").unwrap();
    attic.archive.pass(NOW).await;
    assert_eq!(attic.row(&id).await.state, RecordingState::Spooled);
    assert_eq!(attic.archive.counts.archive_retries.get(), 1);
    fs::remove_file(&attic.archive.shelf).unwrap();
    attic.archive.pass(NOW + 10).await;
    assert_eq!(attic.row(&id).await.state, RecordingState::Spooled, "it rests");
    attic.archive.pass(NOW + 2_000).await;
    attic.holds(&id, &second()).await;
}

#[tokio::test]
async fn a_stray_file_in_the_spool_is_left_where_it_is() {
    let (mut attic, id) = Attic::open(true).await;
    attic.spool(&id, &second());
    let stray = attic.archive.spool.join("rec_unknown.ogg");
    fs::write(&stray, second()).unwrap();
    attic.archive.pass(NOW).await;
    assert!(stray.exists());
}
