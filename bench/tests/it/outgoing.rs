//! Calls by the business: signalling to the letter, every ending, and sound both ways in either DTLS role.

use serde_json::{Value, json};

use crate::business::Business;
use crate::media::strongest_hz;
use crate::world::{Arrived, World, control, good_offer};

const USER: &str = "15550001111";

fn order(world: &World) -> Vec<String> {
    world.arrived().iter().map(Arrived::what).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_rings_is_picked_up_is_heard_and_ends_in_either_dtls_role_and_both_styles_of_sdp() {
    let rows = [
        ("actpass", json!({}), "active"),
        ("actpass", json!({"dtls_role": "passive"}), "passive"),
        ("active", json!({}), "passive"),
        ("passive", json!({"old_sdp": true}), "active"),
    ];
    for (setup, faults, answered) in rows {
        let world = World::new().await;
        let business = Business::offer();
        let offer = business.answer.replace("a=setup:actpass", &format!("a=setup:{setup}"));
        let script = json!({"then": "answer", "after_ms": 50, "source": "tone", "tone_hz": 440, "faults": faults});
        let call = world.place(USER, script, &offer).await;
        let connect = world.webhook("connect").await.call();
        let sdp = connect["session"]["sdp"].as_str().unwrap();
        assert!(sdp.contains(&format!("a=setup:{answered}\r\n")), "{setup} {faults}: {sdp}");
        business.accept(sdp);
        world.webhook("ACCEPTED").await;
        business.talk(true);
        business.until("50 packets", |seen| seen.of_type(111).len() >= 50).await;
        let view = world.until(&call, |view| view["media"]["heard"]["packets"].as_u64() >= Some(50)).await;
        assert_eq!((view["state"].as_str(), &view["faults_of_ours"]), (Some("accepted"), &json!([])));
        assert_eq!(strongest_hz(&audio::opus::decode_all(&business.voice()).unwrap()), 440);
        let wav = world.http.get(world.url(&control(&call, "heard.wav"))).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(strongest_hz(&audio::pcm::Pcm::from_wav(&wav).unwrap().samples), 700);
        assert_eq!(world.action("terminate", &call, "").await.0, 200);
        let end = world.webhook("terminate").await.call();
        assert_eq!((end["status"].as_str(), end["duration"].is_u64()), (Some("COMPLETED"), true));
        assert_eq!(order(&world), ["connect", "RINGING", "ACCEPTED", "terminate"]);
    }
}

#[tokio::test]
async fn every_webhook_of_a_call_has_the_documented_shape() {
    let world = World::new().await;
    world.control("PUT", &format!("users/{USER}"), json!({"name": "Ana"})).await;
    world.control("PUT", &format!("users/{USER}/permission"), json!({"status": "permanent"})).await;
    world
        .control("PUT", &format!("users/{USER}/script"), json!({"then": "answer", "after_ms": 20, "talk_ms": 60}))
        .await;
    let body = json!({"messaging_product": "whatsapp", "to": "+1 (555) 000-1111", "recipient": "US.1", "action": "connect",
                      "biz_opaque_callback_data": "order 42", "session": {"sdp_type": "offer", "sdp": good_offer()}});
    let (status, answer) = world.graph(body).await;
    let call = answer["calls"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((status, answer), (200, json!({"messaging_product": "whatsapp", "calls": [{"id": call}]})));
    assert!(call.starts_with("wacid.HBgLMTU1NTAwMDExMTEVAgARGC"), "the byte of business-initiated calls: {call}");

    let connect = world.webhook("connect").await;
    let mut got = connect.call();
    let sdp = got["session"]["sdp"].take();
    assert_eq!(got["timestamp"].take().as_str().unwrap().len(), 10);
    let wanted = json!({"id": call, "from": "15559990000", "to": USER, "event": "connect", "timestamp": null,
                        "direction": "BUSINESS_INITIATED", "biz_opaque_callback_data": "order 42",
                        "session": {"sdp_type": "answer", "sdp": null}});
    assert_eq!(got, wanted);
    assert!(sdp.as_str().unwrap().ends_with("\r\n"));
    assert_eq!(connect.json()["entry"][0]["changes"][0]["field"], "calls");
    assert_eq!(connect.value()["contacts"], json!([{"profile": {"name": "Ana"}, "wa_id": USER}]));

    for word in ["RINGING", "ACCEPTED"] {
        let mut value = world.webhook(word).await.value();
        assert!(value["statuses"][0]["timestamp"].take().is_string());
        let status = json!({"id": call, "timestamp": null, "type": "call", "status": word, "recipient_id": USER,
                            "biz_opaque_callback_data": "order 42"});
        let metadata = json!({"display_phone_number": "15559990000", "phone_number_id": "106540352242922"});
        let wanted = json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]});
        assert_eq!(value, wanted);
    }
    let end = world.webhook("terminate").await.call();
    assert_eq!((end["from"].as_str(), end["to"].as_str()), (Some("15559990000"), Some(USER)));
    assert_eq!((end["direction"].as_str(), end["status"].as_str()), (Some("BUSINESS_INITIATED"), Some("COMPLETED")));
    assert_eq!(end["biz_opaque_callback_data"], "order 42");
    assert!(end["start_time"].is_string() && end["end_time"].is_string() && end["duration"].is_u64());
    assert_eq!(world.show(&call).await["terminate"]["by"], "user hung up");
}

#[tokio::test]
async fn the_answer_mirrors_the_offer_in_both_styles() {
    let offer = good_offer().replace("BUNDLE audio", "BUNDLE 0").replace("mid:audio", "mid:0");
    let offer = offer.replace("111 126", "96 101 9 63").replace("rtpmap:111", "rtpmap:96");
    let offer = offer
        .replace("rtpmap:126", "rtpmap:101")
        .replace("a=ptime", "a=rtpmap:9 G722/8000\r\na=rtpmap:63 red/48000/2\r\na=ptime");
    for (old, wanted, absent) in [
        (false, ["SAVPF 96 101\r\n", "a=rtpmap:101 telephone-event/8000\r\n", "WhatsAppTrack1"], "a=extmap"),
        (true, ["SAVPF 96 101 9\r\n", "a=ice-options:trickle\r\n", " mslabel:"], "WhatsAppTrack1"),
    ] {
        let world = World::new().await;
        world.place(USER, json!({"faults": {"old_sdp": old, "lax_codecs": true}}), &offer).await;
        let sdp = world.webhook("connect").await.call()["session"]["sdp"].as_str().unwrap().to_owned();
        for line in
            ["a=group:BUNDLE 0\r\n", "a=mid:0\r\n", "a=ice-lite\r\n", "a=rtpmap:96 opus/48000/2\r\n", "typ host"]
        {
            assert!(sdp.contains(line), "{line} in {sdp}");
        }
        wanted.iter().for_each(|line| assert!(sdp.contains(line), "{line} in {sdp}"));
        assert!(!sdp.contains(absent), "{absent} in {sdp}");
        assert_eq!(sdp.matches("a=fingerprint:sha-256 ").count(), 1);
    }
    let world = World::new().await;
    let no_keys = good_offer().replace("111 126", "111").replace("a=rtpmap:126 telephone-event/8000\r\n", "");
    world.place(USER, json!({}), &no_keys).await;
    let sdp = world.webhook("connect").await.call()["session"]["sdp"].to_string();
    assert!(sdp.contains("SAVPF 111 126") && sdp.contains("rtpmap:126 telephone-event/8000"), "{sdp}");
}

#[tokio::test]
async fn what_is_not_picked_up_is_completed_without_times() {
    let rows = [
        (json!({"then": "decline", "after_ms": 20}), vec!["connect", "RINGING", "REJECTED", "terminate"], "declined"),
        (json!({"then": "busy"}), vec!["connect", "REJECTED", "terminate"], "declined"),
        (json!({"faults": {"ring_ms": 400}}), vec!["connect", "RINGING", "terminate"], "not answered"),
        (json!({"then": "unreachable", "faults": {"ring_ms": 200}}), vec!["connect", "terminate"], "not answered"),
    ];
    for (script, wanted, by) in rows {
        let world = World::new().await;
        let call = world.place(USER, script, &good_offer()).await;
        let end = world.webhook("terminate").await.call();
        assert_eq!(end["status"], "COMPLETED");
        for key in ["start_time", "end_time", "duration", "errors"] {
            assert_eq!(end.get(key), None, "{by}");
        }
        let mut got = order(&world);
        // REJECTED and terminate leave at the same moment, and webhooks keep no order.
        got[wanted.len().saturating_sub(2)..].sort_by_key(|what| wanted.iter().position(|w| w == what));
        assert_eq!(got, wanted);
        assert_eq!(world.show(&call).await["terminate"]["by"], by);
        let (status, answer) = world.action("terminate", &call, "").await;
        assert_eq!((status, answer["error"]["code"].as_u64()), (400, Some(100)));
    }
}

#[tokio::test]
async fn the_business_can_give_up_while_it_rings_and_the_user_by_hand() {
    let world = World::new().await;
    let call = world.place(USER, json!({"ring_after_ms": 0}), &good_offer()).await;
    world.webhook("RINGING").await;
    for (action, sdp) in [("pre_accept", good_offer()), ("accept", good_offer()), ("reject", String::new())] {
        assert_eq!(world.action(action, &call, &sdp).await.0, 400, "{action} is for calls of users");
    }
    assert_eq!(world.action("terminate", &call, "").await.0, 200);
    assert_eq!(world.webhook("terminate").await.call().get("duration"), None);
    assert_eq!(world.post(&call, "answer", json!({})).await, 409);
    let second = world.place(USER, json!({"ring_after_ms": 0}), &good_offer()).await;
    assert_eq!(world.post(&second, "answer", json!({"source": "speech"})).await, 200);
    world.webhook("ACCEPTED").await;
    assert_eq!(world.post(&second, "hang-up", json!({})).await, 204);
    let third = world.place(USER, json!({"ring_after_ms": 60000}), &good_offer()).await;
    assert_eq!(world.post(&third, "decline", json!({})).await, 204);
    world.webhook("REJECTED").await;
    assert_eq!(world.post(&third, "decline", json!({})).await, 409);
}

#[tokio::test]
async fn an_answer_can_come_late_and_webhooks_can_be_doubled_lost_and_out_of_order() {
    let world = World::new().await;
    let faults = json!({"delay_ms": 500, "duplicate": 1, "drop": "accepted", "accepted_lag_ms": 50});
    let script = json!({"then": "answer", "ring_after_ms": 0, "after_ms": 0, "faults": faults});
    let call = world.place(USER, script, &good_offer()).await;
    world.webhooks_of("connect", 2).await;
    assert_eq!(order(&world), ["RINGING", "RINGING", "connect", "connect"]);
    assert!(world.show(&call).await["events"].to_string().contains("webhook accepted: dropped on purpose"));

    let world = World::new().await;
    let faults = json!({"shuffle_ms": 300, "shuffled_keys": true, "legacy_connection": true, "status_contacts": true});
    let script = json!({"then": "answer", "ring_after_ms": 0, "after_ms": 0, "talk_ms": 0, "faults": faults});
    world.place(USER, script, &good_offer()).await;
    for what in ["connect", "RINGING", "ACCEPTED", "terminate"] {
        world.webhook(what).await;
    }
    let connect = world.webhook("connect").await.call();
    let legacy: Value = serde_json::from_str(connect["connection"]["webrtc"]["sdp"].as_str().unwrap()).unwrap();
    assert_eq!(legacy, json!({"type": "answer", "sdp": connect["session"]["sdp"]}));
    assert!(world.webhook("RINGING").await.value()["contacts"].is_array());
}

#[tokio::test]
async fn ghosts_of_a_call_come_after_its_end_with_their_old_timestamps() {
    let world = World::new().await;
    let faults = json!({"ghosts_after_ms": 100, "stale_secs": 600, "drop": "connect"});
    let call = world.place(USER, json!({"then": "decline", "after_ms": 0, "faults": faults}), &good_offer()).await;
    world.webhooks_of("terminate", 2).await;
    world.webhooks_of("REJECTED", 2).await;
    let connect = world.webhook("connect").await;
    let ringing = world.webhooks_of("RINGING", 2).await;
    assert_eq!(ringing[0].bytes, ringing[1].bytes);
    assert_eq!(world.show(&call).await["state"], "ended");
    let stamp: u64 = connect.call()["timestamp"].as_str().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((598..640).contains(&(now - stamp)));
    let first_end = world.webhook("terminate").await.at;
    assert!(connect.at > first_end && ringing[1].at > first_end);
}

#[tokio::test]
async fn a_call_can_fail_with_each_documented_code() {
    for code in 138_019..=138_023 {
        let world = World::new().await;
        world.place(USER, json!({"faults": {"fail_code": code, "fail_after_ms": 30}}), &good_offer()).await;
        let end = world.webhook("terminate").await;
        assert_eq!((end.call()["status"].as_str(), end.call().get("duration")), (Some("FAILED"), None));
        assert_eq!(end.value()["errors"], end.call()["errors"]);
        assert_eq!(end.call()["errors"][0]["code"], code);
    }
}

#[tokio::test]
async fn twenty_seconds_without_media_end_a_call_by_the_business_too() {
    let world = World::scaled(0.02).await;
    world.place(USER, json!({"then": "answer", "ring_after_ms": 0, "after_ms": 0}), &good_offer()).await;
    let end = world.webhook("terminate").await.call();
    assert_eq!((end["status"].as_str(), end["errors"][0]["code"].as_u64()), (Some("FAILED"), Some(138_021)));
    assert!((20..=25).contains(&end["duration"].as_u64().unwrap()), "{end}");
}

#[tokio::test]
async fn a_user_without_a_number_is_called_by_the_business_scoped_id() {
    let world = World::new().await;
    world.control("PUT", &format!("users/{USER}/permission"), json!({"status": "temporary"})).await;
    let script = json!({"ring_after_ms": 0, "faults": {"missing_phone": true, "missing_contacts": true}});
    world.control("PUT", &format!("users/{USER}/script"), script).await;
    let body = json!({"messaging_product": "whatsapp", "recipient": "US.134915550001111", "action": "connect",
                      "session": {"sdp_type": "offer", "sdp": good_offer()}});
    assert_eq!(world.graph(body).await.0, 200);
    let connect = world.webhook("connect").await.call();
    assert_eq!((connect.get("to"), &connect["to_user_id"]), (None, &json!("US.134915550001111")));
    assert_eq!(connect["from"], "15559990000");
    let status = &world.webhook("RINGING").await.value()["statuses"][0];
    assert_eq!((status.get("recipient_id"), &status["recipient_user_id"]), (None, &json!("US.134915550001111")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_is_rung_and_its_browser_picks_up() {
    let world = World::new().await;
    let mut page = world.http.get(world.url(&format!("/control/events?phone={USER}"))).send().await.unwrap();
    world.control("PUT", "script", json!({"then": "decline", "after_ms": 0})).await;
    world.control("PUT", &format!("users/{USER}/permission"), json!({"status": "permanent"})).await;
    let business = Business::offer();
    let (status, answer) = world.connect(USER, &business.answer).await;
    assert_eq!(status, 200, "{answer}");
    let call = answer["calls"][0]["id"].as_str().unwrap().to_owned();
    let mut told = String::new();
    while !told.contains("\"state\":\"ringing\"") {
        told.push_str(&String::from_utf8_lossy(&page.chunk().await.unwrap().unwrap()));
    }
    assert!(told.contains(&call) && told.contains("business_initiated"), "{told}");
    business.accept(world.webhook("connect").await.call()["session"]["sdp"].as_str().unwrap());
    let browser = Business::offer();
    let (status, picked) = world.ask("POST", &control(&call, "answer"), json!({"offer": browser.answer})).await;
    assert_eq!(status, 200, "{picked}");
    browser.accept(picked["answer"].as_str().unwrap());
    world.webhook("ACCEPTED").await;
    browser.talk(true);
    business.talk(true);
    business.until("the browser's voice", |seen| seen.of_type(111).len() >= 20).await;
    browser.until("the business's voice", |seen| seen.of_type(111).len() >= 20).await;
    drop(page);
    assert_eq!(world.show(&call).await["media"]["browser"]["connected"], true);
    let closed = std::time::Instant::now();
    while world.control("GET", &format!("users/{USER}"), Value::Null).await["pages"] != 0 {
        assert!(closed.elapsed().as_secs() < 20, "the page was never missed");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
