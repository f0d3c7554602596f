//! Opening hours.

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::talk::{Talk, flow};
use crate::ivr::deed::TrailKind;
use crate::ivr::node::Timing;
use crate::ivr::schedule::is_open;
use crate::model::Millis;

/// `days`: "mon 09:00-17:00", enabled.
fn timing(zone: &str, days: &[&str]) -> Timing {
    serde_json::from_value(timing_json(zone, days)).unwrap()
}

fn timing_json(zone: &str, days: &[&str]) -> Value {
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let days: Vec<Value> = days
        .iter()
        .map(|line| {
            let (day, hours) = line.split_once(' ').unwrap();
            let (start, end) = hours.split_once('-').unwrap();
            let day = names.iter().find(|name| name.starts_with(day)).unwrap();
            json!({ "day": day, "enabled": true, "start": start, "end": end })
        })
        .collect();
    json!({ "timezone": zone, "days": days })
}

fn utc(text: &str) -> Millis {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp_millis()
}

/// A local time that is not ambiguous.
fn local(zone: &str, text: &str) -> Millis {
    let zone: Tz = zone.parse().unwrap();
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    zone.from_local_datetime(&naive).single().unwrap().timestamp_millis()
}

fn table(timing: &Timing, rows: &[(Millis, bool)]) {
    for (at, open) in rows {
        assert_eq!(is_open(timing, *at), Ok(*open), "{timing:?} at {at}");
    }
}

#[test]
fn hours_are_half_open() {
    let nine_to_five = timing("UTC", &["mon 09:00-17:00"]);
    table(
        &nine_to_five,
        &[
            (utc("2026-11-23 08:59:59"), false),
            (utc("2026-11-23 09:00:00"), true),
            (utc("2026-11-23 16:59:59") + 999, true),
            (utc("2026-11-23 17:00:00"), false),
            (utc("2026-11-24 12:00:00"), false),
        ],
    );
}

#[test]
fn the_zone_comes_first_then_the_weekday() {
    let kolkata = timing("Asia/Kolkata", &["tue 00:00-06:00"]);
    // Monday evening in London is Tuesday in Kolkata.
    table(&kolkata, &[(utc("2026-11-23 18:29:59"), false), (utc("2026-11-23 18:30:00"), true)]);
    table(&kolkata, &[(utc("2026-11-24 00:29:59"), true), (utc("2026-11-24 00:30:00"), false)]);
    let honolulu = timing("Pacific/Honolulu", &["sun 12:00-24:00"]);
    table(&honolulu, &[(utc("2026-11-23 09:59:59"), true), (utc("2026-11-23 10:00:00"), false)]);
    let kiritimati = timing("Pacific/Kiritimati", &["tue 00:00-24:00"]);
    table(&kiritimati, &[(utc("2026-11-23 09:59:59"), false), (utc("2026-11-23 10:00:00"), true)]);
}

#[test]
fn an_end_at_or_before_the_start_runs_past_midnight() {
    let night = timing("UTC", &["fri 22:00-06:00"]);
    table(
        &night,
        &[
            (utc("2026-11-27 05:00:00"), false),
            (utc("2026-11-27 21:59:59"), false),
            (utc("2026-11-27 22:00:00"), true),
            (utc("2026-11-27 23:59:59"), true),
            (utc("2026-11-28 00:00:00"), true),
            (utc("2026-11-28 05:59:59"), true),
            (utc("2026-11-28 06:00:00"), false),
            (utc("2026-11-28 23:00:00"), false),
        ],
    );
    let sunday = timing("UTC", &["sun 23:00-01:00"]);
    table(&sunday, &[(utc("2026-11-30 00:30:00"), true), (utc("2026-11-23 00:30:00"), true)]);
    let round = timing("UTC", &["mon 09:00-09:00"]);
    table(
        &round,
        &[
            (utc("2026-11-23 08:59:59"), false),
            (utc("2026-11-23 09:00:00"), true),
            (utc("2026-11-24 08:59:59"), true),
            (utc("2026-11-24 09:00:00"), false),
        ],
    );
}

#[test]
fn from_00_00_to_24_00_every_day_has_no_gap() {
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| format!("{day} 00:00-24:00"));
    let days: Vec<&str> = week.iter().map(String::as_str).collect();
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"] {
        let always = timing(zone, &days);
        // Every minute of two weeks around each change of the clocks.
        for start in [utc("2026-03-07 00:00:00"), utc("2026-03-25 00:00:00"), utc("2026-10-20 00:00:00")] {
            for minute in 0..14 * 24 * 60 {
                assert_eq!(is_open(&always, start + minute * 60_000), Ok(true), "{zone} {start} +{minute} min");
            }
        }
    }
    let midnight = timing("UTC", &["mon 00:00-24:00"]);
    table(&midnight, &[(utc("2026-11-23 23:59:59") + 999, true), (utc("2026-11-24 00:00:00"), false)]);
}

#[test]
fn a_day_that_is_not_enabled_or_not_listed_is_closed() {
    let mut monday = timing("UTC", &["mon 00:00-24:00"]);
    monday.days[0].enabled = false;
    table(&monday, &[(utc("2026-11-23 12:00:00"), false)]);
    table(&timing("UTC", &[]), &[(utc("2026-11-23 12:00:00"), false)]);
}

#[test]
fn in_an_hour_the_clock_skips_nothing_opens_late() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    let inside = timing("Europe/Berlin", &["sun 02:15-02:45"]);
    for minute in 0..180 {
        assert_eq!(is_open(&inside, utc("2026-03-29 00:00:00") + minute * 60_000), Ok(false));
    }
    let across = timing("Europe/Berlin", &["sun 02:30-10:00"]);
    table(&across, &[(utc("2026-03-29 00:59:59"), false), (utc("2026-03-29 01:00:00"), true)]);
    table(&across, &[(utc("2026-03-29 07:59:59"), true), (utc("2026-03-29 08:00:00"), false)]);
    let until = timing("Europe/Berlin", &["sun 00:00-02:30"]);
    table(&until, &[(utc("2026-03-29 00:59:59"), true), (utc("2026-03-29 01:00:00"), false)]);
}

#[test]
fn an_hour_the_clock_repeats_is_open_or_closed_both_times() {
    // New York, 2026-11-01: 02:00 becomes 01:00 at 06:00 UTC.
    let early = timing("America/New_York", &["sun 01:00-01:30"]);
    table(
        &early,
        &[
            (utc("2026-11-01 05:00:00"), true),
            (utc("2026-11-01 05:29:59"), true),
            (utc("2026-11-01 05:30:00"), false),
            (utc("2026-11-01 06:00:00"), true),
            (utc("2026-11-01 06:30:00"), false),
        ],
    );
    let office = timing("America/New_York", &["sun 00:00-09:00"]);
    table(&office, &[(utc("2026-11-01 05:30:00"), true), (utc("2026-11-01 13:59:59"), true)]);
    table(&office, &[(utc("2026-11-01 14:00:00"), false)]);
}

#[test]
fn nine_to_five_is_nine_to_five_on_both_sides_of_the_change_in_fifty_zones() {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| format!("{day} 09:00-17:00"));
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    for zone in ZONES {
        let office = timing(zone, &days);
        for date in [
            "2026-01-14",
            "2026-03-07",
            "2026-03-08",
            "2026-03-09",
            "2026-03-29",
            "2026-03-30",
            "2026-04-05",
            "2026-07-15",
            "2026-09-06",
            "2026-09-27",
            "2026-10-04",
            "2026-10-25",
            "2026-11-01",
            "2026-11-02",
        ] {
            let at = |time: &str| local(zone, &format!("{date} {time}"));
            table(
                &office,
                &[(at("08:59:59"), false), (at("09:00:00"), true), (at("16:59:59"), true), (at("17:00:00"), false)],
            );
        }
    }
}

#[test]
fn what_is_no_schedule_is_said() {
    let bad = |timing: Timing| is_open(&timing, utc("2026-11-23 12:00:00")).unwrap_err().to_string();
    assert_eq!(bad(timing("Mars/Olympus", &[])), "\"Mars/Olympus\" is not a time zone");
    for hours in ["9:00-17:00", "24:00-24:00", "09:60-17:00", "09:00-24:01", "ab:cd-17:00", "09-17", "09:00-1७:00"] {
        let day = format!("mon {hours}");
        assert!(bad(timing("UTC", &[&day])).ends_with("is not a time of day, HH:MM"), "{hours}");
    }
    assert!(is_open(&timing("UTC", &[]), i64::MAX).is_err());
}

#[test]
fn timing_takes_in_hours_or_out_of_hours_and_cannot_be_read_is_an_apology() {
    let branch = |zone: &str, days: &[&str]| {
        let mut node = json!({ "id": "open", "kind": "timing", "name": "Open?" });
        for (name, field) in timing_json(zone, days).as_object().unwrap() {
            node[name] = field.clone();
        }
        let team = |id: &str| json!({ "id": id, "kind": "transfer", "team": id });
        Talk::begin(flow(
            json!([node, team("in"), team("out")]),
            &[("open", "in_hours", "in"), ("open", "out_of_hours", "out")],
        ))
    };
    let talk = branch("Europe/Berlin", &["mon 13:00-13:01"]);
    assert_eq!((talk.team(), talk.last(TrailKind::Hours)), (Some("in"), "Within hours in Europe/Berlin"));
    let talk = branch("Europe/Berlin", &["mon 12:00-13:00"]);
    assert_eq!((talk.team(), talk.last(TrailKind::Hours)), (Some("out"), "Out of hours in Europe/Berlin"));
    branch("Nowhere", &[]).apologises("\"Nowhere\" is not a time zone");
}

const ZONES: [&str; 50] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Bangkok",
    "Asia/Beirut",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
];
