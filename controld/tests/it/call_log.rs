//! The call log: its shape, its filters, its pages.

use controld::model::CallStatus;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::{House, Past, ready, told};

#[tokio::test]
async fn a_call_reads_as_the_contract_says() {
    let house = House::open().await;
    let id = house.put(Past::at(1)).await;
    let sam = house.login("sam@demo.example").await;
    let (_, page) = house.get(&sam, "/api/calls").await;
    assert_eq!(page["next"], json!(null));
    assert_eq!(
        page["items"][0],
        json!({
            "id": id, "wacid": "wacid.call_0001", "direction": "incoming", "status": "completed",
            "account": { "id": "acc_demo", "name": "Demo number" },
            "contact": { "name": "Maria", "phone": "34600000001" },
            "flow": { "id": "flow_demo", "name": "Main menu", "version": 1 },
            "team": { "id": "team_sales", "name": "Sales" }, "agent": { "id": "usr_ana", "name": "Ana" },
            "started_at": 1000, "answered_at": 1500, "queued_at": 2000, "connected_at": 4000, "ended_at": 10000,
            "wait_ms": 2000, "talk_ms": 6000, "hold_ms": 0, "ended_by": "caller", "end_reason": "caller_hung_up",
            "recording": "none", "digits": "1",
        })
    );
    house.put_recording(&id, b"OggS").await;
    let (_, detail) = house.get(&sam, &format!("/api/calls/{id}")).await;
    assert_eq!(
        detail["recording"],
        json!({ "id": "rec_call_0001", "state": ready(), "duration_ms": 4000, "bytes": 4, "reason": null })
    );
    assert_eq!(
        detail["timeline"],
        json!([
            { "seq": 1, "at": 1000, "kind": "digit", "text": "Pressed 1 — Sales", "data": { "digit": "1" } },
            { "seq": 2, "at": 1000, "kind": "ended", "text": "Maria hung up", "data": {} },
        ])
    );
    assert_eq!(detail["digits"], "1");
}

#[tokio::test]
async fn filters_narrow_the_log_alone_and_together() {
    let house = House::open().await;
    house.put(Past::at(1)).await;
    house.put(Past { status: CallStatus::Missed, agent: None, name: "100% Jo_e", ..Past::at(2) }).await;
    house.put(Past { status: CallStatus::Queued, agent: None, ..Past::at(3) }).await;
    let sam = house.login("sam@demo.example").await;
    let found = async |query: &str| {
        let (status, page) = house.get(&sam, &format!("/api/calls?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| call["started_at"].as_i64().unwrap() / 1000)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [3, 2, 1]);
    assert_eq!(found("status=missed").await, [2]);
    assert_eq!(found("agent=usr_ana").await, [1]);
    assert_eq!(found("agent=usr_ana&status=missed").await, [] as [i64; 0]);
    assert_eq!(found("from=2000&to=3000").await, [2]);
    assert_eq!(found("account=acc_demo&flow=flow_demo&direction=incoming").await, [3, 2, 1]);
    assert_eq!(found("direction=outgoing").await, [] as [i64; 0]);
    assert_eq!(found("q=mARI").await, [3, 1]);
    assert_eq!(found("q=%25%20jo_").await, [2]);
    assert_eq!(found("q=0%25%20jox").await, [] as [i64; 0]);
    assert_eq!(found("q=CALL_0002").await, [2]);
    assert_eq!(found("q=wacid.call_0003").await, [3]);
    assert_eq!(found("q=34600&status=&agent=").await, [3, 2, 1]);
    let (_, live) = house.get(&sam, "/api/live").await;
    assert_eq!(live.as_array().unwrap().len(), 1);
    assert_eq!(live[0]["status"], "queued");
}

#[tokio::test]
async fn pages_hold_every_call_once_though_new_ones_come_in_between() {
    let house = House::open().await;
    for n in 1..=23 {
        // Several calls of one moment: the cut between pages must not fall into them.
        house.put(Past { started_at: 1_000 * (n / 4), ..Past::at(n) }).await;
    }
    let sam = house.login("sam@demo.example").await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (_, page) = house.get(&sam, &format!("/api/calls?limit=5&cursor={cursor}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()));
        pages += 1;
        house.put(Past { started_at: 1_000_000 + pages, ..Past::at(100 + pages) }).await;
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let mut all: Vec<String> = (1..=23).map(|n| format!("call_{n:04}")).collect();
    all.reverse();
    assert_eq!(seen, all);
    assert_eq!(pages, 5);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_in_words() {
    let house = House::open().await;
    let sam = house.login("sam@demo.example").await;
    for query in ["limit=0", "limit=201", "limit=x", "cursor=zz", "status=happy", "from=yesterday", "page=2"] {
        let (status, body) = house.get(&sam, &format!("/api/calls?{query}")).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")), "{query}");
    }
    let (status, body) = told(house.as_page(&sam, Method::GET, "/api/nothing").send().await.unwrap()).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
}

#[tokio::test]
async fn ending_a_call_that_is_over_is_a_conflict_and_is_written_down() {
    let house = House::open().await;
    let id = house.put(Past::at(1)).await;
    let sam = house.login("sam@demo.example").await;
    let path = format!("/api/calls/{id}/hang-up");
    let (status, body) = told(house.as_page(&sam, Method::POST, &path).send().await.unwrap()).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert_eq!(house.app.store.deeds("call.hang_up", id.as_str()).await.unwrap(), 1);
}
