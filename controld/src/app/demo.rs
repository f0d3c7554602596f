//! The demo organisation: people, teams, a number, a flow and its sounds, put into an empty house.

use std::path::Path;

use rust_embed::RustEmbed;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::passwords::HashFailed;
use crate::model::{AccountId, FlowId, Millis, OrgId, Role, Secret, TeamId, UserId};
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::orgs::Org;
use crate::store::teams::{Strategy, Team};
use crate::store::users::User;

/// Moves the demo organisation in, if nobody lives here. Says whether it did.
pub async fn move_in(app: &App, now: Millis) -> Result<bool, SeedError> {
    if !app.store.is_empty().await? {
        return Ok(false);
    }
    let org = OrgId::from(ORG);
    // WHY: the tenant's row is what says "not empty", so it is written first and the rest in one go after it;
    // a demo that was cut short is thrown away by deleting the file.
    app.store
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
    people(app, &org, now).await?;
    teams(app, &org, now).await?;
    let flow = FlowId::from(FLOW);
    app.store.add_flow(&org, &flow, "Main menu", &demo_flow().to_string(), now).await?;
    app.store.publish_flow(&org, &flow, Some(&UserId::from("usr_admin")), now).await?;
    number(app, &org, flow, now).await?;
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
    /// The password could not be hashed.
    #[error("the demo could not be written: {0}")]
    Hash(#[from] HashFailed),
}

/// The password of every demo person.
pub const PASSWORD: &str = "patchbay-demo";

async fn people(app: &App, org: &OrgId, now: Millis) -> Result<(), SeedError> {
    let all = [
        ("usr_ana", "ana@demo.example", "Ana", Role::Agent),
        ("usr_ben", "ben@demo.example", "Ben", Role::Agent),
        ("usr_sam", "sam@demo.example", "Sam", Role::Supervisor),
        ("usr_admin", "admin@demo.example", "Admin", Role::Admin),
    ];
    for (id, email, name, role) in all {
        let password_hash = app.passwords.hash(PASSWORD).await?;
        let user = User {
            id: UserId::from(id),
            org: org.clone(),
            email: email.into(),
            name: name.into(),
            role,
            password_hash,
            disabled: false,
        };
        app.store.add_user(&user, now).await?;
    }
    Ok(())
}

async fn teams(app: &App, org: &OrgId, now: Millis) -> Result<(), SeedError> {
    for (id, name, members) in
        [("team_sales", "Sales", ["usr_ana", "usr_ben"]), ("team_support", "Support", ["usr_ben", "usr_ana"])]
    {
        let team = Team { id: TeamId::from(id), org: org.clone(), name: name.into(), strategy: Strategy::All };
        app.store.add_team(&team, &members.map(UserId::from), now).await?;
    }
    Ok(())
}

async fn number(app: &App, org: &OrgId, flow: FlowId, now: Millis) -> Result<(), SeedError> {
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
    Ok(app.store.add_account(&account, now).await?)
}

/// "Main menu" as the editor would save it.
fn demo_flow() -> Value {
    let prompt = |clip: &str, text: &str| json!({ "clip": format!("demo/{clip}.ogg"), "text": text });
    json!({
        "name": "Main menu",
        "entry": "welcome",
        "nodes": [
            { "id": "welcome", "kind": "greeting", "name": "Welcome", "at": { "x": 0, "y": 0 },
              "prompt": prompt("welcome", WELCOME), "interruptible": true },
            { "id": "menu", "kind": "menu", "name": "Main menu", "at": { "x": 0, "y": 180 },
              "prompt": prompt("menu", MENU), "timeout_secs": 10, "max_retries": 3,
              "options": [
                { "digit": "1", "label": "Sales" },
                { "digit": "2", "label": "Support" },
                { "digit": "3", "label": "Opening hours" },
                { "digit": "9", "label": "End the call" },
              ] },
            { "id": "sales", "kind": "transfer", "name": "Sales", "at": { "x": -420, "y": 440 }, "team": "team_sales" },
            { "id": "support", "kind": "transfer", "name": "Support", "at": { "x": -140, "y": 440 },
              "team": "team_support" },
            { "id": "hours", "kind": "greeting", "name": "Opening hours", "at": { "x": 140, "y": 440 },
              "prompt": prompt("hours", ""), "interruptible": true },
            { "id": "goodbye", "kind": "hangup", "name": "Goodbye", "at": { "x": 420, "y": 440 },
              "prompt": prompt("goodbye", "") },
        ],
        "exits": [
            { "from": "welcome", "on": "default", "to": "menu" },
            { "from": "menu", "on": "digit:1", "to": "sales" },
            { "from": "menu", "on": "digit:2", "to": "support" },
            { "from": "menu", "on": "digit:3", "to": "hours" },
            { "from": "menu", "on": "digit:9", "to": "goodbye" },
            { "from": "menu", "on": "max_retries", "to": "goodbye" },
            { "from": "hours", "on": "default", "to": "menu" },
        ],
    })
}

/// The sounds this program carries.
#[derive(RustEmbed)]
#[folder = "../audio/assets"]
#[allow_missing = true]
struct Sounds;

const ORG: &str = "org_demo";
const FLOW: &str = "flow_demo";
const WELCOME: &str = "Thank you for calling.";
const MENU: &str =
    "For sales, press 1. For support, press 2. For our opening hours, press 3. To end this call, press 9.";
