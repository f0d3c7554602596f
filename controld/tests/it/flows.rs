//! Flows over HTTP: drawn by two people at once, checked, published, compared, taken away and brought back.

use controld::ivr::demo::MAIN_MENU;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, Past, told};

struct Editor {
    house: House,
    cookie: String,
}

impl Editor {
    async fn open() -> Self {
        let house = House::open_with(|_| ()).await;
        put_demo_sounds(&house);
        let cookie = house.login("admin@demo.example").await;
        Self { house, cookie }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.house.as_page(&self.cookie, method, path);
        told(if body.is_null() { request } else { request.json(&body) }.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn create(&self, name: &str, flow: Value) -> Value {
        let (status, draft) = self.ask(Method::POST, "/api/flows", json!({ "name": name, "flow": flow })).await;
        assert_eq!(status, StatusCode::CREATED, "{draft}");
        draft
    }

    async fn save(&self, id: &str, revision: i64, flow: &Value) -> (StatusCode, Value) {
        let body = json!({ "revision": revision, "flow": flow });
        self.ask(Method::PUT, &format!("/api/flows/{id}/draft"), body).await
    }

    async fn publish(&self, id: &str, revision: i64) -> (StatusCode, Value) {
        let body = json!({ "revision": revision, "note": "because" });
        self.ask(Method::POST, &format!("/api/flows/{id}/publish"), body).await
    }
}

fn put_demo_sounds(house: &House) {
    let audio = std::path::Path::new(&house.app.config.calling.audio_dir);
    controld::app::demo::put_sounds(audio).unwrap();
}

fn menu() -> Value {
    serde_json::from_str(MAIN_MENU).unwrap()
}

fn codes(problems: &Value) -> Vec<(String, Value)> {
    let problems = problems.as_array().unwrap();
    problems.iter().map(|one| (one["code"].as_str().unwrap().to_owned(), one["node"].clone())).collect()
}

#[tokio::test]
async fn a_flow_is_created_drawn_published_and_changed_again() {
    let editor = Editor::open().await;
    let draft = editor.create("Reception", Value::Null).await;
    let id = draft["id"].as_str().unwrap();
    assert_eq!((draft["revision"].clone(), draft["published_version"].clone()), (json!(1), Value::Null));
    assert_eq!(codes(&draft["problems"]), [("no_entry".to_owned(), Value::Null)]);
    assert_eq!(draft["updated_by"], json!({ "id": "usr_admin", "name": "Admin" }));
    let (status, saved) = editor.save(id, 1, &menu()).await;
    assert_eq!(
        (status, saved["revision"].clone(), saved["name"].clone()),
        (StatusCode::OK, json!(2), json!("Main menu"))
    );
    assert_eq!(saved["problems"], json!([]));
    let (status, version) = editor.publish(id, 2).await;
    assert_eq!(
        (status, version["version"].clone(), version["is_current"].clone()),
        (StatusCode::CREATED, json!(1), json!(true))
    );
    assert_eq!(
        (version["note"].clone(), version["published_by"]["id"].clone()),
        (json!("because"), json!("usr_admin"))
    );
    let draft = editor.get(&format!("/api/flows/{id}/draft")).await;
    assert_eq!((draft["changed"].clone(), draft["published_version"].clone()), (json!(false), json!(1)));
    let mut next = menu();
    next["nodes"][1]["timeout_secs"] = json!(7);
    let (_, saved) = editor.save(id, 2, &next).await;
    assert_eq!(saved["changed"], true);
    let published = editor.get(&format!("/api/flows/{id}/versions/1")).await;
    assert_eq!(published["flow"]["nodes"][1]["timeout_secs"], 10, "a version never changes");
    assert_eq!(editor.get(&format!("/api/flows/{id}")).await["flow"]["nodes"][1]["timeout_secs"], 10);
    assert_eq!(editor.house.app.store.deeds("flow.publish", &format!("{id} v1")).await.unwrap(), 1);
}

#[tokio::test]
async fn whoever_saves_second_is_told_and_nothing_is_lost() {
    let editor = Editor::open().await;
    let id = editor.create("Two", menu()).await["id"].as_str().unwrap().to_owned();
    let (mut mine, mut yours) = (menu(), menu());
    mine["name"] = json!("Mine");
    yours["name"] = json!("Yours");
    let (one, other) = tokio::join!(editor.save(&id, 1, &mine), editor.save(&id, 1, &yours));
    let (won, lost) = if one.0 == StatusCode::OK { (one, other) } else { (other, one) };
    assert_eq!((won.0, lost.0), (StatusCode::OK, StatusCode::CONFLICT));
    assert_eq!(lost.1["error"]["code"], "moved");
    assert_eq!(
        (lost.1["draft"]["revision"].clone(), lost.1["draft"]["flow"].clone()),
        (json!(2), won.1["flow"].clone())
    );
    let (status, body) = editor.publish(&id, 1).await;
    assert_eq!((status, body["error"]["code"].clone()), (StatusCode::CONFLICT, json!("moved")));
    assert_eq!(editor.get(&format!("/api/flows/{id}/draft")).await["flow"], won.1["flow"]);
}

#[tokio::test]
async fn errors_block_a_publication_and_warnings_do_not() {
    let editor = Editor::open().await;
    let mut bad = menu();
    bad["nodes"][2]["team"] = json!("team_of_others");
    bad["nodes"][0]["prompt"] = json!({ "clip": "org_other/theirs.ogg" });
    bad["exits"].as_array_mut().unwrap().remove(5);
    let draft = editor.create("Bad", bad.clone()).await;
    let wanted = [("missing_audio", "welcome"), ("missing_target", "sales"), ("unconnected", "menu")];
    let mut found = codes(&draft["problems"]);
    found.sort_by_key(|(code, _)| code.clone());
    assert_eq!(found, wanted.map(|(code, node)| (code.to_owned(), json!(node))));
    let id = draft["id"].as_str().unwrap();
    let (status, refused) = editor.publish(id, 1).await;
    assert_eq!((status, refused["error"]["code"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!("has_problems")));
    assert_eq!(refused["problems"], draft["problems"]);
    assert_eq!(editor.get(&format!("/api/flows/{id}/versions")).await, json!([]));
    let mut odd = menu();
    odd["nodes"].as_array_mut().unwrap().push(json!({ "id": "alone", "kind": "hangup" }));
    let lint = format!("/api/flows/{id}/lint");
    let (_, checked) = editor.ask(Method::POST, &lint, json!({ "flow": odd })).await;
    assert_eq!(
        (checked["publishable"].clone(), codes(&checked["problems"])),
        (json!(true), vec![("unreachable".to_owned(), json!("alone"))])
    );
    assert_eq!(editor.ask(Method::POST, &lint, json!({})).await.1["publishable"], false, "the draft");
    assert_eq!(editor.save(id, 1, &odd).await.0, StatusCode::OK);
    assert_eq!(editor.publish(id, 2).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_loop_over_two_flows_is_seen_when_the_second_is_published() {
    let editor = Editor::open().await;
    let jump = |to: &str| {
        json!({ "entry": "g", "nodes": [
            { "id": "g", "kind": "greeting", "prompt": { "clip": "demo/welcome.ogg" } },
            { "id": "j", "kind": "goto_flow", "flow": to }], "exits": [{ "from": "g", "on": "default", "to": "j" }] })
    };
    let one = editor.create("One", jump("flow_demo")).await["id"].as_str().unwrap().to_owned();
    assert_eq!(editor.publish(&one, 1).await.0, StatusCode::CREATED);
    let two = editor.create("Two", jump(&one)).await["id"].as_str().unwrap().to_owned();
    assert_eq!(editor.publish(&two, 1).await.0, StatusCode::CREATED);
    let mut back = jump(&two);
    back["name"] = json!("One");
    let (_, saved) = editor.save(&one, 1, &back).await;
    assert!(codes(&saved["problems"]).contains(&("loop_unheard".to_owned(), json!("g"))), "{}", saved["problems"]);
    assert_eq!(editor.publish(&one, 2).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn rolling_back_gives_new_calls_the_old_version_and_keeps_the_draft() {
    let editor = Editor::open().await;
    let mut next = menu();
    next["nodes"][1]["max_retries"] = json!(1);
    assert_eq!(editor.save("flow_demo", 1, &next).await.0, StatusCode::OK);
    assert_eq!(editor.publish("flow_demo", 2).await.1["version"], 2);
    editor.house.put(Past::at(1)).await;
    let (status, back) = editor.ask(Method::POST, "/api/flows/flow_demo/versions/1/rollback", Value::Null).await;
    assert_eq!((status, back["is_current"].clone(), back["calls"].clone()), (StatusCode::OK, json!(true), json!(1)));
    let versions = editor.get("/api/flows/flow_demo/versions").await;
    let told: Vec<_> =
        versions.as_array().unwrap().iter().map(|one| (one["version"].clone(), one["is_current"].clone())).collect();
    assert_eq!(told, [(json!(2), json!(false)), (json!(1), json!(true))]);
    let live = editor.house.app.store.published_flow(&"org_demo".into(), &"flow_demo".into()).await.unwrap().unwrap();
    assert_eq!(live.0, 1);
    assert_eq!(editor.get("/api/flows/flow_demo/draft").await["flow"]["nodes"][1]["max_retries"], 1);
    assert_eq!(editor.publish("flow_demo", 2).await.1["version"], 3, "numbers are never used twice");
    let (status, _) = editor.ask(Method::POST, "/api/flows/flow_demo/versions/9/rollback", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_bodies_are_compared() {
    let editor = Editor::open().await;
    let mut next = menu();
    next["nodes"][1]["timeout_secs"] = json!(7);
    editor.save("flow_demo", 1, &next).await;
    let found = editor.get("/api/flows/flow_demo/diff?from=1&to=draft").await;
    assert_eq!(found["nodes"][0]["fields"], json!([{ "path": "timeout_secs", "before": 10, "after": 7 }]));
    assert_eq!((found["fields"].clone(), found["exits"].clone()), (json!([]), json!([])));
    for (query, status) in [("from=1&to=9", StatusCode::NOT_FOUND), ("from=1", StatusCode::BAD_REQUEST)] {
        assert_eq!(editor.ask(Method::GET, &format!("/api/flows/flow_demo/diff?{query}"), Value::Null).await.0, status);
    }
}

#[tokio::test]
async fn an_export_imported_and_exported_again_is_the_same_byte_for_byte() {
    let editor = Editor::open().await;
    let text = async |path: &str| {
        editor.house.as_page(&editor.cookie, Method::GET, path).send().await.unwrap().text().await.unwrap()
    };
    let out = text("/api/flows/flow_demo/export?version=1").await;
    let request = editor.house.as_page(&editor.cookie, Method::POST, "/api/flows/import");
    let request = request.header("content-type", "application/json").body(out.clone());
    let (status, draft) = told(request.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    let again = text(&format!("/api/flows/{}/export", draft["id"].as_str().unwrap())).await;
    assert_eq!(again, out);
    for (bad, why) in
        [("{", "not JSON"), ("{\"nam\":\"x\"}", "nearest is \"name\""), ("{\"name\":\" \"}", "a name is wanted")]
    {
        let request = editor.house.as_page(&editor.cookie, Method::POST, "/api/flows/import");
        let request = request.header("content-type", "application/json").body(bad);
        let (status, refused) = told(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused["error"]["message"].as_str().unwrap().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn a_flow_in_use_is_neither_removed_nor_put_away_and_says_by_whom() {
    let editor = Editor::open().await;
    let jump = json!({ "entry": "j", "nodes": [{ "id": "j", "kind": "goto_flow", "flow": "flow_demo" }] });
    let other = editor.create("Other", jump).await["id"].as_str().unwrap().to_owned();
    for (method, path) in [(Method::DELETE, "/api/flows/flow_demo"), (Method::POST, "/api/flows/flow_demo/archive")] {
        let (status, refused) = editor.ask(method, path, Value::Null).await;
        assert_eq!((status, refused["error"]["code"].clone()), (StatusCode::CONFLICT, json!("in_use")));
        assert_eq!(refused["uses"]["numbers"], json!(["15559990000"]));
        assert_eq!(refused["uses"]["flows"], json!([{ "id": other, "name": "Other" }]));
    }
    let (status, copy) = editor.ask(Method::POST, &format!("/api/flows/{other}/duplicate"), json!({})).await;
    assert_eq!((status, copy["name"].clone()), (StatusCode::CREATED, json!("Copy of Other")));
    assert_eq!(editor.ask(Method::DELETE, &format!("/api/flows/{other}"), Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(
        editor.ask(Method::GET, &format!("/api/flows/{other}/draft"), Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
    let copy = copy["id"].as_str().unwrap();
    assert_eq!(
        editor.ask(Method::POST, &format!("/api/flows/{copy}/archive"), Value::Null).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(editor.get(&format!("/api/flows/{copy}/draft")).await["archived"], true);
    assert_eq!(
        editor.ask(Method::POST, &format!("/api/flows/{copy}/restore"), Value::Null).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(editor.get(&format!("/api/flows/{copy}/draft")).await["archived"], false);
}

#[tokio::test]
async fn a_flow_that_calls_began_on_is_put_away_but_never_removed() {
    let editor = Editor::open().await;
    let id = editor.create("Old", menu()).await["id"].as_str().unwrap().to_owned();
    editor.publish(&id, 1).await;
    editor.house.put(Past { flow: id.clone(), ..Past::at(1) }).await;
    let (status, refused) = editor.ask(Method::DELETE, &format!("/api/flows/{id}"), Value::Null).await;
    assert_eq!((status, refused["uses"]["calls"].clone()), (StatusCode::CONFLICT, json!(1)));
    assert!(refused["error"]["message"].as_str().unwrap().contains("archive it instead"), "{refused}");
    assert_eq!(
        editor.ask(Method::POST, &format!("/api/flows/{id}/archive"), Value::Null).await.0,
        StatusCode::NO_CONTENT
    );
    assert!(editor.house.app.store.published_flow(&"org_demo".into(), &id.as_str().into()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_body_is_read_strictly_and_in_words() {
    let editor = Editor::open().await;
    for (flow, why) in [
        (json!({ "nodes": [{ "id": "a", "kind": "menue" }] }), "the nearest is \\\"menu\\\""),
        (
            json!({ "nodes": [{ "id": "a", "kind": "hangup" }], "exits": [{ "from": "a", "on": "default", "to": "a" }] }),
            "which has no exits",
        ),
        (json!({ "nodes": [{ "id": "a", "kind": "greeting", "promt": {} }] }), "the nearest is \\\"prompt\\\""),
    ] {
        let (status, refused) = editor.save("flow_demo", 1, &flow).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(refused["error"]["message"].to_string().contains(why), "{refused}");
    }
    let schema = editor.get("/api/flows/flow.schema.json").await;
    assert!(schema["properties"]["nodes"].is_object() && schema["$defs"]["Menu"].is_object());
    let big: Vec<Value> = (0..900)
        .map(|n| json!({ "id": format!("n{n}"), "kind": "greeting", "prompt": { "text": "x".repeat(1_000) } }))
        .collect();
    assert_eq!(
        editor.save("flow_demo", 1, &json!({ "name": "Big", "nodes": big })).await.0,
        StatusCode::OK,
        "a large flow fits"
    );
}

#[tokio::test]
async fn tokens_in_headers_are_for_admins() {
    let editor = Editor::open().await;
    let mut flow = menu();
    flow["nodes"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "ask", "kind": "http_callback", "url": "https://h.example/",
        "headers": [{ "name": "Authorization", "value": "Bearer hunter2" }] }));
    let id = editor.create("Asks", flow).await["id"].as_str().unwrap().to_owned();
    let ana = editor.house.login("ana@demo.example").await;
    let (_, seen) = editor.house.get(&ana, &format!("/api/flows/{id}")).await;
    assert!(!seen.to_string().contains("hunter2") && seen.to_string().contains("Authorization"));
    assert!(editor.get(&format!("/api/flows/{id}")).await.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_draft_a_version_and_a_body_in_hand_are_tried_out_without_a_call() {
    let editor = Editor::open().await;
    let script = json!({ "at": 1_795_435_200_000_i64, "events": [{ "once_asked": true, "press": "1" }] });
    let (status, played) = editor.ask(Method::POST, "/api/flows/flow_demo/simulate", json!({ "script": script })).await;
    assert_eq!(status, StatusCode::OK, "{played}");
    assert_eq!(played["ended"], json!({ "how": "transferred", "team": "team_sales" }));
    assert_eq!(played["exits"][1], json!({ "from": "menu", "on": "digit:1", "to": "sales" }));
    let welcome = played["lines"].as_array().unwrap().iter().find(|line| line["what"] == "prompt").unwrap();
    assert!(welcome["length_ms"].as_i64().unwrap() > 1_000, "the real clip's length: {welcome}");
    let mut other = menu();
    other["exits"][1]["to"] = json!("support");
    let body = json!({ "flow": other, "script": script });
    let (_, played) = editor.ask(Method::POST, "/api/flows/flow_demo/simulate", body).await;
    assert_eq!(played["ended"]["team"], "team_support");
    let body = json!({ "version": "1", "script": { "events": [{ "after_ms": 10, "hang_up": true }] } });
    assert_eq!(
        editor.ask(Method::POST, "/api/flows/flow_demo/simulate", body).await.1["ended"]["how"],
        "caller_hung_up"
    );
    let bad = json!({ "script": { "events": [{ "press": "z" }] } });
    assert_eq!(
        editor.ask(Method::POST, "/api/flows/flow_demo/simulate", bad).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
