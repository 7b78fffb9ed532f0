//! Lengths of time: as users write them, and as tables show them.

use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

/// Reads a length of time: seconds, or with units (`90`, `5m`, `1h30m`, `1d`); a day has 24 hours.
pub(crate) fn parse_seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a length of time; write seconds, or like 5m, 1h or 1d");
    if let Ok(seconds) = text.trim().parse::<i64>() {
        return Ok(seconds);
    }
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).map_err(|_| wrong())?;
    // Whole seconds up to 2^53 are exact in a float; nothing longer is a lease.
    if seconds.fract() != 0.0 || seconds.abs() >= 9e15 {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
    Ok(seconds as i64)
}

/// A length of time in units, exact: `1d12h`, `5m`, `90s` is `1m30s`.
pub(crate) fn in_units(seconds: i64) -> String {
    let mut rest = seconds;
    let parts = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)].map(|(unit, length)| {
        let count = rest / length;
        rest %= length;
        if count > 0 { format!("{count}{unit}") } else { String::new() }
    });
    let text = parts.concat();
    if text.is_empty() { format!("{seconds}s") } else { text }
}

/// How long ago something was, with kubectl's rounding.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let seconds = now.as_second() - since.as_second();
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| match seconds % big / small {
        0 => format!("{}{unit}", seconds / big),
        rest => format!("{}{unit}{rest}{small_unit}", seconds / big),
    };
    // Clocks differ a little between machines.
    if seconds < 0 {
        return if seconds > -2 { "0s".to_owned() } else { "<invalid>".to_owned() };
    }
    match seconds {
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => two(MINUTE, "m", 1, "s"),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => two(HOUR, "h", MINUTE, "m"),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => two(DAY, "d", HOUR, "h"),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s if s < 8 * YEAR => two(YEAR, "y", DAY, "d"),
        s => format!("{}y", s / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_seconds_or_has_units() {
        for (text, seconds) in [
            ("300", 300),
            ("5m", 300),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("1d", 86_400),
            ("2w", 1_209_600),
        ] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "soon", "5 parsecs", "1y", "1.5s", "0.1h30", "9999999999999999999"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same_length() {
        for seconds in [0, 1, 59, 60, 90, 300, 3_600, 86_399, 86_400, 31_536_000, 129_600] {
            assert_eq!(parse_seconds(&in_units(seconds)), Ok(seconds));
        }
        assert_eq!(in_units(129_600), "1d12h");
    }

    #[test]
    fn ages_are_rounded_as_kubectl_rounds_them() {
        let start = Timestamp::from_second(0).unwrap();
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (330, "5m30s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (28_740, "7h59m"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (-1, "0s"),
            (-60, "<invalid>"),
        ] {
            assert_eq!(age(start, Timestamp::from_second(seconds).unwrap()), text, "{seconds}");
        }
    }
}
