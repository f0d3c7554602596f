//! Who may use which route: every route, every role, from the table itself.

use controld::http::{ACCESS, Access};
use controld::model::{CallStatus, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::{House, Past, told};

#[tokio::test]
async fn every_route_lets_in_the_roles_of_the_table_and_nobody_else() {
    let house = House::open().await;
    house.put(Past::at(1)).await;
    let people = [
        (None, String::new()),
        (Some(Role::Agent), house.login("ana@demo.example").await),
        (Some(Role::Supervisor), house.login("sam@demo.example").await),
        (Some(Role::Admin), house.login("admin@demo.example").await),
    ];
    // Signing out ends the session the others need, so it is asked last.
    let mut routes: Vec<_> = ACCESS.iter().collect();
    routes.sort_by_key(|(_, path, _)| *path == "/api/logout");
    for (method, path, access) in routes {
        for (role, cookie) in &people {
            let path = path.replace("{id}", if path.contains("flows") { "flow_demo" } else { "call_0001" });
            let (status, body) = told(house.as_page(cookie, method.clone(), &path).send().await.unwrap()).await;
            let expected = match (access, role) {
                (Access::Open, _) => None,
                (Access::Signed(_), None) => Some(StatusCode::UNAUTHORIZED),
                (Access::Signed(least), Some(role)) => (role < least).then_some(StatusCode::FORBIDDEN),
            };
            match expected {
                Some(expected) => assert_eq!(status, expected, "{method} {path} as {role:?}: {body}"),
                None => assert!(
                    ![StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED].contains(&status)
                        && (status != StatusCode::UNAUTHORIZED || *access == Access::Open),
                    "{method} {path} as {role:?}: {status} {body}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_not_there() {
    let house = House::open().await;
    let ours = house.put(Past::at(1)).await;
    house.put_recording(&ours, b"OggS").await;
    let live = house.put(Past { status: CallStatus::Connected, ..Past::at(2) }).await;
    let olga = house.login("olga@other.example").await;
    for (method, path) in [
        (Method::GET, format!("/api/calls/{ours}")),
        (Method::POST, format!("/api/calls/{ours}/recording-link")),
        (Method::POST, format!("/api/calls/{live}/hang-up")),
        (Method::GET, "/api/flows/flow_demo".to_owned()),
    ] {
        let (status, body) = told(house.as_page(&olga, method, &path).send().await.unwrap()).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{path}");
    }
    assert_eq!(house.get(&olga, "/api/calls").await.1["items"], json!([]));
    for path in ["/api/live", "/api/flows"] {
        assert_eq!(house.get(&olga, path).await.1, json!([]), "{path}");
    }
    let (_, agents) = house.get(&olga, "/api/agents").await;
    assert_eq!(agents.as_array().unwrap().len(), 1);
    let (_, accounts) = house.get(&olga, "/api/accounts").await;
    assert_eq!(accounts[0]["id"], "acc_other");
    assert_eq!(accounts.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_agent_sees_their_own_calls_and_their_teams_and_a_supervisor_all() {
    let house = House::open().await;
    house.put(Past::at(1)).await;
    house.put(Past { team: None, agent: None, status: CallStatus::Abandoned, ..Past::at(2) }).await;
    house.put(Past { team: None, agent: Some("usr_ben"), ..Past::at(3) }).await;
    let seen = async |cookie: &str| {
        let (_, page) = house.get(cookie, "/api/calls").await;
        page["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (ana, sam) = (house.login("ana@demo.example").await, house.login("sam@demo.example").await);
    assert_eq!(seen(&ana).await, ["call_0001"]);
    assert_eq!(seen(&sam).await, ["call_0003", "call_0002", "call_0001"]);
    assert_eq!(house.get(&ana, "/api/calls/call_0003").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_that_another_sites_page_could_send_is_refused() {
    let house = House::open().await;
    let ana = house.login("ana@demo.example").await;
    let bare = || house.ask(Method::POST, "/api/logout").header("cookie", &ana);
    let other_sites = [
        bare(),
        bare().header("x-patchbay", "1").header("origin", "https://evil.example"),
        bare().header("x-patchbay", "1").header("origin", "null"),
        bare().header("x-patchbay", "1").header("sec-fetch-site", "cross-site"),
    ];
    for request in other_sites {
        let (status, body) = told(request.send().await.unwrap()).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::FORBIDDEN, &json!("cross_site")));
    }
    let form = bare().header("x-patchbay", "1").header("content-type", "text/plain").body("{}");
    assert_eq!(form.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(house.get(&ana, "/api/me").await.0, StatusCode::OK, "the session must have survived");
    let get = house.ask(Method::GET, "/api/logout").header("cookie", &ana).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_body_is_bounded_and_holds_no_unknown_field() {
    let house = House::open().await;
    let post = |body: String| {
        house.as_page("", Method::POST, "/api/login").header("content-type", "application/json").body(body)
    };
    let status = |response: reqwest::Response| response.status();
    assert_eq!(status(post("{".to_owned()).send().await.unwrap()), StatusCode::BAD_REQUEST);
    let extra = json!({ "email": "a", "password": "b", "role": "admin" }).to_string();
    assert_eq!(status(post(extra).send().await.unwrap()), StatusCode::BAD_REQUEST);
    let large = json!({ "email": "a", "password": "x".repeat(80_000) }).to_string();
    assert_eq!(status(post(large).send().await.unwrap()), StatusCode::PAYLOAD_TOO_LARGE);
}
