//! The house over its own TLS.

use controld::app::demo::PASSWORD;
use reqwest::{Method, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::house::{House, cookie};

/// A key made for this test; it opens nothing else.
fn pem(name: &str) -> String {
    format!("{}/tests/it/pem/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host_and_a_silent_peer_holds_up_nobody() {
    let house = House::open_with(|config| {
        config.server.tls_cert = pem("cert");
        config.server.tls_key = pem("key");
    })
    .await;
    let address = house.url.trim_start_matches("https://").to_owned();
    let mut silent = TcpStream::connect(&address).await.unwrap();
    let response = house.try_login("ana@demo.example", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age=31536000"));
    let line = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(line.starts_with("__Host-patchbay_session=") && line.ends_with("; Secure"), "{line}");
    let cookie = cookie(&response);
    assert_eq!(house.get(&cookie, "/api/me").await.0, StatusCode::OK);
    assert_eq!(house.get(&cookie.replace("__Host-", ""), "/api/me").await.0, StatusCode::UNAUTHORIZED);
    let plain = reqwest::get(house.url.replace("https", "http")).await;
    assert!(plain.is_err(), "plain HTTP must not be answered on a TLS port");
    let mut byte = [0];
    let told = tokio::time::timeout(std::time::Duration::from_millis(1), silent.read(&mut byte)).await;
    assert!(told.is_err(), "the silent peer is still given its time");
    let head = house.ask(Method::HEAD, "/livez").send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn over_tls_peers_that_say_nothing_lose_their_turn_to_the_next_of_their_address() {
    let house = House::open_with(|config| {
        config.server.tls_cert = pem("cert");
        config.server.tls_key = pem("key");
    })
    .await;
    let address = house.url.trim_start_matches("https://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let response = house.try_login("ana@demo.example", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut end = Vec::new();
    assert_eq!(silent[0].read_to_end(&mut end).await.unwrap_or(0), 0, "the oldest was sent away");
}
