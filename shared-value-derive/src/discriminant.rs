//! Proposes the integer of an enum.

use syn::{DataEnum, Expr, ExprUnary, Lit, UnOp};

/// Returns the smallest integer that holds every discriminant, for the message that proposes it.
///
/// The value of a discriminant that is not a plain literal is unknown here. Then `i32` is a guess, which rustc corrects if
/// it is wrong.
pub(crate) fn smallest_integer(data: &DataEnum) -> &'static str {
    let mut next = 0_i128;
    let (mut least, mut greatest) = (0, 0);
    for variant in &data.variants {
        if let Some((_, discriminant)) = &variant.discriminant {
            match literal(discriminant) {
                Some(value) => next = value,
                None => return "i32",
            }
        }
        least = next.min(least);
        greatest = next.max(greatest);
        next = next.saturating_add(1);
    }
    let fits = |low: i128, high: i128| low <= least && greatest <= high;
    match () {
        () if fits(0, u8::MAX.into()) => "u8",
        () if fits(0, u16::MAX.into()) => "u16",
        () if fits(0, u32::MAX.into()) => "u32",
        () if fits(0, u64::MAX.into()) => "u64",
        () if fits(i8::MIN.into(), i8::MAX.into()) => "i8",
        () if fits(i16::MIN.into(), i16::MAX.into()) => "i16",
        () if fits(i32::MIN.into(), i32::MAX.into()) => "i32",
        () => "i64",
    }
}

fn literal(expression: &Expr) -> Option<i128> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(integer) => integer.base10_parse().ok(),
            Lit::Byte(byte) => Some(byte.value().into()),
            _ => None,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => literal(expr)?.checked_neg(),
        Expr::Group(group) => literal(&group.expr),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}
