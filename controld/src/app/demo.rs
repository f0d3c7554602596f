//! The demo organisation: people, teams, a number, a flow and its sounds, put into an empty house.

use std::path::Path;

use rust_embed::RustEmbed;

use super::passwords::{HashFailed, Passwords};
use crate::ivr::demo::MAIN_MENU;
use crate::ivr::parse::{BadFlow, parse, to_text};
use crate::model::{AccountId, FlowId, Millis, OrgId, Role, Secret, TeamId, UserId};
use crate::store::accounts::Account;
use crate::store::flow_versions::Publication;
use crate::store::flows::Draft;
use crate::store::orgs::Org;
use crate::store::teams::{Strategy, Team};
use crate::store::users::User;
use crate::store::{Store, StoreError};

/// Moves the demo organisation in, if nobody lives here. Says whether it did.
pub async fn move_in(store: &Store, passwords: &Passwords, now: Millis) -> Result<bool, SeedError> {
    if !store.is_empty().await? {
        return Ok(false);
    }
    let org = OrgId::from(ORG);
    // WHY: the tenant's row is what says "not empty", so it is written first and the rest in one go after it;
    // a demo that was cut short is thrown away by deleting the file.
    store
        .add_org(
            &Org {
                id: org.clone(),
                name: "Demo Company".into(),
                calling_enabled: true,
                recording_enabled: true,
                hold_music: None,
                ringback: None,
                transfer_timeout_secs: None,
            },
            now,
        )
        .await?;
    people(store, passwords, &org, now).await?;
    teams(store, &org, now).await?;
    let flow = FlowId::from(FLOW);
    let admin = UserId::from("usr_admin");
    let draft = Draft { name: "Main menu", body: &to_text(&parse(MAIN_MENU)?), revision: 1 };
    store.add_flow(&org, &flow, draft, Some(&admin), now).await?;
    let publication = Publication { revision: None, note: "The first version", by: Some(&admin) };
    store.publish_flow(&org, &flow, publication, now).await?;
    number(store, &org, flow, now).await?;
    Ok(true)
}

/// Copies the sounds this program carries into `audio_dir` where they are missing: the house's own at its top, the
/// demo's prompts below `demo/`. Says how many it wrote.
pub fn put_sounds(audio_dir: &Path) -> std::io::Result<usize> {
    let mut written = 0;
    for name in Sounds::iter().filter(|name| name.ends_with(".ogg")) {
        let to = audio_dir.join(&*name);
        let Some(sound) = Sounds::get(&name).filter(|_| !to.exists()) else { continue };
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(to, &sound.data)?;
        written += 1;
    }
    Ok(written)
}

/// Why the demo did not move in.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The store refused.
    #[error("the demo could not be written: {0}")]
    Store(#[from] StoreError),
    /// The demo's flow is none.
    #[error("the demo could not be written: {0}")]
    Flow(#[from] BadFlow),
    /// The password could not be hashed.
    #[error("the demo could not be written: {0}")]
    Hash(#[from] HashFailed),
}

/// The password of every demo person.
pub const PASSWORD: &str = "patchbay-demo";

async fn people(store: &Store, passwords: &Passwords, org: &OrgId, now: Millis) -> Result<(), SeedError> {
    let all = [
        ("usr_ana", "ana@demo.example", "Ana", Role::Agent),
        ("usr_ben", "ben@demo.example", "Ben", Role::Agent),
        ("usr_sam", "sam@demo.example", "Sam", Role::Supervisor),
        ("usr_admin", "admin@demo.example", "Admin", Role::Admin),
    ];
    for (id, email, name, role) in all {
        let password_hash = passwords.hash(PASSWORD).await?;
        let user = User {
            id: UserId::from(id),
            org: org.clone(),
            email: email.into(),
            name: name.into(),
            role,
            password_hash,
            disabled: false,
        };
        store.add_user(&user, now).await?;
    }
    Ok(())
}

async fn teams(store: &Store, org: &OrgId, now: Millis) -> Result<(), SeedError> {
    for (id, name, members) in
        [("team_sales", "Sales", ["usr_ana", "usr_ben"]), ("team_support", "Support", ["usr_ben", "usr_ana"])]
    {
        let team = Team { id: TeamId::from(id), org: org.clone(), name: name.into(), strategy: Strategy::All };
        store.add_team(&team, &members.map(UserId::from), now).await?;
    }
    Ok(())
}

async fn number(store: &Store, org: &OrgId, flow: FlowId, now: Millis) -> Result<(), SeedError> {
    let account = Account {
        id: AccountId::from("acc_demo"),
        org: org.clone(),
        name: "Demo number".into(),
        phone_number_id: "106540352242922".into(),
        display_number: "15559990000".into(),
        token: Secret("demo-token".into()),
        app_secret: Secret("demo-app-secret".into()),
        verify_token: Secret("demo-verify".into()),
        start_flow: Some(flow),
        calling_enabled: true,
    };
    Ok(store.add_account(&account, now).await?)
}

/// The sounds this program carries.
#[derive(RustEmbed)]
#[folder = "../audio/assets"]
#[allow_missing = true]
struct Sounds;

const ORG: &str = "org_demo";
const FLOW: &str = "flow_demo";
