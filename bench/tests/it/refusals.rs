//! Every error code of the API: by the state that leads to it, and on order.

use serde_json::{Value, json};

use crate::world::{World, good_offer};

const USER: &str = "15550001111";

fn row(answer: &(u16, Value)) -> (u16, u64) {
    (answer.0, answer.1["error"]["code"].as_u64().unwrap_or_default())
}

#[tokio::test]
async fn a_connect_is_refused_in_the_order_of_the_checks() {
    let world = World::new().await;
    let number = |changes: Value| world.control("POST", "number", changes);
    let traits = |traits: Value| world.control("PUT", "users/15550001111", json!({"traits": traits}));
    // Everything is wrong at once; one thing after the other is put right.
    number(json!({"restricted": true, "business_calls": false, "allow_list": ["1"], "connects_a_day": 0,
                  "concurrent_calls": 0, "calls_a_day": 0}))
    .await;
    traits(json!({"callable": false})).await;
    let try_it = || world.connect(USER, "no sdp");
    assert_eq!(row(&try_it().await), (400, 138_014));
    number(json!({"restricted": false})).await;
    assert_eq!(row(&try_it().await), (400, 138_013));
    number(json!({"business_calls": true})).await;
    assert_eq!(row(&try_it().await), (400, 131_030));
    number(json!({"allow_list": [USER]})).await;
    assert_eq!(row(&try_it().await), (400, 138_001));
    traits(json!({})).await;
    assert_eq!(row(&try_it().await), (401, 138_006));
    world.control("PUT", "users/15550001111/permission", json!({"status": "permanent"})).await;
    let limited = try_it().await;
    assert_eq!(row(&limited), (400, 138_012));
    assert!(limited.1["error"]["error_data"]["details"].as_str().unwrap().contains("next call is allowed at 1"));
    number(json!({"calls_a_day": 100})).await;
    assert_eq!(row(&try_it().await), (429, 138_005));
    number(json!({"connects_a_day": 1})).await;
    assert_eq!(row(&try_it().await), (429, 138_002));
    number(json!({"concurrent_calls": 2})).await;
    assert_eq!(row(&try_it().await), (400, 100));
    world.control("PUT", "users/15550001111/script", json!({"faults": {"sdp_138008": true}})).await;
    let bad = try_it().await;
    assert_eq!((row(&bad), bad.1["error"]["error_subcode"].as_u64()), ((400, 138_008), Some(2_494_010)));
    world.control("PUT", "users/15550001111/script", json!({"faults": {"connect_timeout": true}})).await;
    assert_eq!(row(&world.connect(USER, &good_offer()).await), (500, 138_007));
    world.control("PUT", "users/15550001111/script", json!({})).await;
    assert_eq!(world.connect(USER, &good_offer()).await.0, 200);
    assert_eq!(row(&try_it().await), (429, 138_005), "one call a day");
    number(json!({"connects_a_day": 10})).await;
    assert_eq!(row(&world.connect(USER, &good_offer()).await), (400, 138_003));
}

#[tokio::test]
async fn picked_up_calls_are_counted_for_a_day_and_the_permission_stays() {
    let world = World::new().await;
    world.control("POST", "number", json!({"calls_a_day": 1})).await;
    let script = json!({"then": "answer", "ring_after_ms": 0, "after_ms": 0, "talk_ms": 0});
    world.place(USER, script, &good_offer()).await;
    world.webhook("terminate").await;
    assert_eq!(row(&world.connect(USER, &good_offer()).await), (400, 138_012));
    let path = format!("/v23.0/106540352242922/call_permissions?user_wa_id={USER}");
    let (_, read) = world.ask("GET", &path, Value::Null).await;
    assert_eq!(read["permission"], json!({"status": "permanent"}));
    let calls = &read["actions"][1];
    assert_eq!((calls["action_name"].as_str(), &calls["can_perform_action"]), (Some("start_call"), &json!(false)));
    assert!(calls["limits"][0]["limit_expiration_time"].is_u64());
    world.control("POST", "clock", json!({"advance_secs": 86_400})).await;
    assert_eq!(world.connect(USER, &good_offer()).await.0, 200);
}

#[tokio::test]
async fn a_bad_connect_body_is_an_invalid_parameter() {
    let world = World::new().await;
    world.control("PUT", "users/15550001111/permission", json!({"status": "permanent"})).await;
    let body = |changes: Value| {
        let mut body = json!({"messaging_product": "whatsapp", "to": USER, "action": "connect",
                              "session": {"sdp_type": "offer", "sdp": good_offer()}});
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    for changes in [
        json!({"to": null}),
        json!({"to": "nobody"}),
        json!({"to": null, "recipient": "US.1"}),
        json!({"session": null}),
        json!({"session": {"sdp_type": "answer", "sdp": good_offer()}}),
        json!({"session": {"sdp_type": "offer"}}),
        json!({"session": {"sdp_type": "offer", "sdp": good_offer().replace("a=ssrc:7", "a=ssrc:8 x\r\na=ssrc:7")}}),
        json!({"session": {"sdp_type": "offer", "sdp": good_offer().replace("a=ptime", "a=rtpmap:9 G722/8000\r\na=ptime")}}),
        json!({"biz_opaque_callback_data": "x".repeat(513)}),
        json!({"recording": {"status": "ENABLED", "purpose": "quality"}}),
        json!({"transcription": {"status": "ENABLED", "announcement_language": "en_US"}}),
    ] {
        let answer = world.graph(body(changes.clone())).await;
        assert_eq!(row(&answer), (400, 100), "{changes} → {answer:?}");
        assert!(answer.1["error"]["error_data"]["details"].is_string());
    }
    let recorded = json!({"recording": {"status": "ENABLED", "purpose": "quality", "announcement_language": "en_US"}});
    world.control("POST", "number", json!({"connect_says_success": true})).await;
    let (status, answer) = world.graph(body(recorded)).await;
    assert_eq!((status, answer["success"].as_bool()), (200, Some(true)), "{answer}");
}

#[tokio::test]
async fn every_code_can_be_ordered_and_has_its_status_and_metas_shape() {
    let world = World::new().await;
    let rows = [
        (100, 400),
        (190, 401),
        (10, 403),
        (200, 403),
        (613, 429),
        (131_009, 400),
        (131_030, 400),
        (131_044, 400),
        (131_047, 400),
        (131_055, 400),
        (132_001, 404),
        (138_000, 401),
        (138_001, 400),
        (138_002, 429),
        (138_003, 400),
        (138_004, 500),
        (138_005, 429),
        (138_006, 401),
        (138_007, 500),
        (138_008, 400),
        (138_009, 400),
        (138_011, 400),
        (138_012, 400),
        (138_013, 400),
        (138_014, 400),
        (138_015, 400),
        (138_017, 400),
        (138_018, 400),
    ];
    let permissions = format!("/v23.0/106540352242922/call_permissions?user_wa_id={USER}");
    for (code, status) in rows {
        for on in ["connect", "action", "messages", "permissions", "settings"] {
            world.control("POST", "refusals", json!({"on": on, "code": code})).await;
            let answer = match on {
                "connect" => world.connect(USER, &good_offer()).await,
                "action" => world.action("terminate", "wacid.x", "").await,
                "messages" => world.message(json!({})).await,
                "permissions" => world.ask("GET", &permissions, Value::Null).await,
                _ => world.ask("GET", "/v23.0/106540352242922/settings", Value::Null).await,
            };
            assert_eq!(row(&answer), (status, code), "{on}");
            let error = &answer.1["error"];
            assert!(error["message"].is_string() && error["fbtrace_id"].is_string(), "{error}");
            assert_eq!(error["type"], "OAuthException");
            if ![10, 190, 200].contains(&code) {
                assert!(error["message"].as_str().unwrap().starts_with(&format!("(#{code}) ")), "{error}");
                assert_eq!(error["error_data"]["messaging_product"], "whatsapp");
                assert!(!error["error_data"]["details"].as_str().unwrap().is_empty(), "{error}");
            }
        }
    }
    assert_eq!(world.ask("POST", "/control/refusals", json!({"on": "connect", "code": 1})).await.0, 400);
    world.control("POST", "refusals", json!({"on": "permissions", "code": 613, "times": 2})).await;
    world.control("DELETE", "refusals", Value::Null).await;
    assert_eq!(world.ask("GET", &permissions, Value::Null).await.0, 200);
}

#[tokio::test]
async fn calling_is_switched_on_only_where_meta_allows_it() {
    let world = World::new().await;
    let path = "/v23.0/106540352242922/settings";
    let enable = || world.ask("POST", path, json!({"calling": {"status": "ENABLED"}}));
    world.control("POST", "number", json!({"messaging_limit": 1000, "subscribed": false})).await;
    assert_eq!(row(&enable().await), (400, 138_015));
    world.control("POST", "number", json!({"test_number": true})).await;
    assert_eq!(row(&enable().await), (400, 138_018));
    world.control("POST", "number", json!({"subscribed": true})).await;
    assert_eq!(enable().await.0, 200);
    assert_eq!(world.ask("POST", "/control/number", json!({"nonsense": 1})).await.0, 400);
    world.control("POST", "number", json!({"restricted": true})).await;
    let read = world.ask("GET", path, Value::Null).await.1;
    let list = &read["calling"]["restrictions"]["restrictions_list"];
    assert_eq!(list[0]["type"], "RESTRICTED_BUSINESS_INITIATED_CALLING");
}
