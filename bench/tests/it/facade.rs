//! Graph's answers, error by error.

use serde_json::{Value, json};

use crate::world::{World, good_answer};

const PATH: &str = "/v23.0/106540352242922/calls";

async fn post(world: &World, path: &str, token: &str, body: &str) -> (u16, Value) {
    let request = world.http.post(world.url(path)).header("authorization", format!("Bearer {token}"));
    let answer = request.body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn every_refusal_has_its_code_in_the_documented_order() {
    let world = World::new().await;
    let call = world.dial(json!({"external_offer": "v=0\r\n"})).await;
    let terminate =
        json!({"messaging_product": "whatsapp", "action": "terminate", "call_id": "wacid.none"}).to_string();
    let no_session = json!({"messaging_product": "whatsapp", "action": "accept", "call_id": call}).to_string();
    let offer_type = json!({"messaging_product": "whatsapp", "action": "accept", "call_id": call,
                            "session": {"sdp_type": "offer", "sdp": good_answer()}})
    .to_string();
    let connect = json!({"messaging_product": "whatsapp", "action": "connect", "to": "15550001111",
                         "session": {"sdp_type": "offer", "sdp": good_answer()}})
    .to_string();
    let to_nobody = json!({"messaging_product": "whatsapp", "action": "connect"}).to_string();
    let rows = [
        (PATH, "wrong", "not even json", 401, 190),
        ("/v23.0/555/calls", "wrong", "{}", 401, 190),
        ("/v23.0/555/calls", "demo-token", "{}", 400, 100),
        ("/v23/106540352242922/calls", "demo-token", "{}", 400, 2500),
        ("/v23.0/106540352242922/nothing", "demo-token", "{}", 400, 2500),
        (PATH, "demo-token", "not json", 400, 100),
        (PATH, "demo-token", "[]", 400, 100),
        (PATH, "demo-token", "{}", 400, 100),
        (PATH, "demo-token", r#"{"messaging_product":"sms","action":"accept"}"#, 400, 100),
        (PATH, "demo-token", r#"{"messaging_product":"whatsapp"}"#, 400, 100),
        (PATH, "demo-token", r#"{"messaging_product":"whatsapp","action":"hold"}"#, 400, 100),
        (PATH, "demo-token", r#"{"messaging_product":"whatsapp","action":"ACCEPT"}"#, 400, 100),
        (PATH, "demo-token", &terminate, 400, 100),
        (PATH, "demo-token", &no_session, 400, 100),
        (PATH, "demo-token", &offer_type, 400, 100),
        (PATH, "demo-token", &to_nobody, 400, 100),
        (PATH, "demo-token", &connect, 401, 138006),
    ];
    for (path, token, body, status, code) in rows {
        let (got, answer) = post(&world, path, token, body).await;
        assert_eq!((got, answer["error"]["code"].as_u64()), (status, Some(code)), "{path} {body} → {answer}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["fbtrace_id"].is_string());
    }
    let unknown = post(&world, "/v23.0/555/calls", "demo-token", "{}").await.1;
    assert_eq!(unknown["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn a_bad_sdp_is_refused_with_the_reason_in_the_details() {
    let world = World::new().await;
    let good = good_answer();
    let without = |line: &str| good.split("\r\n").filter(|l| !l.starts_with(line)).collect::<Vec<_>>().join("\r\n");
    let with = |line: &str| good.replace("a=mid:audio\r\n", &format!("a=mid:audio\r\n{line}\r\n"));
    let rows = [
        (String::new(), "empty"),
        (good.replace("\r\n", "\n"), "CRLF"),
        (good.trim_end().to_owned(), "CRLF"),
        (without("s="), "No s= line"),
        (without("m="), "No m=audio"),
        (good.replace("m=audio", "m=video"), "exactly one m=audio"),
        (format!("{good}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), "exactly one m=audio"),
        (good.replace("UDP/TLS/RTP/SAVPF", "RTP/SAVP"), "transport"),
        (without("a=rtpmap:111"), "No opus"),
        (good.replace("SAVPF 111 126", "SAVPF 126"), "absent from the m=audio"),
        (good.replace("telephone-event/8000", "telephone-event/48000"), "clock rate"),
        (with("a=rtpmap:9 G722/8000"), "Unsupported codec"),
        (good.replace("a=ptime:20", "a=ptime:60"), "ptime"),
        (with("a=ssrc:8 cname:second"), "one SSRC"),
        (without("a=fingerprint"), "No fingerprint found in SDP"),
        (with(&format!("a=fingerprint:sha-512 {}", ["AA"; 64].join(":"))), "More than one fingerprint"),
        (good.replace("sha-256 00:", "sha-256 "), "sha-256"),
        (without("a=setup"), "No setup"),
        (good.replace("setup:active", "setup:actpass"), "a=setup:actpass is not allowed"),
        (without("a=ice-pwd"), "ice-pwd"),
        (good.replace("abcdefghijklmnopqrstuv", "short"), "too short"),
    ];
    let call = world.dial(json!({"external_offer": "v=0\r\n"})).await;
    for (sdp, reason) in rows {
        let (status, answer) = world.action_with_sdp("pre_accept", &call, &sdp).await;
        assert_eq!((status, answer["error"]["code"].as_u64()), (400, Some(100)), "{reason}: {answer}");
        let details = answer["error"]["error_data"]["details"].as_str().unwrap();
        assert!(details.contains(reason), "wanted {reason:?}, got {details:?}");
    }
    assert_eq!(world.action("pre_accept", &call, &good.replace("sha-256", "SHA-256")).await.0, 200);
    let other = world.dial(json!({"external_offer": "v=0\r\n", "faults": {"sdp_138008": true}})).await;
    let (status, answer) = world.action("accept", &other, &without("a=setup")).await;
    assert_eq!((status, answer["error"]["code"].as_u64()), (400, Some(138008)));
}

#[tokio::test]
async fn success_bodies_are_the_reference_pages() {
    let world = World::new().await;
    let success = json!({"messaging_product": "whatsapp", "success": true});
    let call = world.dial(json!({"external_offer": "v=0\r\n"})).await;
    assert_eq!(world.action("pre_accept", &call, &good_answer()).await, (200, success.clone()));
    assert_eq!(world.action("accept", &call, &good_answer()).await, (200, success.clone()));
    assert_eq!(world.action("terminate", &call, "").await, (200, success.clone()));
    let call = world.dial(json!({"external_offer": "v=0\r\n"})).await;
    assert_eq!(world.action("reject", &call, "").await, (200, success));
}

#[tokio::test]
async fn settings_are_kept_and_decide_whether_calls_work() {
    let world = World::new().await;
    let path = world.url("/v23.0/106540352242922/settings");
    let set = |calling: Value| {
        let request = world.http.post(&path).bearer_auth("demo-token").json(&json!({"calling": calling}));
        async { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let hours = |days: Value| json!({"call_hours": {"status": "ENABLED", "timezone_id": "UTC", "weekly_operating_hours": days}});
    let day = |open: &str, close: &str| json!({"day_of_week": "MONDAY", "open_time": open, "close_time": close});
    assert_eq!(set(hours(json!([day("0900", "12:00"), day("1300", "1700")]))).await, json!({"success": true}));
    for bad in [json!([]), json!([day("1200", "0900")]), json!([day("0900", "1200"), day("1100", "1300")])] {
        assert_eq!(set(hours(bad)).await["error"]["code"], 100);
    }
    assert_eq!(set(json!({"status": "MAYBE"})).await["error"]["code"], 100);
    let body = json!({"messaging_product": "whatsapp", "action": "reject", "call_id": "wacid.x"});
    assert_eq!(set(json!({"status": "DISABLED"})).await, json!({"success": true}));
    assert_eq!(world.graph(body.clone()).await.1["error"]["code"], 138000);
    let dial = world.http.post(world.url("/control/calls")).body("{}").send().await.unwrap();
    assert_eq!(dial.status(), 503, "the caller hears a failure and the business nothing");
    assert_eq!(set(json!({"status": "ENABLED", "sip": {"status": "ENABLED"}})).await, json!({"success": true}));
    assert_eq!(world.graph(body).await.1["error"]["code"], 131055);
    let read = world.http.get(&path).bearer_auth("demo-token").send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(read["calling"]["sip"]["status"], "ENABLED");
}
