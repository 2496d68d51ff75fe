//! Numbers as Prometheus' clients write them.

/// Returns a number as text: `0.5`, `1.0`, `1e-05`, `1.5e+06`, `+Inf`. `OpenMetrics` prescribes this form for bounds.
pub(crate) fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let digits = format!("{number:e}");
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn numbers() {
        let numbers = [0.0, -0.0, 1.0, -2.5, 0.0001, 1e-5, 999_999.0, 1e6, -1_234_567.5, 1e300, 5e-324, f64::MAX];
        let texts = numbers.map(text);
        let expected = [
            "0.0",
            "-0.0",
            "1.0",
            "-2.5",
            "0.0001",
            "1e-05",
            "999999.0",
            "1e+06",
            "-1.2345675e+06",
            "1e+300",
            "5e-324",
            "1.7976931348623157e+308",
        ];
        assert_eq!(texts, expected);
        assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(text), ["NaN", "+Inf", "-Inf"]);
    }
}
