//! Sound through the relay, both ways, and the rules about it.

use std::time::Duration;

use serde_json::json;

use crate::business::Business;
use crate::world::{World, control};

struct Picked {
    call: String,
    business: Business,
}

/// Dials, answers, pre-accepts, waits for DTLS, accepts.
async fn pick_up(world: &World, body: serde_json::Value) -> Picked {
    let call = world.dial(body).await;
    let offer = world.show(&call).await["offer"].as_str().unwrap().to_owned();
    let business = Business::answer(&offer);
    assert_eq!(world.action("pre_accept", &call, &business.answer).await.0, 200);
    business.until("DTLS", |seen| seen.connected).await;
    assert_eq!(world.action("accept", &call, &business.answer).await.0, 200);
    Picked { call, business }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_hear_each_other_and_nothing_flows_before_accept() {
    let world = World::new().await;
    let call = world.dial(json!({"source": "tone", "tone_hz": 440})).await;
    let offer = world.show(&call).await["offer"].as_str().unwrap().to_owned();
    let business = Business::answer(&offer);
    assert!(business.answer.contains("a=setup:active"), "{}", business.answer);
    assert_eq!(world.action("pre_accept", &call, &business.answer).await.0, 200);
    business.until("DTLS", |seen| seen.connected).await;
    let view = world.until(&call, |view| !view["media"]["dtls_ms"].is_null()).await;
    assert_eq!(view["media"]["rtp_out"], 0);
    assert!(business.seen.lock().unwrap().rtp.is_empty());

    assert_eq!(world.action("accept", &call, &business.answer).await.0, 200);
    business.talk(true);
    business.until("75 packets", |seen| seen.of_type(111).len() >= 75).await;
    let view = world.until(&call, |view| view["media"]["rtp_in"].as_u64() >= Some(75)).await;
    assert_eq!(view["faults_of_ours"], json!([]));
    assert_eq!(view["media"]["ssrcs_in"].as_array().unwrap().len(), 1);
    assert_eq!(view["media"]["refused"], 0);
    {
        let seen = business.seen.lock().unwrap();
        for pair in seen.of_type(111).windows(2) {
            assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
            assert_eq!(pair[1].header.timestamp, pair[0].header.timestamp.wrapping_add(960));
        }
    }
    assert_eq!(strongest_hz(&audio::opus::decode_all(&business.voice()).unwrap()), 440);
    let wav = world.http.get(world.url(&control(&call, "heard.wav"))).send().await.unwrap().bytes().await.unwrap();
    let heard = audio::pcm::Pcm::from_wav(&wav).unwrap();
    assert_eq!(strongest_hz(&heard.samples), 700);
    let ogg = world.http.get(world.url(&control(&call, "heard.ogg"))).send().await.unwrap().bytes().await.unwrap();
    let links = audio::ogg_opus::read(&ogg, &audio::limits::Limits::UPLOAD).unwrap();
    assert!(links[0].packets.len() >= 75);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_a_telephone_event_with_three_ends_in_the_voices_own_numbers() {
    let world = World::new().await;
    let picked = pick_up(&world, json!({"source": "silence"})).await;
    picked.business.until("voice", |seen| seen.of_type(111).len() >= 5).await;
    assert_eq!(world.post(&picked.call, "digits", json!({"digits": "1#"})).await, 204);
    picked
        .business
        .until("two keys and voice after", |seen| {
            seen.of_type(126).len() >= 22 && *seen.rtp.last().unwrap().header.payload_type == 111
        })
        .await;
    let seen = picked.business.seen.lock().unwrap();
    let keys = seen.of_type(126);
    assert_eq!(keys.len(), 22);
    let (one, hash) = keys.split_at(11);
    for (event, packets) in [(1, one), (11, hash)] {
        let timestamp = packets[0].header.timestamp;
        assert!(packets[0].header.marker);
        assert!(packets.iter().all(|p| p.payload[0] == event && p.header.timestamp == timestamp));
        let ends: Vec<_> = packets.iter().filter(|p| p.payload[1] & 0x80 != 0).collect();
        assert_eq!(ends.len(), 3);
        assert!(ends.iter().all(|p| p.payload[2..4] == 1280u16.to_be_bytes()));
    }
    // One SSRC, one run of sequence numbers, and a clock that goes on where it was.
    assert!(seen.rtp.windows(2).all(|pair| *pair[1].seq_no == *pair[0].seq_no + 1));
    assert!(seen.rtp.iter().all(|packet| packet.header.ssrc == seen.rtp[0].header.ssrc));
    let voice: Vec<_> = seen.of_type(111).iter().map(|packet| packet.header.timestamp).collect();
    assert!(voice.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) % 960 == 0));
    let before = voice.iter().rfind(|at| one[0].header.timestamp.wrapping_sub(**at) < 48_000).unwrap();
    assert_eq!(one[0].header.timestamp.wrapping_sub(*before), 960);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_before_accept_is_reported_as_a_fault_of_the_business() {
    let world = World::new().await;
    let call = world.dial(json!({"source": "silence"})).await;
    let offer = world.show(&call).await["offer"].as_str().unwrap().to_owned();
    let business = Business::answer(&offer);
    business.talk(true);
    assert_eq!(world.action("pre_accept", &call, &business.answer).await.0, 200);
    let view = world.until(&call, |view| view["faults_of_ours"].as_array().unwrap().len() == 1).await;
    assert_eq!(view["faults_of_ours"], json!(["rtp before accept"]));
    assert_eq!(view["state"], "pre_accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_share_the_relays_one_address_and_do_not_mix() {
    let world = World::new().await;
    let mut picked = Vec::new();
    for hz in [300, 500, 900] {
        let one = pick_up(&world, json!({"source": "tone", "tone_hz": hz})).await;
        one.business.talk(true);
        picked.push((hz, one));
    }
    for (hz, one) in &picked {
        one.business.until("50 packets", |seen| seen.of_type(111).len() >= 50).await;
        let payloads = one.business.voice();
        assert_eq!(strongest_hz(&audio::opus::decode_all(&payloads).unwrap()), *hz);
        world.until(&one.call, |view| view["media"]["rtp_in"].as_u64() >= Some(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_padded_password_an_old_offer_an_rsa_certificate_and_aead_still_make_a_call() {
    let world = World::new().await;
    let rows = [
        json!({"ice_pwd_padded": true}),
        json!({"old_sdp": true}),
        json!({"rsa_certificate": true}),
        json!({"aead": true}),
    ];
    for faults in rows {
        println!("{faults}");
        let picked = pick_up(&world, json!({"source": "silence", "faults": faults})).await;
        picked.business.talk(true);
        picked.business.until("voice", |seen| seen.of_type(111).len() >= 5).await;
        world.until(&picked.call, |view| view["media"]["rtp_in"].as_u64() >= Some(5)).await;
        let offer = world.show(&picked.call).await["offer"].as_str().unwrap().to_owned();
        assert_eq!(offer.contains("==\r\n"), faults == json!({"ice_pwd_padded": true}));
        assert_eq!(offer.contains("a=extmap:"), faults == json!({"old_sdp": true}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_told_never_to_send_first_waits_for_the_business() {
    let world = World::new().await;
    let picked = pick_up(&world, json!({"source": "tone", "faults": {"never_send_first": true}})).await;
    let view = world.until(&picked.call, |view| view["age_ms"].as_u64() > Some(400)).await;
    assert_eq!(view["media"]["rtp_out"], 0);
    picked.business.talk(true);
    picked.business.until("voice", |seen| seen.of_type(111).len() >= 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_goes_silent_loses_the_call() {
    let world = World::new().await;
    let knobs = json!({"mid_silence_ms": 400, "start_silence_ms": 5000});
    let picked = pick_up(&world, json!({"source": "silence", "faults": knobs})).await;
    picked.business.talk(true);
    world.until(&picked.call, |view| view["media"]["rtp_in"].as_u64() >= Some(10)).await;
    picked.business.talk(false);
    let view = world.until(&picked.call, |view| view["state"] == "ended").await;
    assert_eq!(view["terminate"]["code"], 138021);
    assert_eq!(view["terminate"]["status"], "FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_alone_keep_a_silent_call_alive() {
    let world = World::new().await;
    let call = world.dial(json!({"source": "silence", "faults": {"mid_silence_ms": 600}})).await;
    let offer = world.show(&call).await["offer"].as_str().unwrap().to_owned();
    let business = Business::answer_reporting(&offer, Duration::from_millis(100));
    assert_eq!(world.action("accept", &call, &business.answer).await.0, 200);
    business.talk(true);
    world.until(&call, |view| view["media"]["rtp_in"].as_u64() >= Some(10)).await;
    business.talk(false);
    let silent = |view: &serde_json::Value| {
        view["age_ms"].as_u64() > view["media"]["last_rtp_in_ms"].as_u64().map(|last_ms| last_ms + 1800)
    };
    let view = world.until(&call, silent).await;
    assert_eq!(view["state"], "accepted");
    assert!(view["media"]["rtcp_in"].as_u64() >= Some(10));
}

/// The strongest of the tones the tests use.
pub fn strongest_hz(samples: &[f32]) -> u32 {
    let power = |hz: u32| {
        let step = std::f64::consts::TAU * f64::from(hz) / 48_000.0;
        let (mut re, mut im) = (0.0f64, 0.0f64);
        for (index, sample) in samples.iter().enumerate() {
            let angle = step * index as f64;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        re * re + im * im
    };
    [300, 440, 500, 700, 900].into_iter().max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_answers_passive_is_called_by_the_relay() {
    let world = World::new().await;
    let call = world.dial(json!({"source": "silence"})).await;
    let offer = world.show(&call).await["offer"].as_str().unwrap().to_owned();
    let business = Business::answer_as_offered(&offer);
    assert!(business.answer.contains("a=setup:passive"));
    assert_eq!(world.action("accept", &call, &business.answer).await.0, 200);
    business.until("voice", |seen| seen.of_type(111).len() >= 5).await;
}
