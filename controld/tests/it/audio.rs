//! The audio library: what is taken, what is refused in words, who uses it, and what it sounds like back.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, told};

/// Mono 16-bit samples at 16 kHz as a WAV file.
pub fn wav(samples: &[u8]) -> Vec<u8> {
    let size = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let mut file = b"RIFF".to_vec();
    file.extend(size(samples.len() + 36));
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(32_000_u32.to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(size(samples.len()));
    file.extend(samples);
    file
}

fn tone(secs: u32) -> Vec<u8> {
    let at = |n: u32| (f64::from(n) * 300.0 * std::f64::consts::TAU / 16_000.0).sin() * 6_000.0;
    wav(&(0..secs * 16_000).flat_map(|n| (at(n) as i16).to_le_bytes()).collect::<Vec<_>>())
}

async fn upload(house: &House, cookie: &str, query: &str, bytes: Vec<u8>) -> (StatusCode, Value) {
    let request = house.as_page(cookie, Method::POST, &format!("/api/audio?{query}"));
    told(request.header("content-type", "application/octet-stream").body(bytes).send().await.unwrap()).await
}

#[tokio::test]
async fn an_upload_becomes_a_clip_that_plays_in_parts_and_in_flows() {
    let house = House::open().await;
    let admin = house.login("admin@demo.example").await;
    let (status, clip) = upload(&house, &admin, "name=Welcome", tone(2)).await;
    assert_eq!(status, StatusCode::CREATED, "{clip}");
    assert_eq!((clip["name"].clone(), clip["source"].clone()), (json!("Welcome"), json!("upload")));
    assert!((1_900..2_200).contains(&clip["duration_ms"].as_i64().unwrap()), "{clip}");
    assert!((-20.0..-18.0).contains(&clip["lufs"].as_f64().unwrap()), "{clip}");
    let path = clip["clip"].as_str().unwrap();
    let sound = house.as_page(&admin, Method::GET, &format!("/api/audio/sound?clip={path}"));
    let whole = sound.try_clone().unwrap().send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "audio/ogg");
    let bytes = whole.bytes().await.unwrap();
    assert!(bytes.starts_with(b"OggS"));
    let part = sound.header("range", "bytes=0-3").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap()), (StatusCode::PARTIAL_CONTENT, bytes.slice(..4)));
    let flow = json!({ "entry": "g", "nodes": [{ "id": "g", "kind": "hangup", "prompt": { "clip": path } }] });
    let created = house.as_page(&admin, Method::POST, "/api/flows").json(&json!({ "name": "Plays", "flow": flow }));
    let (_, draft) = told(created.send().await.unwrap()).await;
    assert_eq!(draft["problems"], json!([]));
    let id = clip["id"].as_str().unwrap();
    let (_, uses) = house.get(&admin, &format!("/api/audio/{id}/uses")).await;
    assert_eq!(uses["flows"], json!([{ "id": draft["id"], "name": "Plays" }]));
    let delete =
        async || told(house.as_page(&admin, Method::DELETE, &format!("/api/audio/{id}")).send().await.unwrap()).await;
    let (status, refused) = delete().await;
    assert_eq!((status, refused["error"]["code"].clone()), (StatusCode::CONFLICT, json!("in_use")));
    assert!(refused["error"]["message"].as_str().unwrap().contains("flow \"Plays\""));
    let flow = format!("/api/flows/{}", draft["id"].as_str().unwrap());
    house.as_page(&admin, Method::DELETE, &flow).send().await.unwrap();
    let music = json!({ "hold_music": path });
    let (status, org) =
        told(house.as_page(&admin, Method::PATCH, "/api/organisation").json(&music).send().await.unwrap()).await;
    assert_eq!((status, org["hold_music"].clone()), (StatusCode::OK, json!(path)));
    assert!(delete().await.1["error"]["message"].as_str().unwrap().contains("hold_music"));
    house
        .as_page(&admin, Method::PATCH, "/api/organisation")
        .json(&json!({ "hold_music": null }))
        .send()
        .await
        .unwrap();
    assert_eq!(delete().await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&admin, &format!("/api/audio/sound?clip={path}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&admin, "/api/audio").await.1["clips"], json!([]));
}

#[tokio::test]
async fn what_is_no_sound_is_refused_in_words() {
    let house = House::open().await;
    let admin = house.login("admin@demo.example").await;
    for (bytes, why) in [
        (Vec::new(), "the file is empty"),
        (b"%PDF-1.7 not sound".to_vec(), "this is not a sound file we can read"),
        (wav(&[0; 64_000]), "there is nothing to hear"),
        (tone(2)[..30].to_vec(), "the file"),
    ] {
        let (status, refused) = upload(&house, &admin, "name=x", bytes).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(why), "{refused}");
    }
    let (status, _) = upload(&house, &admin, "name=x", vec![0; 21 * 1024 * 1024]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(upload(&house, &admin, "name=%20", tone(1)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let form = house
        .as_page(&admin, Method::POST, "/api/audio?name=x")
        .header("content-type", "multipart/form-data; boundary=x");
    assert_eq!(form.body("--x--").send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn ten_hours_of_sound_in_a_small_file_are_refused_within_their_limits() {
    let house = House::open().await;
    let admin = house.login("admin@demo.example").await;
    let began = std::time::Instant::now();
    // Digital silence and a click now and then: a header that promises more than ten minutes.
    let mut file = wav(&vec![0_u8; 19 * 1024 * 1024]);
    for at in (1_000..file.len()).step_by(100_000) {
        file[at] = 40;
    }
    let (status, refused) = upload(&house, &admin, "name=long", file).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused["error"]["message"], "the sound lasts longer than 10 minutes");
    assert!(began.elapsed().as_secs() < 30);
}
