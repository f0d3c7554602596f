//! Opening hours: the wall clock of a zone against a week of half-open intervals.

use chrono::{DateTime, Datelike, Timelike, Weekday};
use chrono_tz::Tz;

use super::node::{Day, DayHours, Timing};
use crate::model::Millis;

/// Open at that moment? The moment is put into the zone first; weekday and time of day are read there. In an hour the
/// clock skips nothing opens or closes; an hour the clock repeats is open, or closed, both times.
///
/// # Errors
/// The zone, or a time of an enabled day, is not one.
pub fn is_open(timing: &Timing, now: Millis) -> Result<bool, BadSchedule> {
    let local = DateTime::from_timestamp_millis(now).ok_or(BadSchedule::Moment(now))?.with_timezone(&zone(timing)?);
    let today = day_of(local.weekday());
    let yesterday = day_of(local.weekday().pred());
    let minute = local.hour() * 60 + local.minute();
    for day in timing.days.iter().filter(|day| day.enabled) {
        let (start, end) = interval(day)?;
        let over_night = end <= start;
        let begun_today = day.day == today && minute >= start && (over_night || minute < end);
        let begun_yesterday = day.day == yesterday && over_night && minute < end;
        if begun_today || begun_yesterday {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The node's time zone.
///
/// # Errors
/// The IANA database has no zone of that name.
pub fn zone(timing: &Timing) -> Result<Tz, BadSchedule> {
    timing.timezone.parse().map_err(|_| BadSchedule::Zone(timing.timezone.clone()))
}

/// Start and end in minutes since midnight; an end at or before the start is on the next day.
///
/// # Errors
/// One of them is not `HH:MM`.
pub fn interval(day: &DayHours) -> Result<(u32, u32), BadSchedule> {
    let start = minutes(&day.start).filter(|start| *start < DAY_MINUTES);
    let start = start.ok_or_else(|| BadSchedule::Time(day.start.clone()))?;
    let end = minutes(&day.end).ok_or_else(|| BadSchedule::Time(day.end.clone()))?;
    Ok((start, end))
}

/// Why opening hours cannot be looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// No such zone.
    #[error("\"{0}\" is not a time zone")]
    Zone(String),
    /// Not a time of day.
    #[error("\"{0}\" is not a time of day, HH:MM")]
    Time(String),
    /// Beyond the calendar.
    #[error("{0} ms is no moment of the calendar")]
    Moment(Millis),
}

/// `HH:MM` as minutes since midnight, `24:00` included.
fn minutes(text: &str) -> Option<u32> {
    let two_digits = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

fn day_of(weekday: Weekday) -> Day {
    match weekday {
        Weekday::Mon => Day::Monday,
        Weekday::Tue => Day::Tuesday,
        Weekday::Wed => Day::Wednesday,
        Weekday::Thu => Day::Thursday,
        Weekday::Fri => Day::Friday,
        Weekday::Sat => Day::Saturday,
        Weekday::Sun => Day::Sunday,
    }
}

const DAY_MINUTES: u32 = 24 * 60;
