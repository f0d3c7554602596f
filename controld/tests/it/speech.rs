//! Words made into sound: each once, when a flow is published or when somebody asks; and what is said when a piece is
//! missing. The program is a script that keeps Piper's contract, unless a real Piper is named.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::audio::wav;
use crate::house::{House, told};

/// A house with a voice that notes what it said.
async fn with_voice() -> (House, String) {
    let house = House::open_with(|config| {
        let folder = Path::new(&config.calling.audio_dir).parent().unwrap().join("voice");
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        std::fs::write(path("tone.wav"), tone()).unwrap();
        let script = format!("#!/bin/sh\ncat >> '{}'\ncp '{}' \"$4\"\n", path("said"), path("tone.wav"));
        std::fs::write(path("piper"), script).unwrap();
        std::fs::set_permissions(path("piper"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(path("en-test.onnx"), "").unwrap();
        std::fs::write(path("en-test.onnx.json"), "{}").unwrap();
        config.tts.piper_binary = path("piper");
        config.tts.piper_model = path("en-test.onnx");
    })
    .await;
    let admin = house.login("admin@demo.example").await;
    (house, admin)
}

fn tone() -> Vec<u8> {
    let at = |n: i32| (f64::from(n) * 220.0 * std::f64::consts::TAU / 16_000.0).sin() * 9_000.0;
    wav(&(0..16_000).flat_map(|n| (at(n) as i16).to_le_bytes()).collect::<Vec<_>>())
}

fn said(house: &House) -> Vec<String> {
    let text = std::fs::read_to_string(house.folder.path().join("voice/said")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

async fn ask(house: &House, cookie: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    told(house.as_page(cookie, method, path).json(&body).send().await.unwrap()).await
}

fn talking() -> Value {
    json!({ "entry": "hello", "nodes": [
        { "id": "hello", "kind": "greeting", "prompt": { "text": "Welcome\n to us." } },
        { "id": "again", "kind": "greeting", "prompt": { "text": "Welcome to us." } },
        { "id": "bye", "kind": "hangup", "prompt": { "text": "Goodbye." } }],
      "exits": [{ "from": "hello", "on": "default", "to": "again" }, { "from": "again", "on": "default", "to": "bye" }] })
}

#[tokio::test]
async fn a_flow_that_is_published_says_each_of_its_texts_once() {
    let (house, admin) = with_voice().await;
    let (_, draft) =
        ask(&house, &admin, Method::POST, "/api/flows", json!({ "name": "Talks", "flow": talking() })).await;
    assert_eq!(draft["problems"], json!([]));
    let id = draft["id"].as_str().unwrap();
    let publish = format!("/api/flows/{id}/publish");
    let (status, version) = ask(&house, &admin, Method::POST, &publish, json!({ "revision": 1 })).await;
    assert_eq!(status, StatusCode::CREATED, "{version}");
    assert_eq!(said(&house), ["Goodbye.", "Welcome to us."]);
    let (status, _) = ask(&house, &admin, Method::POST, &publish, json!({ "revision": 1 })).await;
    assert_eq!((status, said(&house).len()), (StatusCode::CREATED, 2), "what has been said is not said again");
    let (_, now) = house.get(&admin, &format!("/api/flows/{id}/draft")).await;
    assert_eq!(
        (now["changed"].clone(), now["flow"]["nodes"][0]["prompt"].clone()),
        (json!(false), json!({ "text": "Welcome\n to us." }))
    );
    let (_, library) = house.get(&admin, "/api/audio").await;
    let clip = library["clips"].as_array().unwrap().iter().find(|clip| clip["words"] == "Goodbye.").unwrap().clone();
    assert_eq!((clip["source"].clone(), clip["name"].clone()), (json!("speech"), json!("Goodbye.")));
    let (status, same) = ask(&house, &admin, Method::POST, "/api/audio/speech", json!({ "text": " Goodbye. " })).await;
    assert_eq!((status, same["id"].clone()), (StatusCode::OK, clip["id"].clone()));
    let path = format!("/api/audio/{}", clip["id"].as_str().unwrap());
    let (status, refused) = ask(&house, &admin, Method::DELETE, &path, Value::Null).await;
    assert_eq!((status, refused["uses"]["flows"][0]["id"].clone()), (StatusCode::CONFLICT, json!(id)));
    let (_, played) = ask(&house, &admin, Method::POST, &format!("/api/flows/{id}/simulate"), json!({})).await;
    let prompts: Vec<&Value> =
        played["lines"].as_array().unwrap().iter().filter(|line| line["what"] == "prompt").collect();
    assert_eq!(prompts[2]["prompt"]["clip"], clip["clip"], "the simulator hears what callers hear");
    assert_eq!(prompts[2]["length_ms"], clip["duration_ms"]);
}

#[tokio::test]
async fn another_organisations_words_are_their_own() {
    let (house, admin) = with_voice().await;
    let (_, ours) = ask(&house, &admin, Method::POST, "/api/audio/speech", json!({ "text": "Hello" })).await;
    let olga = house.login("olga@other.example").await;
    let (status, theirs) = ask(&house, &olga, Method::POST, "/api/audio/speech", json!({ "text": "Hello" })).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!((&ours["id"], &ours["clip"]), (&theirs["id"], &theirs["clip"]));
}

#[tokio::test]
async fn without_a_voice_the_missing_piece_is_named() {
    let house = House::open_with(|config| config.tts.piper_binary = "/nowhere/piper".into()).await;
    let admin = house.login("admin@demo.example").await;
    let (_, draft) =
        ask(&house, &admin, Method::POST, "/api/flows", json!({ "name": "Talks", "flow": talking() })).await;
    let text = draft["problems"][0]["text"].as_str().unwrap();
    assert!(
        text.ends_with("have not been made into sound, and no voice is set: [tts] piper_model is empty."),
        "{text}"
    );
    let (status, refused) = ask(&house, &admin, Method::POST, "/api/audio/speech", json!({ "text": "Hello" })).await;
    assert_eq!((status, refused["error"]["code"].clone()), (StatusCode::SERVICE_UNAVAILABLE, json!("unavailable")));
    assert!(refused["error"]["message"].as_str().unwrap().contains("piper_model is empty"));
    let long = json!({ "text": "x".repeat(4_001) });
    assert_eq!(ask(&house, &admin, Method::POST, "/api/audio/speech", long).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_real_piper_is_heard_where_one_is_named() {
    let (Ok(binary), Ok(model)) = (std::env::var("PATCHBAY_TEST_PIPER"), std::env::var("PATCHBAY_TEST_PIPER_MODEL"))
    else {
        return println!("NOT RUN: PATCHBAY_TEST_PIPER and PATCHBAY_TEST_PIPER_MODEL name no Piper and no voice");
    };
    let house = House::open_with(|config| (config.tts.piper_binary, config.tts.piper_model) = (binary, model)).await;
    let admin = house.login("admin@demo.example").await;
    let text = "For sales, press one.\nFor support, press two.";
    let (status, clip) = ask(&house, &admin, Method::POST, "/api/audio/speech", json!({ "text": text })).await;
    assert_eq!(status, StatusCode::CREATED, "{clip}");
    assert!((2_000..8_000).contains(&clip["duration_ms"].as_i64().unwrap()), "both sentences: {clip}");
    assert!((-20.5..-17.5).contains(&clip["lufs"].as_f64().unwrap()), "{clip}");
    if let Some(to) = std::env::var_os("PATCHBAY_TEST_PIPER_KEEP") {
        let path = Path::new(&house.app.config.calling.audio_dir).join(clip["clip"].as_str().unwrap());
        std::fs::copy(path, to).unwrap();
    }
}
