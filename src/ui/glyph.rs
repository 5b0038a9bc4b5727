//! Every glyph of the screen, once, with its ASCII twin.
//!
//! Panes write the Unicode form; the canvas exchanges it when the terminal is ASCII only, also inside texts that
//! other rooms composed (`revision 42 → 41`). What has no twin becomes `?`, one for each column. A tick is `ok`, an arrow `->`,
//! and what is critical `!!`: two columns, which no sign of one character says as plainly.

/// Beyond a critical threshold.
pub const CRITICAL: &str = "▲";
/// A warning, or data past its refresh.
pub const WARNING: &str = "!";
/// Something that was checked and is good.
pub const OK: &str = "✓";
/// A check that forbids going on.
pub const BLOCKED: &str = "✗";
/// Live data.
pub const LIVE: &str = "●";
/// A step of a ladder that has not come yet.
pub const OPEN: &str = "○";
/// The row with the cursor.
pub const CURSOR: &str = "▸";
/// A marked row; own actions.
pub const MARK: &str = "◆";
/// A change on a time axis.
pub const CHANGE: &str = "▾";
pub const RULE: &str = "─";
pub const BAR: &str = "│";
/// Threshold line of a chart.
pub const THRESHOLD: &str = "┄";
pub const ELLIPSIS: &str = "…";
pub const DOT: &str = "·";
pub const TIMES: &str = "×";
/// An estimate.
pub const ABOUT: &str = "~";
pub const ARROW: &str = "→";
pub const UP: &str = "↑";
pub const DOWN: &str = "↓";
/// Corners of a dialog: top left, top right, bottom left, bottom right.
pub const CORNERS: [&str; 4] = ["┌", "┐", "└", "┘"];
/// Sparkline levels from lowest to highest. A gap is a blank, so the lowest level is not.
pub const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// In place of a character that must not reach the terminal.
pub const REPLACEMENT: &str = "\u{fffd}";
/// Carries a combining mark that has nothing to stand on.
pub const CARRIER: char = '◌';

/// One column becomes as many as the twin has characters.
const TWINS: &[(&str, &str)] = &[
    (CRITICAL, "!!"),
    (OK, "ok"),
    (BLOCKED, "x"),
    (LIVE, "*"),
    (OPEN, "o"),
    (CURSOR, ">"),
    (MARK, "#"),
    (CHANGE, "V"),
    (RULE, "-"),
    (BAR, "|"),
    (THRESHOLD, "-"),
    (ELLIPSIS, "~"),
    (DOT, "-"),
    (TIMES, "x"),
    (ARROW, "->"),
    (UP, "^"),
    (DOWN, "v"),
    (CORNERS[0], "+"),
    (CORNERS[1], "+"),
    (CORNERS[2], "+"),
    (CORNERS[3], "+"),
    (LEVELS[0], "_"),
    (LEVELS[1], "."),
    (LEVELS[2], ":"),
    (LEVELS[3], "-"),
    (LEVELS[4], "="),
    (LEVELS[5], "+"),
    (LEVELS[6], "%"),
    (LEVELS[7], "#"),
    ("–", "-"),
    ("—", "-"),
    ("‘", "'"),
    ("’", "'"),
    ("“", "\""),
    ("”", "\""),
];

/// The ASCII form of one grapheme; none when it has no twin.
pub fn twin(grapheme: &str) -> Option<&'static str> {
    TWINS.iter().find(|(glyph, _)| *glyph == grapheme).map(|(_, twin)| *twin)
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_twin_is_ascii_and_short() {
        for (glyph, twin) in TWINS {
            assert!(twin.is_ascii(), "{glyph} has the twin {twin}");
            assert_eq!(glyph.width(), 1, "{glyph}");
            // What fills a line takes one column for each.
            assert!(twin.len() == 1 || ["!!", "ok", "->"].contains(twin), "{glyph} and {twin}");
        }
    }

    #[test]
    fn sparkline_levels_stay_distinct_in_ascii() {
        let twins: std::collections::BTreeSet<_> = LEVELS.iter().map(|level| twin(level)).collect();
        assert_eq!(twins.len(), LEVELS.len());
        assert!(!twins.contains(&Some(" ")), "a blank is a gap");
    }
}
