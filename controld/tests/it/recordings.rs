//! Links to recordings and the bytes behind them.

use controld::model::CallStatus;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::{House, Past, told};

async fn link(house: &House, cookie: &str, call: &str) -> (StatusCode, serde_json::Value) {
    let path = format!("/api/calls/{call}/recording-link");
    told(house.as_page(cookie, Method::POST, &path).send().await.unwrap()).await
}

#[tokio::test]
async fn a_link_gives_the_bytes_whole_in_part_and_not_at_all() {
    let house = House::open().await;
    let id = house.put(Past::at(1)).await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let recording = house.put_recording(&id, &bytes).await;
    let ana = house.login("ana@demo.example").await;
    let (status, link) = link(&house, &ana, id.as_str()).await;
    assert_eq!(status, StatusCode::OK, "{link}");
    let url = link["url"].as_str().unwrap();
    // No cookie: the link is the permission.
    let whole = house.ask(Method::GET, url).send().await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()["content-type"], "audio/ogg");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["content-length"], "200000");
    assert_eq!(whole.headers()["x-content-type-options"], "nosniff");
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    for (range, first, last) in
        [("bytes=0-", 0, 199_999), ("bytes=70000-140000", 70_000, 140_000), ("bytes=-10", 199_990, 199_999)]
    {
        let part = house.ask(Method::GET, url).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(part.headers()["content-range"], format!("bytes {first}-{last}/200000").as_str());
        assert_eq!(part.bytes().await.unwrap(), bytes[first..=last], "{range}");
    }
    let beyond = house.ask(Method::GET, url).header("range", "bytes=200000-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()["content-range"], "bytes */200000");
    let head = house.ask(Method::HEAD, url).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "200000"));
    let stale =
        house.ask(Method::GET, url).header("range", "bytes=5-9").header("if-range", "\"older\"").send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::OK);
    let same = house
        .ask(Method::GET, url)
        .header("range", "bytes=5-9")
        .header("if-range", "\"0123abcd\"")
        .send()
        .await
        .unwrap();
    assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(house.app.store.deeds("recording.link", recording.as_str()).await.unwrap(), 1);
    let plays = house.app.store.deeds("recording.play", recording.as_str()).await.unwrap();
    assert!((1..=2).contains(&plays), "one row a person and hour, and the hour may have turned: {plays}");
}

#[tokio::test]
async fn hearing_all_but_the_first_byte_is_written_down_with_the_name_of_who_was_given_the_link() {
    let house = House::open().await;
    let id = house.put(Past::at(1)).await;
    let recording = house.put_recording(&id, b"OggS and the rest").await;
    let (ana, sam) = (house.login("ana@demo.example").await, house.login("sam@demo.example").await);
    for cookie in [&ana, &sam] {
        let (_, link) = link(&house, cookie, id.as_str()).await;
        let url = link["url"].as_str().unwrap();
        let beyond = house.ask(Method::GET, url).header("range", "bytes=900-").send().await.unwrap();
        assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        let part = house.ask(Method::GET, url).header("range", "bytes=1-").send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        let other = url.replace("usr_ana", "usr_ben").replace("usr_sam", "usr_ben");
        assert_eq!(house.ask(Method::GET, &other).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(house.app.store.deeds("recording.play", recording.as_str()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_link_that_was_changed_opens_nothing() {
    let house = House::open().await;
    let (one, two) = (house.put(Past::at(1)).await, house.put(Past::at(2)).await);
    house.put_recording(&one, b"OggS one").await;
    let other = house.put_recording(&two, b"OggS two").await;
    let ana = house.login("ana@demo.example").await;
    let (_, link) = link(&house, &ana, one.as_str()).await;
    let url = link["url"].as_str().unwrap();
    let (path, query) = url.split_once('?').unwrap();
    let exp: i64 = query.split(['=', '&']).nth(1).unwrap().parse().unwrap();
    assert_eq!(link["expires_at"], json!(exp * 1000));
    for bad in [
        format!("/recordings/{other}?{query}"),
        url.replace(&exp.to_string(), &(exp + 1).to_string()),
        url.replace(&exp.to_string(), &(exp - 1000).to_string()),
        format!("{path}?exp={exp}&user=usr_ana&sig="),
        format!("{path}?exp={exp}&user=usr_ana&sig={}", "0".repeat(64)),
        url[..url.len() - 2].to_owned(),
    ] {
        assert_eq!(house.ask(Method::GET, &bad).send().await.unwrap().status(), StatusCode::FORBIDDEN, "{bad}");
    }
    for bad in [path.to_owned(), format!("{path}?exp=x&user=usr_ana&sig=y")] {
        assert_eq!(house.ask(Method::GET, &bad).send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn there_is_no_link_to_what_cannot_be_heard() {
    let house = House::open().await;
    let silent =
        house.put(Past { team: Some("team_sales"), agent: None, status: CallStatus::Missed, ..Past::at(1) }).await;
    let running = house.put(Past { status: CallStatus::Connected, ..Past::at(2) }).await;
    let org = controld::model::OrgId::from("org_demo");
    house.app.store.begin_recording(&"rec_call_0002".into(), &org, &running, 5).await.unwrap();
    let ana = house.login("ana@demo.example").await;
    assert_eq!(link(&house, &ana, silent.as_str()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(link(&house, &ana, running.as_str()).await.0, StatusCode::CONFLICT);
    house.app.store.recording_failed(&"rec_call_0002".into(), "its file is gone").await.unwrap();
    assert_eq!(link(&house, &ana, running.as_str()).await.0, StatusCode::CONFLICT);
    let (_, detail) = house.get(&ana, &format!("/api/calls/{running}")).await;
    assert_eq!(
        (&detail["recording"]["state"], &detail["recording"]["reason"]),
        (&json!("failed"), &json!("its file is gone"))
    );
}
