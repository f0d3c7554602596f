//! Numbers, teams and people: what admins change, what is never shown, what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, told};

struct Office {
    house: House,
    admin: String,
}

impl Office {
    async fn open() -> Self {
        let house = House::open().await;
        let admin = house.login("admin@demo.example").await;
        Self { house, admin }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.house.as_page(&self.admin, method, path);
        told(if body.is_null() { request } else { request.json(&body) }.send().await.unwrap()).await
    }
}

fn number() -> Value {
    json!({ "name": "Shop", "phone_number_id": "4711", "display_number": "+49 (170) 123-45",
            "token": "EAAG-secret-token", "app_secret": "app-secret-0815" })
}

#[tokio::test]
async fn a_numbers_token_and_secret_go_in_and_never_come_out() {
    let office = Office::open().await;
    let (status, made) = office.ask(Method::POST, "/api/accounts", number()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/api/accounts/{id}");
    assert_eq!(made["display_number"], "4917012345");
    assert!(made["webhook_url"].as_str().unwrap().ends_with(&format!("/webhooks/{id}")));
    assert_eq!(made["verify_token"].as_str().unwrap().len(), 32);
    let (_, list) = office.ask(Method::GET, "/api/accounts", Value::Null).await;
    let (_, detail) = office.ask(Method::GET, &path, Value::Null).await;
    assert_eq!((detail["has_token"].clone(), detail["has_app_secret"].clone()), (json!(true), json!(true)));
    let (_, changed) = office.ask(Method::PATCH, &path, json!({ "name": "Shop 2", "token": "EAAG-other" })).await;
    assert_eq!(changed["name"], "Shop 2");
    for answer in [made, list, detail, changed] {
        let text = answer.to_string();
        assert!(!text.contains("EAAG") && !text.contains("app-secret"), "{text}");
    }
    let kept = office.house.app.store.account(&id.as_str().into()).await.unwrap().unwrap();
    assert_eq!((kept.token.0.as_str(), kept.app_secret.0.as_str()), ("EAAG-other", "app-secret-0815"));
    office.house.app.store.close().await;
    for file in std::fs::read_dir(office.house.folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in [&b"EAAG-secret-token"[..], b"EAAG-other", b"app-secret-0815"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{:?}", file.path());
        }
    }
}

#[tokio::test]
async fn a_start_flow_is_a_published_one_and_a_number_calls_tell_of_stays() {
    let office = Office::open().await;
    let (_, draft) = office.ask(Method::POST, "/api/flows", json!({ "name": "Draft" })).await;
    let flow = json!({ "start_flow": draft["id"] });
    let (status, refused) = office.ask(Method::PATCH, "/api/accounts/acc_demo", flow).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    let (_, off) = office
        .ask(Method::PATCH, "/api/accounts/acc_demo", json!({ "start_flow": null, "calling_enabled": false }))
        .await;
    assert_eq!((off["start_flow"].clone(), off["calling_enabled"].clone()), (Value::Null, json!(false)));
    let (_, same) = office.ask(Method::PATCH, "/api/accounts/acc_demo", json!({ "calling_enabled": true })).await;
    assert_eq!(same["start_flow"], Value::Null, "what is absent stays");
    let (_, made) = office.ask(Method::POST, "/api/accounts", number()).await;
    assert_eq!(office.ask(Method::POST, "/api/accounts", number()).await.0, StatusCode::CONFLICT, "taken");
    let path = format!("/api/accounts/{}", made["id"].as_str().unwrap());
    assert_eq!(office.ask(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    office.house.put(crate::house::Past::at(1)).await;
    assert_eq!(office.ask(Method::DELETE, "/api/accounts/acc_demo", Value::Null).await.0, StatusCode::CONFLICT);
    for (field, bad) in [("phone_number_id", "12a"), ("display_number", "12"), ("token", ""), ("app_secret", "a b")] {
        let mut body = number();
        body[field] = json!(bad);
        assert_eq!(
            office.ask(Method::POST, "/api/accounts", body).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_team_is_made_changed_and_removed_unless_callers_are_sent_to_it() {
    let office = Office::open().await;
    let body = json!({ "name": "Night", "strategy": "longest_idle", "members": ["usr_ben", "usr_ana", "usr_ben"] });
    let (status, team) = office.ask(Method::POST, "/api/teams", body).await;
    assert_eq!((status, team["members"].clone()), (StatusCode::CREATED, json!(["usr_ana", "usr_ben"])));
    let path = format!("/api/teams/{}", team["id"].as_str().unwrap());
    let (_, changed) = office.ask(Method::PATCH, &path, json!({ "strategy": "round_robin" })).await;
    assert_eq!(
        (changed["strategy"].clone(), changed["members"].clone()),
        (json!("round_robin"), team["members"].clone())
    );
    let (_, teams) = office.ask(Method::GET, "/api/teams", Value::Null).await;
    assert_eq!(
        teams.as_array().unwrap().iter().map(|team| &team["name"]).collect::<Vec<_>>(),
        ["Night", "Sales", "Support"]
    );
    assert_eq!(office.ask(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    let (status, refused) = office.ask(Method::DELETE, "/api/teams/team_sales", Value::Null).await;
    assert_eq!((status, refused["uses"]["flows"][0]["id"].clone()), (StatusCode::CONFLICT, json!("flow_demo")));
}

#[tokio::test]
async fn people_come_change_and_are_locked_out_but_never_the_last_admin() {
    let office = Office::open().await;
    let eva =
        json!({ "name": "Eva", "email": "EVA@demo.example", "role": "admin", "password": "correct horse battery" });
    let (status, made) = office.ask(Method::POST, "/api/users", eva.clone()).await;
    assert_eq!((status, made["email"].clone()), (StatusCode::CREATED, json!("eva@demo.example")));
    assert_eq!(office.ask(Method::POST, "/api/users", eva).await.0, StatusCode::CONFLICT);
    for (field, bad) in [("email", "eva"), ("password", "short"), ("name", " ")] {
        let mut body =
            json!({ "name": "E", "email": "e@demo.example", "role": "agent", "password": "correct horse battery" });
        body[field] = json!(bad);
        assert_eq!(office.ask(Method::POST, "/api/users", body).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    let path = format!("/api/users/{}", made["id"].as_str().unwrap());
    for own in [json!({ "role": "agent" }), json!({ "disabled": true })] {
        assert_eq!(office.ask(Method::PATCH, "/api/users/usr_admin", own).await.0, StatusCode::CONFLICT, "not oneself");
    }
    let response = office.house.try_login("eva@demo.example", "correct horse battery").await;
    let cookie = crate::house::cookie(&response);
    let as_eva = |body: Value| office.house.as_page(&cookie, Method::PATCH, "/api/users/usr_admin").json(&body);
    let (status, admin) = told(as_eva(json!({ "disabled": true })).send().await.unwrap()).await;
    assert_eq!((status, admin["disabled"].clone()), (StatusCode::OK, json!(true)));
    assert_eq!(office.ask(Method::GET, "/api/me", Value::Null).await.0, StatusCode::UNAUTHORIZED, "their sessions end");
    told(as_eva(json!({ "disabled": false })).send().await.unwrap()).await;
    let admin = office.house.login("admin@demo.example").await;
    let lock = office.house.as_page(&admin, Method::PATCH, &path).json(&json!({ "disabled": true, "name": "Eva B" }));
    assert_eq!(told(lock.send().await.unwrap()).await.1["name"], "Eva B");
    assert_eq!(office.house.get(&cookie, "/api/me").await.0, StatusCode::UNAUTHORIZED);
    let store = &office.house.app.store;
    let last = store.user(&"usr_admin".into()).await.unwrap().unwrap();
    let gone = controld::store::users::User { role: controld::model::Role::Agent, ..last };
    assert!(!store.change_user(&gone, false).await.unwrap(), "the last admin stays one");
}

#[tokio::test]
async fn one_changes_ones_own_password_with_the_old_one() {
    let office = Office::open().await;
    let ana = office.house.login("ana@demo.example").await;
    let change = |old: &str| {
        let body = json!({ "old": old, "new": "a much longer phrase" });
        office.house.as_page(&ana, Method::POST, "/api/me/password").json(&body)
    };
    assert_eq!(change("wrong").send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(change(controld::app::demo::PASSWORD).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(office.house.get(&ana, "/api/me").await.0, StatusCode::UNAUTHORIZED, "every session ended");
    assert_eq!(office.house.try_login("ana@demo.example", "a much longer phrase").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_signs_out_everywhere_else() {
    let office = Office::open().await;
    let (first, second) = (office.house.login("ana@demo.example").await, office.house.login("ana@demo.example").await);
    let (_, sessions) = office.house.get(&first, "/api/me/sessions").await;
    let is_this: Vec<_> = sessions.as_array().unwrap().iter().map(|session| &session["is_this"]).collect();
    assert_eq!((is_this.len(), is_this.iter().filter(|this| ***this == json!(true)).count()), (2, 1));
    let token = first.split_once('=').unwrap().1;
    assert!(!sessions.to_string().contains(token) && !sessions.to_string().contains("hash"));
    let end = office.house.as_page(&first, Method::POST, "/api/me/sessions/end-others");
    assert_eq!(told(end.send().await.unwrap()).await.1, json!({ "ended": 1 }));
    assert_eq!(office.house.get(&second, "/api/me").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(office.house.get(&first, "/api/me").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_was_done_is_read_page_by_page_by_the_admins_of_that_organisation() {
    let office = Office::open().await;
    for name in ["One", "Two", "Three"] {
        office.ask(Method::POST, "/api/teams", json!({ "name": name })).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = office.ask(Method::GET, &format!("/api/audit?limit=2&cursor={cursor}"), Value::Null).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let words: Vec<_> = seen.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    assert_eq!(words, ["team.create", "team.create", "team.create", "login"]);
    assert_eq!(seen[0]["by"], json!({ "id": "usr_admin", "name": "Admin" }));
    let olga = office.house.login("olga@other.example").await;
    let (_, page) = office.house.get(&olga, "/api/audit").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "her own signing in");
}
