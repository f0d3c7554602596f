//! Names come from another process: they are checked when they are read, not when they are used.

use protocol::{ClipName, Digit, LegId};

#[test]
fn a_name_with_a_slash_a_space_or_nothing_is_refused() {
    for bad in ["", "a/b", "a b", "ä", "a\n", &"x".repeat(65)] {
        assert!(LegId::new(bad).is_err(), "{bad:?}");
        assert!(serde_json::from_value::<LegId>(serde_json::json!(bad)).is_err(), "{bad:?}");
    }
    assert!(LegId::new("x".repeat(64)).is_ok());
}

#[test]
fn a_clip_stays_inside_the_audio_folder() {
    for bad in ["/etc/passwd", "../x.ogg", "a/../../x", "a//b", "a/", ""] {
        assert!(ClipName::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(ClipName::new("demo/welcome.ogg").unwrap().as_str(), "demo/welcome.ogg");
}

#[test]
fn sixteen_keys_and_no_more() {
    let keys: String = (0..=255).filter_map(Digit::from_event).map(Digit::as_char).collect();
    assert_eq!(keys, "0123456789*#ABCD");
    assert_eq!(Digit::try_from('b').unwrap().event(), 13);
    assert!(Digit::try_from('E').is_err());
}
