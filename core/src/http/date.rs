//! HTTP dates: writes IMF-fixdate, parses all three formats of RFC 9110 section 5.6.7.

/// The length of an IMF-fixdate.
pub const LEN: usize = 29;

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAY: u64 = 86_400;
/// The last second of the year 9999, the last with four digits.
const LAST: u64 = 253_402_300_799;

/// Formats a time, in seconds since 1970, as an IMF-fixdate. A time after the year 9999 is written as the end of that
/// year.
///
/// ```
/// assert_eq!(&stelo_core::http::date::format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
pub fn format(seconds: u64) -> [u8; LEN] {
    let seconds = seconds.min(LAST);
    let (days, time) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = civil(days);
    let mut out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let mut put = |at: usize, digits: usize, mut value: u64| {
        for slot in out[at..at + digits].iter_mut().rev() {
            *slot = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(5, 2, day);
    put(12, 4, year);
    put(17, 2, time / 3600);
    put(20, 2, time / 60 % 60);
    put(23, 2, time % 60);
    out[..3].copy_from_slice(DAYS[(days % 7) as usize]);
    out[8..11].copy_from_slice(MONTHS[(month - 1) as usize]);
    out
}

/// Parses a date in one of the three formats. Returns seconds since 1970.
///
/// Returns `None` for anything else, which includes dates before 1970 and days that do not exist. The name of the day
/// is not compared with the date.
///
/// ```
/// use stelo_core::http::date::parse;
///
/// assert_eq!(parse(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(parse(b"Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
/// assert_eq!(parse(b"Sun Nov  6 08:49:37 1994"), Some(784_111_777));
/// assert_eq!(parse(b"yesterday"), None);
/// ```
pub fn parse(text: &[u8]) -> Option<u64> {
    let text = super::syntax::trim(text);
    if let Some(comma) = memchr::memchr(b',', text) {
        let (name, rest) = (text.get(..comma)?, text.get(comma + 1..)?.strip_prefix(b" ")?);
        let separator = *rest.get(2)?;
        let year_digits = match (separator, name.len()) {
            (b' ', 3) => 4,
            (b'-', 6..=9) => 2,
            _ => return None,
        };
        let year = number(rest.get(7..7 + year_digits)?)?;
        // A two-digit year means 1970 to 2069. RFC 9110 section 5.6.7 relates it to the current year, unknown here.
        let year = if year_digits == 4 { year } else { year + if year < 70 { 2000 } else { 1900 } };
        let tail = rest.get(7 + year_digits..)?;
        let time = tail.strip_prefix(b" ")?.strip_suffix(b" GMT")?;
        let valid = *rest.get(6)? == separator && day_name(name.get(..3)?);
        return valid.then(|| moment(year, rest.get(3..6)?, number(rest.get(..2)?)?, time)).flatten();
    }
    // asctime: `Sun Nov  6 08:49:37 1994`
    if text.len() != 24 || text[3] != b' ' || text[7] != b' ' || text[10] != b' ' || text[19] != b' ' {
        return None;
    }
    let day = number(if text[8] == b' ' { &text[9..10] } else { &text[8..10] })?;
    day_name(&text[..3]).then(|| moment(number(&text[20..])?, &text[4..7], day, &text[11..19])).flatten()
}

fn day_name(name: &[u8]) -> bool {
    DAYS.iter().any(|day| name == *day)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
}

fn moment(year: u64, month: &[u8], day: u64, time: &[u8]) -> Option<u64> {
    let month = MONTHS.iter().position(|m| month == *m)? as u64 + 1;
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = time else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    if hour > 23 || minute > 59 || second > 60 || year < 1970 || day == 0 {
        return None;
    }
    let days = days_since_1970(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY + hour * 3600 + minute * 60 + second)
}

/// Returns year, month and day of a day counted from 1970. Counts in eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    year / 400 * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    proptest! {
        #[test]
        fn agrees_with_httpdate(seconds in 0..=LAST) {
            let ours = format(seconds);
            let theirs = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            prop_assert_eq!(core::str::from_utf8(&ours).unwrap(), theirs.as_str());
            prop_assert_eq!(parse(&ours), Some(seconds));
        }

        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            parse(&text);
        }
    }

    #[test]
    fn invalid_dates_are_refused() {
        for bad in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun,06 Nov 1994 08:49:37 GMT",
            "Foo, 06 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn late_years_are_written_as_the_end_of_9999() {
        assert_eq!(&format(u64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
