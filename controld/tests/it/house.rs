//! A house for one test: its own folder, its own database, its own port.

use std::net::SocketAddr;

use controld::app::passwords::Passwords;
use controld::app::{App, demo};
use controld::config::Config;
use controld::http;
use controld::http::door::Door;
use controld::http::serving::{self, Limits};
use controld::model::log::Recorded;
use controld::model::{
    AccountId, CallId, CallStatus, Direction, EndedBy, FlowId, Millis, OrgId, RecordingId, Role, Secret, TeamId,
    UserId, clock,
};
use controld::store::Store;
use controld::store::accounts::Account;
use controld::store::calls::{CallRow, Ended, Move};
use controld::store::flow_versions::Publication;
use controld::store::flows::{Draft, Saved};
use controld::store::journal::NewEntry;
use controld::store::orgs::Org;
use controld::store::teams::{Strategy, Team};
use controld::store::users::User;
use controld::store::vault::Vault;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster;

pub struct House {
    pub app: App,
    pub folder: TempDir,
    pub url: String,
    pub client: Client,
}

/// A call to be put into the log.
pub struct Past {
    pub id: String,
    pub org: &'static str,
    pub account: &'static str,
    pub status: CallStatus,
    pub team: Option<&'static str>,
    pub agent: Option<&'static str>,
    pub name: &'static str,
    pub flow: String,
    pub started_at: Millis,
}

impl Past {
    pub fn at(n: i64) -> Self {
        Self {
            id: format!("call_{n:04}"),
            org: "org_demo",
            account: "acc_demo",
            status: CallStatus::Completed,
            team: Some("team_sales"),
            agent: Some("usr_ana"),
            name: "Maria",
            flow: "flow_demo".into(),
            started_at: n * 1000,
        }
    }
}

impl House {
    /// The demo organisation behind a door of its own, and a second organisation beside it.
    pub async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    /// The same with another configuration.
    pub async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::open_within(Limits::default(), change).await
    }

    /// The same with other limits at the door.
    pub async fn open_within(limits: Limits, change: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        change(&mut config);
        let door = Door::open(&config).await.unwrap();
        let scheme = if config.server.tls_cert.is_empty() { "http" } else { "https" };
        let url = format!("{scheme}://{}", door.address());
        config.server.public_url.clone_from(&url);
        std::fs::create_dir_all(&config.media.spool_dir).unwrap();
        let vault = Vault::with_key_in(&config.key_file()).unwrap();
        let store = Store::open(&config.database.url).await.unwrap().with_vault(vault);
        let passwords = Passwords::new();
        assert!(demo::move_in(&store, &passwords, clock::now()).await.unwrap());
        second_organisation(&store, &passwords).await;
        let app = App::wire(config, None, store, passwords).await.unwrap();
        let (router, serving) = (http::house(app.clone()), app.clone());
        tokio::spawn(async move {
            let (_open, closing) = tokio::sync::watch::channel(false);
            serving::serve(door, router, &serving.proxies, limits, closing).await;
        });
        let client = Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { app, folder, url, client }
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request as our own pages send it.
    pub fn as_page(&self, cookie: &str, method: Method, path: &str) -> RequestBuilder {
        self.ask(method, path).header("cookie", cookie).header("x-patchbay", "1").header("origin", &self.url)
    }

    pub async fn get(&self, cookie: &str, path: &str) -> (StatusCode, Value) {
        told(self.as_page(cookie, Method::GET, path).send().await.unwrap()).await
    }

    pub async fn try_login(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.as_page("", Method::POST, "/api/login").json(&body).send().await.unwrap()
    }

    /// Signs in; the cookie to send along.
    pub async fn login(&self, email: &str) -> String {
        let response = self.try_login(email, demo::PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK, "{email}");
        cookie(&response)
    }

    /// Puts a call into the log, with one digit pressed.
    pub async fn put(&self, past: Past) -> CallId {
        let row = row(past);
        let entries = [
            NewEntry::new("digit", "Pressed 1 — Sales", json!({ "digit": "1" })),
            NewEntry::new("ended", "Maria hung up", Value::Null),
        ];
        let at = row.started_at;
        let first = Move { row: &row, place: "{}", entries: &entries, hunt: None, at };
        let live = CallRow { ended: None, ..row.clone() };
        self.app.store.begin_call(&Move { row: &live, ..first }).await.unwrap();
        self.app.store.save_call(&Move { row: &row, place: "{}", entries: &[], hunt: None, at }).await.unwrap();
        row.id
    }

    /// Gives a call a recording in the archive with these bytes.
    pub async fn put_recording(&self, call: &CallId, bytes: &[u8]) -> RecordingId {
        let org = OrgId::from("org_demo");
        let id = RecordingId(format!("rec_{call}"));
        let place = format!("org_demo/1970/01/{id}.ogg");
        let path = std::path::Path::new(&self.app.config.media.recordings_dir).join(&place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self.app.store.begin_recording(&id, &org, call, 1).await.unwrap();
        let len = i64::try_from(bytes.len()).unwrap();
        self.app.store.recording_archived(&id, &place, "0123abcd", 4_000, len, None).await.unwrap();
        id
    }
}

pub async fn told(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn cookie(response: &Response) -> String {
    let line = response.headers()["set-cookie"].to_str().unwrap();
    line.split(';').next().unwrap().to_owned()
}

pub fn ready() -> Value {
    serde_json::to_value(Recorded::Ready).unwrap()
}

fn config(folder: &TempDir) -> Config {
    let below = |name: &str| folder.path().join(name).display().to_string();
    let mut config = Config::default();
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0)).to_string();
    config.database.url = cluster::database(folder.path());
    config.database.key_file = below("house.key");
    config.media.socket = below("mediad.sock");
    config.media.spool_dir = below("spool");
    config.media.recordings_dir = below("recordings");
    config.media.mediad_binary = below("no-such-program");
    config.calling.audio_dir = below("audio");
    config
}

async fn second_organisation(store: &Store, passwords: &Passwords) {
    let org = OrgId::from("org_other");
    let settings = Org {
        id: org.clone(),
        name: "Other".into(),
        calling_enabled: true,
        recording_enabled: true,
        hold_music: None,
        ringback: None,
        transfer_timeout_secs: None,
    };
    store.add_org(&settings, 0).await.unwrap();
    let password_hash: Secret = passwords.hash(demo::PASSWORD).await.unwrap();
    let user = User {
        id: UserId::from("usr_olga"),
        org: org.clone(),
        email: "olga@other.example".into(),
        name: "Olga".into(),
        role: Role::Admin,
        password_hash,
        disabled: false,
    };
    store.add_user(&user, 0).await.unwrap();
    let number = Account {
        id: AccountId::from("acc_other"),
        org: org.clone(),
        name: "Other number".into(),
        phone_number_id: "2".into(),
        display_number: "15550000002".into(),
        token: Secret("t".into()),
        app_secret: Secret("s".into()),
        verify_token: Secret("v".into()),
        start_flow: None,
        calling_enabled: true,
    };
    store.add_account(&number, 0).await.unwrap();
    let flow = FlowId::from("flow_other");
    let draft = Draft { name: "Other flow", body: "{\"name\":\"Other flow\"}", revision: 1 };
    store.add_flow(&org, &flow, draft, None, 0).await.unwrap();
    let publication = Publication { revision: None, note: "", by: None };
    assert_eq!(store.publish_flow(&org, &flow, publication, 0).await.unwrap(), Saved::Done(1));
    let team = Team { id: TeamId::from("team_other"), org, name: "Other team".into(), strategy: Strategy::All };
    store.add_team(&team, &[UserId::from("usr_olga")], 0).await.unwrap();
}

fn row(past: Past) -> CallRow {
    let live = !past.status.is_final();
    let ended = Ended { at: past.started_at + 9_000, by: EndedBy::Caller, reason: "caller_hung_up".into() };
    CallRow {
        org: OrgId::from(past.org),
        account: AccountId::from(past.account),
        wacid: format!("wacid.{}", past.id),
        contact: None,
        caller_name: past.name.into(),
        caller_phone: "34600000001".into(),
        caller_key: "34600000001".into(),
        direction: Direction::Incoming,
        status: past.status,
        flow: Some((FlowId(past.flow), 1)),
        team: past.team.map(TeamId::from),
        agent: past.agent.map(UserId::from),
        started_at: past.started_at,
        answered_at: Some(past.started_at + 500),
        queued_at: Some(past.started_at + 1_000),
        connected_at: Some(past.started_at + 3_000),
        held_since: None,
        ended: (!live).then_some(ended),
        wait_ms: 2_000,
        talk_ms: 6_000,
        hold_ms: 0,
        leg: None,
        recording: past.agent.map(|_| RecordingId(format!("rec_{}", past.id))),
        id: CallId(past.id),
    }
}
