//! What callers and services say stays data: host, headers and JSON shape never change.

use serde_json::{Value, json};

use crate::ivr::node::HttpCallback;
use crate::ivr::place::{Builtins, Variable, Variables};
use crate::ivr::template::{BadTemplate, check, host, names_read, request};

fn callback(fields: Value) -> HttpCallback {
    let mut all = json!({ "url": "https://crm.example:8443/a", "method": "POST" });
    for (name, field) in fields.as_object().unwrap() {
        all[name] = field.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn holding(value: &str) -> Variables {
    let mut variables = Variables::with(&Builtins::default());
    assert!(variables.set("x", Variable::text(value)));
    assert!(
        variables
            .set("answer", Variable::answer(&json!({ "v": value, "n": 5, "list": [{ "z": "deep" }] }).to_string()))
    );
    assert!(variables.set("secret", Variable::text("TOPSECRET")));
    variables
}

/// What a hostile service or caller may put into a variable.
fn hostile() -> Vec<String> {
    let mut all = HOSTILE.map(str::to_owned).to_vec();
    all.push("x".repeat(1_000_000));
    all.push("\"".repeat(1_000_000));
    all.push("{{".repeat(500_000));
    all
}

#[test]
fn scheme_host_and_port_never_change() {
    for value in hostile() {
        for template in [
            "https://crm.example:8443/{{x}}",
            "https://crm.example:8443/a?q={{x}}&r={{answer.v}}",
            "https://crm.example:8443/a#{{x}}",
            "https://crm.example:8443?{{x}}",
            "https://crm.example:8443/{{x}}/b/{{answer.v}}",
        ] {
            let callback = callback(json!({ "url": template }));
            let Ok(request) = request(&callback, &holding(&value)) else { continue };
            let url = reqwest::Url::parse(&request.url).unwrap();
            let where_to = (url.scheme(), url.host_str(), url.port(), url.username(), url.password());
            assert_eq!(where_to, ("https", Some("crm.example"), Some(8443), "", None), "{value:?} in {template}");
            assert!(!request.url.contains("TOPSECRET"));
            assert!(request.url.len() <= 8 * 1024);
        }
    }
}

#[test]
fn a_value_is_one_component_of_the_url() {
    for value in hostile() {
        let callback = callback(json!({ "url": "https://crm.example/a/{{x}}/b?q={{x}}&r=1#f" }));
        let Ok(request) = request(&callback, &holding(&value)) else { continue };
        let url = reqwest::Url::parse(&request.url).unwrap();
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(url.path_segments().unwrap().count(), 3, "{value:?}");
        assert_eq!(query, [("q".to_owned(), value.clone()), ("r".to_owned(), "1".to_owned())], "{value:?}");
        assert_eq!(url.fragment(), Some("f"));
    }
}

#[test]
fn a_value_does_not_climb_out_of_the_path() {
    let to =
        |url: &str, value: &str| request(&callback(json!({ "url": url })), &holding(value)).map(|request| request.url);
    for (template, value) in [
        ("https://h/a/{{x}}/b", ".."),
        ("https://h/a/{{x}}", ".."),
        ("https://h/a/.{{x}}/b", "."),
        ("https://h/a/{{x}}{{x}}/b", "."),
        ("https://h/a/%2e{{x}}/b", "."),
        ("https://h/a/{{answer.v}}/b", ".."),
    ] {
        assert_eq!(to(template, value), Err(BadTemplate::LeavesPath), "{template} {value}");
    }
    assert_eq!(to("https://h/a/../{{x}}", "1"), Ok("https://h/a/../1".to_owned()), "the flow's author may");
    assert_eq!(to("https://h/a?x={{x}}", ".."), Ok("https://h/a?x=..".to_owned()));
    assert_eq!(to("https://h/a/{{x}}", "%2e%2e"), Ok("https://h/a/%252e%252e".to_owned()));
    assert_eq!(to("https://h/a/{{x}}", "../../c"), Ok("https://h/a/..%2F..%2Fc".to_owned()));
}

#[test]
fn the_host_is_written_out() {
    for (template, wrong) in [
        ("https://{{x}}/", BadTemplate::VariableInHost),
        ("https://crm.example{{x}}/", BadTemplate::VariableInHost),
        ("https://crm.example:{{x}}/", BadTemplate::VariableInHost),
        ("{{x}}://crm.example/", BadTemplate::NotHttp),
        ("{{x}}", BadTemplate::NotHttp),
        ("", BadTemplate::NotHttp),
        ("crm.example/a", BadTemplate::NotHttp),
        ("file:///etc/passwd", BadTemplate::NotHttp),
        ("gopher://h/", BadTemplate::NotHttp),
        ("https:/crm.example/", BadTemplate::NotHttp),
        ("https:///{{x}}", BadTemplate::NoHost),
        ("https://", BadTemplate::NoHost),
        ("https://user:pass@crm.example/", BadTemplate::NoHost),
        ("https://user@{{x}}/", BadTemplate::VariableInHost),
        ("https:\\\\crm.example/", BadTemplate::UrlLetters),
        ("https://crm.example\\@evil/", BadTemplate::UrlLetters),
        ("https://crm.ex\tample/", BadTemplate::UrlLetters),
        ("https://crm.example/ a", BadTemplate::UrlLetters),
        (" https://crm.example/", BadTemplate::UrlLetters),
    ] {
        assert_eq!(request(&callback(json!({ "url": template })), &holding("evil.example")), Err(wrong), "{template}");
    }
    assert_eq!(host("HTTPS://Crm.Example:444?x"), Ok("Crm.Example:444"));
}

#[test]
fn headers_are_never_split() {
    for value in hostile() {
        let callback = callback(json!({ "headers": [{ "name": "X-Caller", "value": "a {{x}} b" }] }));
        match request(&callback, &holding(&value)) {
            Ok(request) => {
                let line = &request.headers[0].value;
                assert!(!line.contains(['\r', '\n', '\0']), "{value:?}");
                assert!(reqwest::header::HeaderValue::from_str(line).is_ok() || !line.is_ascii(), "{value:?}");
                assert!(!line.contains("TOPSECRET"));
            }
            Err(why) => {
                assert!(matches!(why, BadTemplate::HeaderBreak(_) | BadTemplate::TooLong(_)), "{value:?}: {why}");
            }
        }
    }
    let split = callback(json!({ "headers": [{ "name": "X", "value": "{{x}}" }] }));
    assert_eq!(request(&split, &holding("a\r\nHost: evil")), Err(BadTemplate::HeaderBreak("X".to_owned())));
}

#[test]
fn the_shape_of_a_json_body_never_changes() {
    let template =
        json!({ "phone": "{{x}}", "list": ["{{answer.v}}", 1, null, { "deep": "<{{x}}>" }], "{{x}}": "key" });
    for value in hostile() {
        let callback = callback(json!({ "body": template.to_string() }));
        let request = match request(&callback, &holding(&value)) {
            Ok(request) => request,
            Err(why) => {
                assert_eq!((why, value.len()), (BadTemplate::TooLong("body"), 1_000_000));
                continue;
            }
        };
        let sent: Value = serde_json::from_str(request.body.as_ref().unwrap()).unwrap();
        let kept: String = if value.len() > 8_192 { value.chars().take(8_192).collect() } else { value.clone() };
        // A field of a JSON answer is read whole.
        let whole = sent["list"][0].as_str().unwrap();
        assert_eq!(whole, value);
        let rest = json!({ "phone": kept, "list": [whole, 1, null, { "deep": format!("<{kept}>") }], "{{x}}": "key" });
        assert_eq!(sent, rest);
        assert_eq!(request.headers[0].value, "application/json");
        assert!(!request.body.unwrap().contains("TOPSECRET"), "no second interpolation");
    }
}

#[test]
fn a_body_that_is_json_but_for_its_variables_is_refused() {
    for body in ["{\"n\": {{x}}}", "[{{x}}]", "{{x}}", "{\"a\": \"b\""] {
        let said = request(
            &callback(json!({ "body": body, "headers": [{ "name": "content-type", "value": "application/json" }] })),
            &holding("1"),
        );
        assert_eq!(said, Err(BadTemplate::BodyNotJson), "{body}");
    }
    assert_eq!(request(&callback(json!({ "body": "{\"n\": {{x}}}" })), &holding("1")), Err(BadTemplate::BodyNotJson));
}

#[test]
fn other_bodies_are_plain_and_form_fields_are_encoded() {
    let plain = request(&callback(json!({ "body": "caller {{x}} & co" })), &holding("a\"b")).unwrap();
    assert_eq!(plain.body.as_deref(), Some("caller a\"b & co"));
    assert_eq!(plain.headers[0].value, "text/plain; charset=utf-8");
    let form = callback(json!({
        "body": "phone={{x}}&a=b", "headers": [{ "name": "Content-Type", "value": "application/x-www-form-urlencoded" }],
    }));
    let form = request(&form, &holding("1&admin=1")).unwrap();
    assert_eq!((form.body.as_deref(), form.headers.len()), (Some("phone=1%26admin%3D1&a=b"), 1));
    let get = request(&callback(json!({ "method": "GET", "body": "x" })), &holding("")).unwrap();
    assert_eq!((get.body, get.headers.len()), (None, 0));
}

#[test]
fn names_fields_and_braces() {
    let told = |body: &str| request(&callback(json!({ "body": body })), &holding("v")).unwrap().body.unwrap();
    for (body, sent) in [
        ("- {{x}} {{ x }} {{answer.n}}", "- v v 5"),
        ("- {{answer.list.0.z}} {{answer.list.1}} {{answer.none}} {{answer.v.z}} {{none}}|", "- deep    |"),
        ("- {{answer.list}}", "- [{\"z\":\"deep\"}]"),
        ("- {{x.y}}|{{x", "- |{{x"),
        ("- {{{x}}} {{}} {{ }} {{1a}} {{a b}} {{x}", "- {v} {{}} {{ }} {{1a}} {{a b}} {{x}"),
        ("- {x} }} {{ä}} {{x.ä}}", "- {x} }} {{ä}} {{x.ä}}"),
    ] {
        assert_eq!(told(body), sent);
    }
    let read = callback(
        json!({ "url": "https://h/{{a}}", "body": "{{b.c}}", "headers": [{ "name": "H", "value": "{{d}}" }] }),
    );
    assert_eq!(names_read(&read).into_iter().collect::<Vec<_>>(), ["a", "b", "d"]);
}

#[test]
fn sizes_are_bounded_when_filled_in() {
    let long = "9".repeat(8_000);
    let too_long = |fields: Value| request(&callback(fields), &holding(&long));
    assert_eq!(too_long(json!({ "url": "https://h/{{x}}{{x}}" })), Err(BadTemplate::TooLong("url")));
    assert_eq!(
        too_long(json!({ "headers": [{ "name": "H", "value": "{{x}}" }] })),
        Err(BadTemplate::TooLong("header"))
    );
    assert_eq!(too_long(json!({ "body": "-{{x}}".repeat(9) })), Err(BadTemplate::TooLong("body")));
    let json = json!({ "list": vec!["{{x}}"; 9] }).to_string();
    assert_eq!(too_long(json!({ "body": json })), Err(BadTemplate::TooLong("body")));
}

#[test]
fn headers_that_the_connection_sets_are_refused_when_drawn() {
    for (name, wrong) in [
        ("Host", BadTemplate::HeaderOfOurs("Host".to_owned())),
        ("content-length", BadTemplate::HeaderOfOurs("content-length".to_owned())),
        ("Transfer-Encoding", BadTemplate::HeaderOfOurs("Transfer-Encoding".to_owned())),
        ("", BadTemplate::HeaderName(String::new())),
        ("A b", BadTemplate::HeaderName("A b".to_owned())),
        ("A\r\nB", BadTemplate::HeaderName("A\r\nB".to_owned())),
    ] {
        assert_eq!(check(&callback(json!({ "headers": [{ "name": name, "value": "1" }] }))), Err(wrong));
    }
    assert_eq!(check(&callback(json!({ "headers": [{ "name": "Authorization", "value": "Bearer {{x}}" }] }))), Ok(()));
}

const HOSTILE: [&str; 57] = [
    "\"",
    "\\",
    "}}",
    "{{",
    "{{secret}}",
    "{{x}}",
    "{{{{secret}}}}",
    "\", \"admin\": true, \"",
    "\\\"",
    "\r\n",
    "\r\nX-Evil: 1",
    "\n",
    "\0",
    "@evil.example",
    "@127.0.0.1/",
    ":80@evil.example",
    "//evil.example/",
    "\\\\evil.example",
    "https://evil.example/",
    "..",
    "../",
    "../../etc",
    "..%2f",
    "%2e%2e",
    ".%2e",
    "/",
    "?",
    "#",
    "&a=b",
    "=",
    ";",
    ":",
    " ",
    "%",
    "%00",
    "%0d%0a",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{202e}",
    "\u{ff0f}\u{ff0f}evil",
    "。",
    "🐙",
    "</script>",
    "'",
    "$(id)",
    "`id`",
    "${jndi:ldap://x}",
    "null",
    "true",
    "{}",
    "[]",
    "{\"a\":1}",
    "\t",
    "\u{7f}",
    "\u{85}",
    "\u{1b}[0m",
];
