//! An admin draws in a real browser, by keys and by mouse, publishes, and the next caller walks the new way.

use std::process::Stdio;

use serde_json::Value;
use tests::house::House;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_drawn_published_and_called() {
    let house = House::start().await;
    std::fs::write(house.path("agent.wav"), tests::tone::wav(&[0.0; 4_800])).unwrap();
    let story = draw(&house).await;
    assert_eq!(story["violations"], Value::Array(Vec::new()), "axe found something on a page");

    let desk = house.desk("admin@demo.example").await;
    let meta = house.meta();
    let call = meta.call("silence").await;
    let digits = || async { desk.row_of(&call).await["digits"].as_str().unwrap_or_default().to_owned() };
    house.wait_for("the call is in the flow", || async { desk.row_of(&call).await["status"] == "ivr" }).await;
    meta.press(&call, "4").await;
    house.wait_for("the new key is heard", || async { digits().await == "4" }).await;
    meta.press(&call, "77#").await;
    house.wait_for("the new goodbye ends the call", || async { meta.state(&call).await == "ended" }).await;
    house.wait_for("the row is final", || async { desk.row_of(&call).await["ended_at"].is_number() }).await;

    let row = desk.row_of(&call).await;
    assert_eq!(row["flow"]["version"], story["version"], "the caller got what was published");
    let detail = desk.get(&format!("/api/calls/{}", row["id"].as_str().unwrap())).await;
    let walked: Vec<&str> = detail["timeline"].as_array().unwrap().iter().filter_map(|e| e["text"].as_str()).collect();
    for node in ["Your number", "Thank you"] {
        assert!(walked.iter().any(|text| text.contains(node)), "the caller came by {node}: {walked:?}");
    }
}

/// Runs `browser/editor.mjs` and gives what it tells.
async fn draw(house: &House) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/editor.mjs");
    let out = Command::new("node")
        .arg(script)
        .env("DESK", house.desk_url())
        .env("FOLDER", house.path(""))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node is installed");
    let text = String::from_utf8_lossy(&out.stdout);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "the drawing failed: {text}\n{errors}\n{}", house.logs());
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("the script ends with its story")
}
