//! One desk with both its ends, its callers and its agents' tabs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use controld::app::{demo, passwords::Passwords};
use controld::desk::{Desk, DeskParts, Rules, Sounds, TabLink};
use controld::model::softphone::{Ask, FromTab, Softphone, ToTab};
use controld::model::{AccountId, CallId, Presence, UserId, clock};
use controld::outside::mediad::Whereabouts;
use controld::store::Store;
use controld::store::calls::CallRow;
use protocol::LegId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::graph::ScriptedGraph;
use super::mediad::ScriptedMediad;

/// What happened at both ends, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self, line: &str) -> usize {
        self.all().iter().filter(|l| *l == line).count()
    }

    /// These lines are there in this order, whatever stands between them.
    pub fn assert_order(&self, wanted: &[&str]) {
        let all = self.all();
        let mut rest = all.iter();
        for line in wanted {
            assert!(rest.any(|l| l == line), "{line:?} is missing or out of order in {all:#?}");
        }
    }
}

pub struct World {
    pub folder: TempDir,
    pub store: Store,
    pub mediad: ScriptedMediad,
    pub graph: ScriptedGraph,
    pub log: Log,
    pub rules: Rules,
    /// The desk and the runtime it lives in: what dies when controld is killed.
    life: Option<(tokio::runtime::Runtime, Desk)>,
}

impl World {
    pub async fn open() -> Self {
        Self::with(short_rules()).await
    }

    pub async fn with(rules: Rules) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let store = Store::open(&url(&folder)).await.unwrap();
        demo::move_in(&store, &Passwords::new(), clock::now()).await.unwrap();
        let mediad = ScriptedMediad::open(&folder.path().join("mediad.sock"), log.clone());
        let graph = ScriptedGraph::open(log.clone()).await;
        let mut world = Self { folder, store, mediad, graph, log, rules, life: None };
        world.start().await;
        world
    }

    /// Starts a desk on the same database, in a runtime of its own.
    pub async fn start(&mut self) {
        assert!(self.life.is_none());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let url = url(&self.folder);
        let (socket, graph_url, rules) =
            (self.folder.path().join("mediad.sock"), self.graph.url.clone(), self.rules.clone());
        let starting = runtime.spawn(async move {
            Desk::start(DeskParts {
                store: Store::open(&url).await.unwrap(),
                mediad: Whereabouts { socket, binary: None, config: None },
                graph_url,
                sounds: Sounds::with_music("hold-music.ogg").unwrap(),
                rules,
                archive_bell: Arc::default(),
            })
            .await
            .unwrap()
        });
        let desk = starting.await.unwrap();
        self.life = Some((runtime, desk));
        until("mediad", || self.desk().has_media().then_some(())).await;
    }

    /// What `kill -9` does: every task of the desk stops where it stands.
    pub fn kill(&mut self) {
        let (runtime, desk) = self.life.take().unwrap();
        runtime.shutdown_background();
        std::mem::forget(desk);
    }

    pub fn desk(&self) -> &Desk {
        &self.life.as_ref().unwrap().1
    }

    /// Puts a webhook into the inbox as the door does, and rings.
    pub async fn webhook(&self, body: &Value) {
        let text = body.to_string();
        let id = hex::encode(Sha256::digest(text.as_bytes()));
        self.store.keep_webhook(&id, &AccountId::from("acc_demo"), &text, clock::now()).await.unwrap();
        if let Some((_, desk)) = &self.life {
            desk.inbox_has_work();
        }
    }

    pub async fn calls(&self, wacid: &str) -> LegId {
        self.webhook(&connect(wacid, clock::now())).await;
        self.mediad.caller_leg().await
    }

    /// A caller who has walked through the menu into the queue of Sales.
    pub async fn waits(&self, wacid: &str) -> LegId {
        let leg = self.calls(wacid).await;
        self.mediad.heard(&leg, "demo/welcome.ogg").await;
        self.mediad.play_ended(&leg, "demo/welcome.ogg");
        self.mediad.heard(&leg, "demo/menu.ogg").await;
        self.mediad.digit(&leg, '1');
        self.mediad.heard(&leg, "hold-music.ogg").await;
        leg
    }

    pub async fn row(&self, wacid: &str) -> CallRow {
        self.row_when(wacid, "it has a row", |_| true).await
    }

    pub async fn ended(&self, wacid: &str) -> CallRow {
        self.row_when(wacid, "it is over", |row| row.ended.is_some()).await
    }

    pub async fn row_when(&self, wacid: &str, what: &str, is_so: impl Fn(&CallRow) -> bool) -> CallRow {
        let start = Instant::now();
        loop {
            let row = self.store.call_by_wacid(wacid).await.unwrap();
            match row {
                Some(row) if is_so(&row) => return row,
                row => assert!(start.elapsed() < PATIENCE, "{wacid}: never {what}: {row:#?} {:#?}", self.log.all()),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn kinds(&self, call: &CallId) -> Vec<String> {
        self.store.journal(call).await.unwrap().into_iter().map(|entry| entry.kind).collect()
    }

    /// A tab of an agent who is Available and has sound.
    pub async fn agent(&self, user: &str) -> Tab {
        let mut tab = self.tab(user).await;
        tab.attach().await;
        tab.ask(Ask::Presence { presence: Presence::Available, reason: None }).await.unwrap();
        tab.until("is reachable", |phone| phone.reachable && phone.presence == Presence::Available).await;
        tab
    }

    pub async fn tab(&self, user: &str) -> Tab {
        let link = self.desk().connect_tab(UserId::from(user)).await.unwrap();
        Tab { link, phone: None, notices: vec![], next_id: 0, detached: false }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.life.is_some() {
            self.kill();
        }
    }
}

/// A tab: what it was told last, and every line on its screen.
pub struct Tab {
    link: TabLink,
    phone: Option<Softphone>,
    pub notices: Vec<String>,
    next_id: u32,
    pub detached: bool,
}

impl Tab {
    pub async fn ask(&mut self, ask: Ask) -> Result<(), String> {
        self.next_id += 1;
        let wanted = self.next_id;
        self.link.ask(FromTab { id: wanted, ask }).await;
        loop {
            match self.read("an answer").await {
                ToTab::Done { id } | ToTab::Attached { id, .. } if id == wanted => return Ok(()),
                ToTab::Refused { id, why } if id == wanted => return Err(why),
                _ => {}
            }
        }
    }

    /// The desk has let this tab go.
    pub async fn is_closed(&mut self) -> bool {
        loop {
            match self.link.tell.try_recv() {
                Ok(_) => {}
                Err(why) => return why == tokio::sync::mpsc::error::TryRecvError::Disconnected,
            }
        }
    }

    pub fn is_crowded_out(&self) -> bool {
        self.link.is_crowded_out()
    }

    pub fn put_out(&self) {
        self.link.put_out();
    }

    pub async fn attach(&mut self) {
        self.ask(Ask::Attach { offer: "v=0".into() }).await.unwrap();
    }

    /// Waits until the screen shows this.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Softphone) -> bool) -> Softphone {
        loop {
            if let Some(phone) = self.phone.as_ref().filter(|phone| is_so(phone)) {
                return phone.clone();
            }
            self.read(what).await;
        }
    }

    /// The call that rings now.
    pub async fn rung(&mut self) -> CallId {
        self.until("a ring", |phone| !phone.ringing.is_empty()).await.ringing[0].call.clone()
    }

    pub async fn noticed(&mut self, part: &str) {
        while !self.notices.iter().any(|text| text.contains(part)) {
            self.read(part).await;
        }
    }

    pub async fn until_detached(&mut self) {
        while !self.detached {
            self.read("detached").await;
        }
    }

    async fn read(&mut self, what: &str) -> ToTab {
        let line = tokio::time::timeout(PATIENCE, self.link.tell.recv()).await;
        let line =
            line.unwrap_or_else(|_| panic!("the tab waits for {what}; it shows {:#?} {:?}", self.phone, self.notices));
        let line = line.expect("the desk closed the tab's line");
        match &line {
            ToTab::State(phone) => self.phone = Some(phone.clone()),
            ToTab::Notice { text } => self.notices.push(text.clone()),
            ToTab::Detached => self.detached = true,
            _ => {}
        }
        line
    }
}

pub async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// [`until`], for what has to be asked of the store.
pub async fn until_async(what: &str, is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn connect(wacid: &str, at: i64) -> Value {
    let call = json!({"id": wacid, "from": "15550001111", "to": "15559990000", "event": "connect",
        "timestamp": (at / 1000).to_string(), "direction": "USER_INITIATED",
        "session": {"sdp_type": "offer", "sdp": "v=0\r\n"}});
    envelope(json!({"contacts": [{"profile": {"name": "Maria"}, "wa_id": "15550001111"}], "calls": [call]}))
}

pub fn terminate(wacid: &str, status: &str) -> Value {
    envelope(json!({"calls": [{"id": wacid, "from": "15550001111", "event": "terminate", "direction": "USER_INITIATED",
        "timestamp": (clock::now() / 1000).to_string(), "status": status}]}))
}

pub fn envelope(mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15559990000", "phone_number_id": "106540352242922"});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "calls", "value": value}]}]})
}

/// The product's rules with every wait cut down to what a test can sit through.
pub fn short_rules() -> Rules {
    Rules {
        transfer_timeout_ms: 60_000,
        connect_wait_ms: 200,
        agent_lost_ms: 60_000,
        tab_gone_ms: 60_000,
        foreign_leg_ms: 100,
        ..Rules::default()
    }
}

fn url(folder: &TempDir) -> String {
    crate::cluster::database(folder.path())
}

/// Generous: the machine may be busy with everything else.
const PATIENCE: Duration = Duration::from_secs(20);
