//! Addresses nobody may ask, with listeners that must see no one; and answers of every sort.

mod forms;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::guard::{Guard, Refusal, is_public};
use super::names::SaidNames;
use super::{Callbacks, IN_FLIGHT_MAX};
use crate::model::OrgId;
use crate::model::callback::{Header, HttpAnswer, HttpRequest, Method};

/// A web service on loopback that counts who comes.
struct Service {
    port: u16,
    seen: Arc<AtomicUsize>,
}

impl Service {
    /// Every connection gets `answer`; `linger`: it is kept open after.
    async fn on(ip: &str, answer: Vec<u8>, linger: bool) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = vec![0; 4096];
                    let _ = peer.read(&mut asked).await;
                    let _ = peer.write_all(&answer).await;
                    if linger {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn get(url: &str) -> HttpRequest {
    HttpRequest { method: Method::Get, url: url.to_owned(), headers: vec![], body: None, timeout_ms: 2_000 }
}

fn org() -> OrgId {
    OrgId::from("org_a")
}

fn callbacks(vouched: &[&str], answers: Vec<Vec<&str>>) -> (Callbacks, Arc<SaidNames>) {
    callbacks_on(vouched, &[], answers)
}

fn callbacks_on(vouched: &[&str], ports: &[u16], answers: Vec<Vec<&str>>) -> (Callbacks, Arc<SaidNames>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let vouched: Vec<String> = vouched.iter().map(|entry| (*entry).to_owned()).collect();
    let answers: VecDeque<Vec<IpAddr>> =
        answers.into_iter().map(|all| all.into_iter().map(|address| address.parse().unwrap()).collect()).collect();
    let names = Arc::new(SaidNames { answers: std::sync::Mutex::new(answers), asked: AtomicUsize::new(0) });
    let guard = Guard::new(&vouched, ports, &[]).unwrap();
    (Callbacks::with_names(guard, names.clone()).unwrap(), names)
}

fn refused(answer: &HttpAnswer) -> &str {
    match answer {
        HttpAnswer::Failed { why, .. } => why.strip_prefix("refused: ").unwrap_or_else(|| panic!("not refused: {why}")),
        got => panic!("not refused: {got:?}"),
    }
}

async fn refuses(url: &str) -> String {
    let (callbacks, _) = callbacks(&[], vec![]);
    refused(&callbacks.ask(&org(), get(url)).await).to_owned()
}

#[tokio::test]
async fn no_form_of_a_private_address_is_connected_to() {
    // Every port is open to flows: the address alone stands between the request and a listener.
    let (v4, v6) = (Service::on("127.0.0.1", ok("x"), false).await, Service::on("::1", ok("x"), false).await);
    let (callbacks, _) = callbacks_on(&[], &[v4.port, v6.port], vec![]);
    let all = forms::literals();
    assert!(all.len() >= 60, "{} forms", all.len());
    for host in &all {
        for (scheme, port) in [("http", v4.port), ("https", v4.port), ("http", v6.port), ("http", 80)] {
            let answer = callbacks.ask(&org(), get(&format!("{scheme}://{host}:{port}/x"))).await;
            let why = refused(&answer);
            assert!(why == Refusal::NotPublic.to_string() || why == Refusal::Url.to_string(), "{host}: {why}");
        }
    }
    assert_eq!((v4.seen(), v6.seen()), (0, 0));
    let (callbacks, _) = callbacks_on(&["127.0.0.1"], &[v4.port], vec![]);
    callbacks.ask(&org(), get(&format!("http://127.1:{}/x", v4.port))).await;
    assert_eq!(v4.seen(), 1, "the listener listens: without the guard's word it would have been reached");
}

#[tokio::test]
async fn no_name_that_means_a_private_address_is_connected_to() {
    let v4 = Service::on("127.0.0.1", ok("reached"), false).await;
    let url = format!("http://rebind.example:{}/", v4.port);
    for address in forms::privates() {
        // Alone, and hidden among public ones: each would be tried in turn.
        for all in [vec![address], vec![address, "93.184.216.34"], vec!["93.184.216.34", "2606:4700::1111", address]] {
            let (callbacks, names) = callbacks_on(&[], &[v4.port], vec![all, vec!["127.0.0.1"]]);
            let answer = callbacks.ask(&org(), get(&url)).await;
            assert_eq!(refused(&answer), Refusal::NotPublic.to_string(), "{address}");
            assert_eq!(names.asked.load(Ordering::SeqCst), 1, "looked up once: nothing to flip");
        }
    }
    let (callbacks, _) = callbacks(&[], vec![vec![]]);
    assert_eq!(refused(&callbacks.ask(&org(), get("http://none.example/")).await), Refusal::NoAddress.to_string());
    assert_eq!(v4.seen(), 0);
    let (callbacks, _) = callbacks_on(&["rebind.example"], &[v4.port], vec![vec!["127.0.0.1"]]);
    callbacks.ask(&org(), get(&url)).await;
    assert_eq!(v4.seen(), 1, "the listener listens");
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_connected_to_as_it_was_judged() {
    let inside = Service::on("127.0.0.1", ok("inside"), false).await;
    let (callbacks, names) =
        callbacks(&[&format!("crm.internal:{}", inside.port)], vec![vec!["127.0.0.1"], vec!["10.0.0.1"]]);
    let answer = callbacks.ask(&org(), get(&format!("http://crm.internal:{}/", inside.port))).await;
    assert!(matches!(&answer, HttpAnswer::Got { status: 200, body, .. } if body == "inside"), "{answer:?}");
    assert_eq!((names.asked.load(Ordering::SeqCst), inside.seen()), (1, 1));
}

#[tokio::test]
async fn the_systems_own_names_are_judged_too() {
    let v4 = Service::on("127.0.0.1", ok("reached"), false).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let callbacks = Callbacks::new(Guard::new(&[], &[v4.port], &[]).unwrap()).unwrap();
    for host in ["localhost", "LOCALHOST"] {
        let answer = callbacks.ask(&org(), get(&format!("http://{host}:{}/", v4.port))).await;
        assert_eq!(refused(&answer), Refusal::NotPublic.to_string(), "{host}");
    }
    assert_eq!(v4.seen(), 0);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = Service::on("127.0.0.1", ok("inside"), false).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{}/\r\nContent-Length: 0\r\n\r\n",
            inside.port
        );
        let outside = Service::on("127.0.0.1", to.into_bytes(), false).await;
        let (callbacks, _) =
            callbacks(&[&format!("127.0.0.1:{}", outside.port), &format!("127.0.0.1:{}", inside.port)], vec![]);
        let answer = callbacks.ask(&org(), get(&format!("http://127.0.0.1:{}/", outside.port))).await;
        assert!(matches!(answer, HttpAnswer::Got { status: told, .. } if told == status), "{answer:?}");
    }
    assert_eq!(inside.seen(), 0, "even where it may go");
}

#[tokio::test]
async fn schemes_users_and_ports() {
    for (url, why) in [
        ("file:///etc/passwd", Refusal::Scheme),
        ("gopher://crm.example/", Refusal::Scheme),
        ("ftp://crm.example/", Refusal::Scheme),
        ("dict://crm.example:11211/", Refusal::Scheme),
        ("data:text/plain,hi", Refusal::Scheme),
        ("unix:///var/run/docker.sock", Refusal::Scheme),
        ("", Refusal::Url),
        ("crm.example", Refusal::Url),
        ("http://", Refusal::Url),
        ("http://crm.example:99999/", Refusal::Url),
        ("http://[::1/", Refusal::Url),
        ("http://1.2.3.256/", Refusal::Url),
        ("http://user@crm.example/", Refusal::User),
        ("http://:pass@crm.example/", Refusal::User),
        ("http://crm.example#@127.0.0.1:22/", Refusal::NoAddress),
        ("http://crm.example\\@127.0.0.1/", Refusal::NoAddress),
        ("http://crm.example:22/", Refusal::Port(22)),
        ("http://crm.example:6379/", Refusal::Port(6379)),
        ("https://crm.example:8443/", Refusal::Port(8443)),
    ] {
        assert_eq!(refuses(url).await, why.to_string(), "{url}");
    }
}

#[test]
fn what_the_operator_lists_is_listed_with_its_ports_and_nothing_beside() {
    let list =
        ["Crm.Internal", "10.0.0.5:8080", "[fd00::5]:8080", "api.example:8443", "api.example:9443"].map(str::to_owned);
    let own = "93.184.216.34".parse().unwrap();
    let guard = Guard::new(&list, &[], &[own]).unwrap();
    let judge = |url: &str| guard.judge_url(&Url::parse(url).unwrap());
    for url in [
        "http://crm.internal/",
        "https://CRM.internal./",
        "http://10.0.0.5:8080/",
        "http://0x0a000005:8080/",
        "http://[fd00:0:0::5]:8080/",
        "https://api.example:8443/",
        "https://api.example:9443/",
        "https://other.example/",
    ] {
        assert_eq!(judge(url), Ok(()), "{url}");
    }
    assert_eq!(judge("http://crm.internal:8080/"), Err(Refusal::Port(8080)));
    assert_eq!(judge("http://10.0.0.5/"), Err(Refusal::Port(80)));
    assert_eq!(judge("http://10.0.0.6/"), Err(Refusal::NotPublic));
    assert_eq!(judge("http://api.example/"), Err(Refusal::Port(80)));
    assert_eq!(judge("http://93.184.216.34/"), Err(Refusal::Own));
    assert_eq!(guard.judge_answer("crm.internal", &["10.9.9.9".parse().unwrap()]), Ok(()));
    assert_eq!(guard.judge_answer("xcrm.internal", &["10.9.9.9".parse().unwrap()]), Err(Refusal::NotPublic));
    assert_eq!(guard.judge_answer("other.example", &[own]), Err(Refusal::Own));
    for wrong in ["", "a b", "http://x", "user@host", "host/path", "host:port", "host:99999", "#"] {
        assert!(Guard::new(&[wrong.to_owned()], &[], &[]).is_err(), "{wrong}");
    }
}

#[test]
fn addresses_at_the_edges_of_the_networks() {
    for private in forms::privates() {
        assert!(!is_public(private.parse().unwrap()), "{private}");
    }
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "2a00::1",
        "2003::1",
        "3ffe::1",
    ] {
        assert!(is_public(public.parse().unwrap()), "{public}");
    }
}

#[tokio::test]
async fn an_answer_comes_with_its_status_and_text() {
    let body = "HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\n\r\n{\"a\": \"\u{e4}\u{f6}\"}    ".to_owned();
    let service = Service::on("127.0.0.1", body.into_bytes(), false).await;
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{}", service.port)], vec![]);
    let url = format!("http://127.0.0.1:{}/a?b=c", service.port);
    let answer = callbacks.ask(&org(), get(&url)).await;
    assert!(
        matches!(&answer, HttpAnswer::Got { status: 404, body, .. } if body.trim() == "{\"a\": \"äö\"}"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_sent_is_what_the_flow_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        let mut part = [0; 4096];
        while !text.ends_with("{\"a\":1}") {
            let count = peer.read(&mut part).await.unwrap();
            text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        }
        peer.write_all(&ok("")).await.unwrap();
        text
    });
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{port}")], vec![]);
    let request = HttpRequest {
        method: Method::Post,
        url: format!("http://127.0.0.1:{port}/path?q=%20"),
        headers: vec![Header { name: "X-Caller".to_owned(), value: "49 ü".to_owned() }],
        body: Some("{\"a\":1}".to_owned()),
        timeout_ms: 2_000,
    };
    assert!(matches!(callbacks.ask(&org(), request).await, HttpAnswer::Got { status: 200, .. }));
    let heard = heard.await.unwrap().to_ascii_lowercase();
    assert!(heard.starts_with("post /path?q=%20 http/1.1\r\n"), "{heard}");
    for line in ["x-caller: 49 ü", "accept-encoding: identity", "content-length: 7", &format!("host: 127.0.0.1:{port}")]
    {
        assert!(heard.contains(&format!("\r\n{line}\r\n")), "{line} in {heard}");
    }
    assert!(!heard.contains("cookie") && !heard.contains("referer"));
}

#[tokio::test]
async fn headers_that_would_change_the_connection_are_not_sent() {
    let service = Service::on("127.0.0.1", ok(""), false).await;
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{}", service.port)], vec![]);
    for (name, value) in
        [("Host", "evil"), ("content-length", "5"), ("A b", "c"), ("A", "b\r\nC: d"), ("A", "\0"), ("", "x")]
    {
        let mut request = get(&format!("http://127.0.0.1:{}/", service.port));
        request.headers.push(Header { name: name.to_owned(), value: value.to_owned() });
        let answer = callbacks.ask(&org(), request).await;
        assert!(
            matches!(&answer, HttpAnswer::Failed { why, .. } if why.ends_with("cannot be sent")),
            "{name}: {answer:?}"
        );
    }
    assert_eq!(service.seen(), 0);
}

#[tokio::test]
async fn answers_are_capped_late_ones_given_up_and_packed_ones_refused() {
    let endless =
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n".iter().copied().chain([b'x'; 200_000]).collect();
    let just = ok(&"x".repeat(64 * 1024));
    let one_more = ok(&"x".repeat(64 * 1024 + 1));
    let packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00".to_vec();
    let slow = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx".to_vec();
    let broken = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx".to_vec();
    let noise = b"\x16\x03\x01 hello".to_vec();
    for (answer, linger, expected) in [
        (endless, true, "the answer is longer than 64 KiB"),
        (one_more, false, "the answer is longer than 64 KiB"),
        (packed, false, "the answer is compressed, which was not asked for"),
        (slow, true, "no answer within 1 s"),
        (Vec::new(), true, "no answer within 1 s"),
        (broken, false, "the answer broke off"),
        (noise, false, "the answer broke off"),
    ] {
        let service = Service::on("127.0.0.1", answer, linger).await;
        let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{}", service.port)], vec![]);
        let started = Instant::now();
        let request = HttpRequest { timeout_ms: 1_000, ..get(&format!("http://127.0.0.1:{}/", service.port)) };
        let answer = callbacks.ask(&org(), request).await;
        assert!(
            matches!(&answer, HttpAnswer::Failed { why, .. } if why.starts_with(expected)),
            "{expected}: {answer:?}"
        );
        assert!(started.elapsed() < Duration::from_millis(1_500), "{expected}");
    }
    let service = Service::on("127.0.0.1", just, false).await;
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{}", service.port)], vec![]);
    let answer = callbacks.ask(&org(), get(&format!("http://127.0.0.1:{}/", service.port))).await;
    assert!(matches!(&answer, HttpAnswer::Got { body, .. } if body.len() == 64 * 1024), "{answer:?}");
}

#[tokio::test]
async fn a_closed_port_is_a_failure_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{port}")], vec![]);
    let answer = callbacks.ask(&org(), get(&format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(&answer, HttpAnswer::Failed { why, .. } if why.contains("refused")), "{answer:?}");
}

/// A web service on loopback that answers each connection with the path asked, but only when it may.
struct Gate {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    /// Answers that may be given to paths other than `/other`.
    may: Arc<Semaphore>,
}

impl Gate {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, may) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let (list, turns) = (asked.clone(), may.clone());
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let (list, turns) = (list.clone(), turns.clone());
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let count = peer.read(&mut head).await.unwrap_or_default();
                    let path = String::from_utf8_lossy(&head[..count]).split(' ').nth(1).unwrap_or("").to_owned();
                    list.lock().unwrap().push(path.clone());
                    if path != "/other" {
                        turns.acquire().await.unwrap().forget();
                    }
                    let _ = peer.write_all(&ok(&path)).await;
                });
            }
        });
        Self { port, asked, may }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Waits until so many have asked.
    async fn has_been_asked(&self, times: usize) {
        let there = async {
            while self.asked() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), there).await.expect("the requests come");
    }
}

#[tokio::test]
async fn at_most_ten_requests_of_one_organisation_are_under_way() {
    let gate = Gate::open().await;
    let (callbacks, _) = callbacks(&[&format!("127.0.0.1:{}", gate.port)], vec![]);
    let callbacks = Arc::new(callbacks);
    let request =
        |path: &str| HttpRequest { timeout_ms: 30_000, ..get(&format!("http://127.0.0.1:{}{path}", gate.port)) };
    let all: Vec<_> = (0..IN_FLIGHT_MAX + 5)
        .map(|_| {
            let (callbacks, request) = (callbacks.clone(), request("/one"));
            tokio::spawn(async move { callbacks.ask(&org(), request).await })
        })
        .collect();
    gate.has_been_asked(IN_FLIGHT_MAX).await;
    // Whatever else of the one organisation was under way would have been asked before the other's.
    let other = callbacks.ask(&OrgId::from("org_b"), request("/other")).await;
    assert!(matches!(&other, HttpAnswer::Got { body, .. } if body == "/other"), "not kept waiting: {other:?}");
    assert_eq!(gate.asked(), IN_FLIGHT_MAX + 1, "ten of the one, and the other");
    for answered in 1..=5 {
        gate.may.add_permits(1);
        gate.has_been_asked(IN_FLIGHT_MAX + 1 + answered).await;
        assert_eq!(gate.asked(), IN_FLIGHT_MAX + 1 + answered, "one answer lets one more go");
    }
    gate.may.add_permits(IN_FLIGHT_MAX);
    for one in all {
        assert!(matches!(one.await.unwrap(), HttpAnswer::Got { status: 200, .. }));
    }
    assert_eq!(gate.asked(), IN_FLIGHT_MAX + 6);
}
