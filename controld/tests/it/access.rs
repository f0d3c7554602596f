//! Who may use which route: every route, every role, from the table itself.

use controld::http::{ACCESS, Access};
use controld::model::{CallStatus, Role};
use controld::store::clips::{ClipRow, ClipSource};
use controld::store::contacts::Contact;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::audio::wav;
use crate::house::{House, Past, told};

/// What a request to a route looks like: whose id stands in its address, and what it carries.
struct Sample {
    id: Noun,
    body: Body,
}

/// Whose id.
#[derive(Clone, Copy, PartialEq)]
enum Noun {
    None,
    Call,
    Flow,
    Account,
    Clip,
    Team,
    User,
    Contact,
}

enum Body {
    None,
    Json(Value),
    Sound(Vec<u8>),
}

/// INVARIANT: every route of the table has a sample, or this test fails: nobody adds a route and forgets who may use it.
fn sample(method: &Method, path: &str) -> Sample {
    let id = match path {
        path if !path.contains('{') => Noun::None,
        path if path.starts_with("/api/calls/{id}") => Noun::Call,
        path if path.starts_with("/api/flows/{id}") => Noun::Flow,
        path if path.starts_with("/api/accounts/{id}") => Noun::Account,
        path if path.starts_with("/api/audio/{id}") => Noun::Clip,
        path if path.starts_with("/api/teams/{id}") => Noun::Team,
        path if path.starts_with("/api/users/{id}") => Noun::User,
        path if path.starts_with("/api/contacts/{id}") => Noun::Contact,
        other => panic!("say whose id stands in {other}"),
    };
    let body = match (method.as_str(), path) {
        ("GET" | "DELETE", _) => Body::None,
        ("POST", "/api/me/sessions/end-others") => Body::None,
        ("POST", "/api/logout" | "/api/calls/{id}/hang-up" | "/api/calls/{id}/recording-link") => Body::None,
        ("POST", "/api/flows/{id}/archive" | "/api/flows/{id}/restore") => Body::None,
        ("POST", "/api/flows/{id}/versions/{version}/rollback") => Body::None,
        ("POST", "/api/login") => Body::Json(json!({ "email": "nobody@demo.example", "password": "x" })),
        ("POST", "/api/contacts") => Body::Json(json!({ "name": "New", "phone": "+1 555 000 9999" })),
        ("POST", "/api/contacts/{id}/ask-permission") => Body::Json(json!({})),
        ("POST", "/api/flows") => Body::Json(json!({ "name": "New" })),
        ("POST", "/api/flows/import") => Body::Json(json!({ "name": "Brought" })),
        ("POST", "/api/flows/{id}/lint" | "/api/flows/{id}/duplicate" | "/api/flows/{id}/simulate") => {
            Body::Json(json!({}))
        }
        ("PUT", "/api/flows/{id}/draft") => Body::Json(json!({ "revision": 99, "flow": {} })),
        ("POST", "/api/flows/{id}/publish") => Body::Json(json!({ "revision": 99 })),
        ("POST", "/api/accounts") => {
            Body::Json(json!({ "name": "N", "phone_number_id": "99", "display_number": "+34 600 000",
                                                        "token": "t", "app_secret": "s" }))
        }
        ("POST", "/api/audio") => Body::Sound(tone()),
        ("POST", "/api/audio/speech") => Body::Json(json!({ "text": " " })),
        ("PATCH", "/api/audio/{id}") => Body::Json(json!({ "name": "Other" })),
        ("POST", "/api/teams") => Body::Json(json!({ "name": "Night" })),
        ("POST", "/api/users") => Body::Json(json!({ "name": "Eva", "email": "eva@demo.example", "role": "agent",
                                                     "password": "correct horse battery" })),
        ("POST", "/api/me/password") => Body::Json(json!({ "old": "wrong", "new": "correct horse battery" })),
        ("PATCH", "/api/accounts/{id}" | "/api/teams/{id}" | "/api/users/{id}" | "/api/organisation") => {
            Body::Json(json!({}))
        }
        (method, path) => panic!("say what {method} {path} carries"),
    };
    Sample { id, body }
}

/// What an organisation has, by noun.
fn ids(org: &str) -> [(Noun, String); 7] {
    let own = |noun, ours: &str, theirs: &str| (noun, if org == "org_demo" { ours } else { theirs }.to_owned());
    [
        own(Noun::Call, "call_0001", "call_9001"),
        own(Noun::Flow, "flow_demo", "flow_other"),
        own(Noun::Account, "acc_demo", "acc_other"),
        own(Noun::Clip, "clip_demo", "clip_other"),
        own(Noun::Team, "team_sales", "team_other"),
        own(Noun::User, "usr_ana", "usr_olga"),
        own(Noun::Contact, "con_demo", "con_other"),
    ]
}

/// A house in which both organisations have one of everything.
async fn furnished() -> House {
    let house = House::open().await;
    controld::app::demo::put_sounds(std::path::Path::new(&house.app.config.calling.audio_dir)).unwrap();
    house.put(Past::at(1)).await;
    house
        .put(Past {
            org: "org_other",
            account: "acc_other",
            team: None,
            agent: None,
            flow: "flow_other".into(),
            ..Past::at(9001)
        })
        .await;
    for (org, id) in [("org_demo", "con_demo"), ("org_other", "con_other")] {
        let contact =
            Contact { id: id.into(), wa_id: Some("15550007777".into()), user_key: None, name: "Joana".into() };
        house.app.store.add_contact(&org.into(), &contact, 0).await.unwrap();
    }
    for (org, id) in [("org_demo", "clip_demo"), ("org_other", "clip_other")] {
        let place = format!("own/{org}/{id}.ogg");
        let path = std::path::Path::new(&house.app.config.calling.audio_dir).join(&place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"OggS").unwrap();
        house.app.store.add_clip(&clip(org, id, place)).await.unwrap();
    }
    house
}

fn clip(org: &str, id: &str, place: String) -> ClipRow {
    ClipRow {
        id: id.into(),
        org: org.into(),
        name: "A clip".into(),
        place,
        duration_ms: 1_000,
        bytes: 4,
        lufs: -19.0,
        source: ClipSource::Upload,
        words: None,
        voice: None,
        created_by: None,
        created_at: 0,
    }
}

async fn ask(house: &House, cookie: &str, method: &Method, path: &str, body: Body) -> (StatusCode, Value) {
    let path = if matches!(body, Body::Sound(_)) { format!("{path}?name=Tone") } else { path.to_owned() };
    let request = house.as_page(cookie, method.clone(), &path);
    let request = match body {
        Body::None => request,
        Body::Json(body) => request.json(&body),
        Body::Sound(bytes) => request.header("content-type", "audio/wav").body(bytes),
    };
    told(request.send().await.unwrap()).await
}

#[tokio::test]
async fn every_route_lets_in_the_roles_of_the_table_and_nobody_else() {
    let house = furnished().await;
    let people = [
        (None, String::new()),
        (Some(Role::Agent), house.login("ana@demo.example").await),
        (Some(Role::Supervisor), house.login("sam@demo.example").await),
        (Some(Role::Admin), house.login("admin@demo.example").await),
    ];
    // Signing out ends the session the others need, so it is asked last.
    let mut routes: Vec<_> = ACCESS.iter().collect();
    routes.sort_by_key(|(_, path, _)| *path == "/api/logout");
    let own = ids("org_demo");
    for (method, path, access) in routes {
        for (role, cookie) in &people {
            let Sample { id, body } = sample(method, path);
            let id = own.iter().find(|(noun, _)| *noun == id).map_or("", |(_, id)| id.as_str());
            let path = path.replace("{id}", id).replace("{version}", "1");
            let (status, body) = ask(&house, cookie, method, &path, body).await;
            let expected = match (access, role) {
                (Access::Open, _) => None,
                (Access::Signed(_), None) => Some(StatusCode::UNAUTHORIZED),
                (Access::Signed(least), Some(role)) => (role < least).then_some(StatusCode::FORBIDDEN),
            };
            match expected {
                Some(expected) => assert_eq!(status, expected, "{method} {path} as {role:?}: {body}"),
                None => assert!(
                    // A sample that is not understood would prove nothing.
                    (status != StatusCode::BAD_REQUEST || needs_more(&path))
                        && !status.is_server_error()
                        && ![StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED].contains(&status)
                        && (status != StatusCode::UNAUTHORIZED || *access == Access::Open),
                    "{method} {path} as {role:?}: {status} {body}"
                ),
            }
        }
    }
}

/// A WebSocket wants its handshake, a comparison its pair, a sound its name.
fn needs_more(path: &str) -> bool {
    path == "/api/softphone" || path == "/api/audio/sound" || path.ends_with("/diff")
}

#[tokio::test]
async fn no_route_finds_anything_by_an_id_of_another_organisation() {
    let house = furnished().await;
    let demo = house.login("admin@demo.example").await;
    let other = house.login("olga@other.example").await;
    for (cookie, foreign) in [(&demo, ids("org_other")), (&other, ids("org_demo"))] {
        for (method, path, _) in ACCESS.iter().filter(|(_, path, _)| path.contains('{')) {
            // Every id in every place: an id of another kind must not open a door either.
            for (_, id) in &foreign {
                let mut filled = path.replace("{id}", id).replace("{version}", "1");
                if path.ends_with("/diff") {
                    filled.push_str("?from=1&to=draft");
                }
                let (status, body) = ask(&house, cookie, method, &filled, sample(method, path).body).await;
                let code = &body["error"]["code"];
                assert_eq!((status, code), (StatusCode::NOT_FOUND, &json!("not_found")), "{method} {filled}: {body}");
            }
        }
    }
    for place in
        ["own/org_other/clip_other.ogg", "../house.db", "own/org_demo/../org_other/clip_other.ogg", "/etc/passwd"]
    {
        let path = format!("/api/audio/sound?clip={place}");
        assert_eq!(house.get(&demo, &path).await.0, StatusCode::NOT_FOUND, "{place}");
    }
    let own = house.get(&demo, "/api/audio/sound?clip=own/org_demo/clip_demo.ogg").await;
    assert_eq!(own, (StatusCode::OK, json!("OggS")));
}

#[tokio::test]
async fn an_id_of_another_organisation_in_a_body_is_refused() {
    let house = furnished().await;
    let demo = house.login("admin@demo.example").await;
    for (method, path, body) in [
        (Method::PATCH, "/api/accounts/acc_demo", json!({ "start_flow": "flow_other" })),
        (Method::PATCH, "/api/teams/team_sales", json!({ "members": ["usr_ana", "usr_olga"] })),
        (Method::POST, "/api/teams", json!({ "name": "T", "members": ["usr_olga"] })),
        (Method::PATCH, "/api/organisation", json!({ "hold_music": "own/org_other/clip_other.ogg" })),
    ] {
        let (status, body) = ask(&house, &demo, &method, path, Body::Json(body)).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("unfit")), "{path}");
    }
}

#[tokio::test]
async fn lists_hold_what_is_ones_own() {
    let house = furnished().await;
    let olga = house.login("olga@other.example").await;
    for (method, path, _) in ACCESS.iter().filter(|(method, path, _)| method == Method::GET && !path.contains('{')) {
        if ["/api/softphone", "/api/audio/sound"].contains(path) {
            continue;
        }
        let (status, body) = ask(&house, &olga, method, path, Body::None).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let text = body.to_string();
        for (_, id) in ids("org_demo") {
            assert!(!text.contains(&format!("\"{id}\"")), "{path} shows {id}");
        }
    }
}

/// Half a second of 440 Hz as a WAV file.
fn tone() -> Vec<u8> {
    let samples: Vec<u8> = (0..8_000_i32)
        .flat_map(|n| {
            (((f64::from(n) * 440.0 * std::f64::consts::TAU / 16_000.0).sin() * 8_000.0) as i16).to_le_bytes()
        })
        .collect();
    wav(&samples)
}

#[tokio::test]
async fn an_agent_sees_their_own_calls_and_their_teams_and_a_supervisor_all() {
    let house = House::open().await;
    house.put(Past::at(1)).await;
    house.put(Past { team: None, agent: None, status: CallStatus::Abandoned, ..Past::at(2) }).await;
    house.put(Past { team: None, agent: Some("usr_ben"), ..Past::at(3) }).await;
    let seen = async |cookie: &str| {
        let (_, page) = house.get(cookie, "/api/calls").await;
        page["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (ana, sam) = (house.login("ana@demo.example").await, house.login("sam@demo.example").await);
    assert_eq!(seen(&ana).await, ["call_0001"]);
    assert_eq!(seen(&sam).await, ["call_0003", "call_0002", "call_0001"]);
    assert_eq!(house.get(&ana, "/api/calls/call_0003").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_that_another_sites_page_could_send_is_refused() {
    let house = House::open().await;
    let ana = house.login("ana@demo.example").await;
    let bare = || house.ask(Method::POST, "/api/logout").header("cookie", &ana);
    let other_sites = [
        bare(),
        bare().header("x-patchbay", "1").header("origin", "https://evil.example"),
        bare().header("x-patchbay", "1").header("origin", "null"),
        bare().header("x-patchbay", "1").header("sec-fetch-site", "cross-site"),
    ];
    for request in other_sites {
        let (status, body) = told(request.send().await.unwrap()).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::FORBIDDEN, &json!("cross_site")));
    }
    let form = bare().header("x-patchbay", "1").header("content-type", "text/plain").body("{}");
    assert_eq!(form.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(house.get(&ana, "/api/me").await.0, StatusCode::OK, "the session must have survived");
    let get = house.ask(Method::GET, "/api/logout").header("cookie", &ana).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_body_is_bounded_and_holds_no_unknown_field() {
    let house = House::open().await;
    let post = |body: String| {
        house.as_page("", Method::POST, "/api/login").header("content-type", "application/json").body(body)
    };
    let status = |response: reqwest::Response| response.status();
    assert_eq!(status(post("{".to_owned()).send().await.unwrap()), StatusCode::BAD_REQUEST);
    let extra = json!({ "email": "a", "password": "b", "role": "admin" }).to_string();
    assert_eq!(status(post(extra).send().await.unwrap()), StatusCode::BAD_REQUEST);
    let large = json!({ "email": "a", "password": "x".repeat(80_000) }).to_string();
    assert_eq!(status(post(large).send().await.unwrap()), StatusCode::PAYLOAD_TOO_LARGE);
}
