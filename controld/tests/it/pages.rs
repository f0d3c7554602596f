//! The web app, the headers of every answer, and the pages for machines.

use reqwest::{Method, StatusCode};

use crate::house::House;

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_page_safe() {
    let house = House::open().await;
    for path in ["/", "/api/me", "/livez", "/recordings/x", "/assets/none.js"] {
        let response = house.ask(Method::GET, path).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(
            response.headers()["permissions-policy"].to_str().unwrap().split(',').next(),
            Some("microphone=(self)")
        );
        assert!(response.headers().contains_key("referrer-policy"));
        if path.starts_with("/api") {
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn a_screen_of_the_web_app_is_its_first_page() {
    let house = House::open().await;
    let (first, screen) = (house.ask(Method::GET, "/").send(), house.ask(Method::GET, "/calls/call_1").send());
    let (first, screen) = (first.await.unwrap(), screen.await.unwrap());
    assert_eq!(first.status(), screen.status());
    let (kind, built) = (first.headers().get("content-type").cloned(), first.status() == StatusCode::OK);
    let text = first.text().await.unwrap();
    assert_eq!(text, screen.text().await.unwrap());
    if built {
        assert_eq!(kind.unwrap(), "text/html; charset=utf-8");
    } else {
        assert!(text.contains("make web"), "{text}");
    }
}

#[tokio::test]
async fn machines_hear_that_it_lives_that_it_is_not_ready_without_mediad_and_what_was_counted() {
    let house = House::open().await;
    let ask = async |path: &str| {
        let response = house.ask(Method::GET, path).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await, (StatusCode::OK, "alive\n".to_owned()));
    let (status, why) = ask("/readyz").await;
    assert_eq!((status, why.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready: mediad does not answer\n"));
    house.try_login("ana@demo.example", "wrong").await;
    let (_, counts) = ask("/metrics").await;
    assert!(counts.contains("patchbay_logins_total{outcome=\"refused\"} 1\n"), "{counts}");
    assert!(counts.contains("patchbay_mediad_connected 0\n"), "{counts}");
    let proxied = house.ask(Method::GET, "/metrics").header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
    assert_eq!(proxied.status(), StatusCode::UNAUTHORIZED);
}
