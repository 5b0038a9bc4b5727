//! Amounts as Kubernetes writes them: `250m`, `1Gi`, `1e3` (`resource.Quantity` of apimachinery).

/// Most digits after the point that are looked at; what comes after them rounds up.
const MOST_FRACTION: usize = 18;

/// In thousandths, rounded up, and no more than `u64::MAX`; none where it is no quantity, or below zero.
pub fn thousandths(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() + fraction.len() == 0 {
        return None;
    }
    let (times, of) = scale(suffix)?;
    let (kept, cut) = fraction.split_at(fraction.len().min(MOST_FRACTION));
    let digits = format!("{whole}{kept}");
    let digits = digits.trim_start_matches('0');
    let is_more = cut.bytes().any(|digit| digit != b'0');
    let amount: u128 = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u128::MAX) };
    let parts = of.checked_mul(10_u128.pow(u32::try_from(kept.len()).ok()?))?;
    let scaled = amount.checked_add(u128::from(is_more)).and_then(|amount| amount.checked_mul(times)?.checked_mul(1_000));
    Some(scaled.map_or(u64::MAX, |scaled| u64::try_from(scaled.div_ceil(parts)).unwrap_or(u64::MAX)))
}

/// What a suffix multiplies by, as a fraction.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    Some(match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "" => (1, 1),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let ten = 10_u128.checked_pow(power.unsigned_abs().min(24))?;
            if power < 0 { (1, ten) } else { (ten, 1) }
        }
    })
}

/// `580334m` as `580.3`: an amount that a person reads, with at most one digit after the point where it is one and more; what is
/// no quantity, or written in powers of 1,024, stays as it is.
pub fn plain(text: &str) -> String {
    let is_thousandths = text.ends_with(['m', 'u', 'n']) && !text.ends_with("Mi");
    let Some(amount) = thousandths(text).filter(|_| is_thousandths) else { return text.to_owned() };
    match amount {
        1_000.. if (amount + 50) / 100 % 10 == 0 => ((amount + 50) / 1_000).to_string(),
        1_000.. => format!("{}.{}", (amount + 50) / 1_000, (amount + 50) / 100 % 10),
        _ => text.to_owned(),
    }
}

/// `250m`, `2`, `1.5Gi`: thousandths of a resource as a person reads them, memory in powers of 1,024.
pub fn shown(resource: &str, thousandths: u64) -> String {
    if !resource.ends_with("memory") {
        return if thousandths.is_multiple_of(1_000) { (thousandths / 1_000).to_string() } else { format!("{thousandths}m") };
    }
    let bytes = thousandths / 1_000;
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
    };
    match bytes {
        0x4000_0000.. => format!("{}Gi", tenths(0x4000_0000)),
        0x10_0000.. => format!("{}Mi", tenths(0x10_0000)),
        _ => format!("{}Ki", tenths(0x400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_as_kubernetes_writes_them() {
        for (text, thousandths_of_it) in [
            ("250m", 250),
            ("2", 2_000),
            ("0.5", 500),
            (".5", 500),
            ("5.", 5_000),
            ("+1", 1_000),
            ("1k", 1_000_000),
            ("1M", 1_000_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("1.5e-1", 150),
            ("128974848", 128_974_848_000),
            ("100n", 1),
            ("1500u", 2),
            ("0", 0),
            ("9007199254740993", 9_007_199_254_740_993_000),
            ("1Ei", u64::MAX),
            ("0.0001", 1),
        ] {
            assert_eq!(thousandths(text), Some(thousandths_of_it), "{text}");
        }
        for text in ["", "m", "1Qi", "-1", "x", ".", "1.2.3", "1K", "1 Gi"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
        assert_eq!(
            ["250m", "2", "1.5Gi", "512Mi"].map(|text| shown(if text.ends_with('i') { "memory" } else { "cpu" }, thousandths(text).unwrap())),
            ["250m", "2", "1.5Gi", "512Mi"]
        );
    }

    #[test]
    fn thousandths_of_a_metric_are_read_by_people() {
        for (text, read) in
            [("580334m", "580.3"), ("1500m", "1.5"), ("2000m", "2"), ("250m", "250m"), ("30", "30"), ("512Mi", "512Mi"), ("1999980m", "2000")]
        {
            assert_eq!(plain(text), read);
        }
    }
}
