//! `Expression`: a condition on the parts of a value, as `wait` takes it.
//!
//! ```text
//! or         = and, { "||", and } ;
//! and        = not, { "&&", not } ;
//! not        = "!", not | "(", or, ")" | comparison ;
//! comparison = operand, [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ), operand ] ;
//! operand    = path | number | JSON text | word ;
//! ```

use std::cmp::Ordering;

use shared_value::DynData;

use crate::failure::{Failure, Result};
use crate::value::bare;

/// A condition.
#[derive(Debug)]
pub(crate) enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Compare(Operand, Comparison, Operand),
    /// True if it is `true`, or a number that is not zero.
    True(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// The number of a path in `paths` of the reader.
    Part(usize),
    Data(DynData),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Operator(&'static str),
    /// A path, a number or a word.
    Word(String),
    Text(String),
}

/// Longer operators come first.
const OPERATORS: [&str; 11] = ["||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")"];

/// Reads an expression. `is_path` says which words name a part. Returns the paths too.
pub(crate) fn parse(text: &str, is_path: impl Fn(&str) -> bool) -> Result<(Expression, Vec<String>)> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, paths: Vec::new(), is_path: &is_path, depth: 0 };
    let expression = parser.or()?;
    match parser.tokens.get(parser.at) {
        None => Ok((expression, parser.paths)),
        Some(token) => Err(unexpected(token)),
    }
}

fn unexpected(token: &Token) -> Failure {
    let shown = match token {
        Token::Operator(text) => (*text).to_owned(),
        Token::Word(text) | Token::Text(text) => text.clone(),
    };
    Failure::usage(format!("`{shown}` is not expected there: a condition is like `balance >= 100 && state == Open`"))
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(operator) = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)) {
            tokens.push(Token::Operator(operator));
            rest = &rest[operator.len()..];
        } else if rest.starts_with('"') {
            let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let Some(Ok(read)) = texts.next() else {
                return Err(Failure::usage(format!("`{rest}` is not text between quotes")));
            };
            let length = texts.byte_offset();
            tokens.push(Token::Text(read));
            rest = &rest[length..];
        } else {
            let is_end = |one: char| one.is_whitespace() || "|&=!<>()\"".contains(one);
            let length = rest.find(is_end).unwrap_or(rest.len());
            if length == 0 {
                return Err(Failure::usage(format!("`{rest}` is not part of a condition")));
            }
            tokens.push(Token::Word(rest[..length].to_owned()));
            rest = &rest[length..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    paths: Vec<String>,
    is_path: &'a dyn Fn(&str) -> bool,
    depth: usize,
}

impl Parser<'_> {
    fn takes(&mut self, operator: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.at), Some(Token::Operator(next)) if *next == operator);
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self) -> Result<Expression> {
        const DEEPEST: usize = 100;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Failure::usage("the condition has too many parentheses"));
        }
        let mut all = vec![self.and()?];
        while self.takes("||") {
            all.push(self.and()?);
        }
        self.depth -= 1;
        Ok(Expression::Or(all))
    }

    fn and(&mut self) -> Result<Expression> {
        let mut all = vec![self.not()?];
        while self.takes("&&") {
            all.push(self.not()?);
        }
        Ok(Expression::And(all))
    }

    fn not(&mut self) -> Result<Expression> {
        let mut is_negated = false;
        while self.takes("!") {
            is_negated = !is_negated;
        }
        let inner = if self.takes("(") {
            let inner = self.or()?;
            if !self.takes(")") {
                return Err(Failure::usage("a `)` is missing"));
            }
            inner
        } else {
            self.comparison()?
        };
        Ok(if is_negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Result<Expression> {
        let left = self.operand()?;
        let all = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (operator, comparison) in all {
            if self.takes(operator) {
                return Ok(Expression::Compare(left, comparison, self.operand()?));
            }
        }
        Ok(Expression::True(left))
    }

    fn operand(&mut self) -> Result<Operand> {
        let token = self.tokens.get(self.at).cloned().ok_or_else(|| Failure::usage("the condition ends too early"))?;
        self.at += 1;
        match token {
            Token::Operator(_) => Err(unexpected(&token)),
            Token::Text(text) => Ok(Operand::Data(text.into())),
            Token::Word(word) => {
                let path = if word == "value" && !(self.is_path)("value") { String::new() } else { word.clone() };
                if (self.is_path)(&path) {
                    self.paths.push(path);
                    return Ok(Operand::Part(self.paths.len() - 1));
                }
                // A misspelt field would wait forever.
                let is_left = !matches!(self.tokens.get(self.at.wrapping_sub(2)), Some(Token::Operator(operator)) if OPERATORS[2..8].contains(operator));
                let data = serde_json::from_str(&word).unwrap_or_else(|_| DynData::from(word.as_str()));
                if is_left && matches!(data, DynData::Text(_)) {
                    return Err(Failure::not_found(format!("no part `{word}`: `shared-value show` lists the parts")));
                }
                Ok(Operand::Data(data))
            }
        }
    }
}

impl Expression {
    /// Returns whether the condition holds for these parts.
    pub(crate) fn holds(&self, parts: &[DynData]) -> Result<bool> {
        match self {
            Self::Or(all) => any(all, parts, true),
            Self::And(all) => Ok(!any(all, parts, false)?),
            Self::Not(inner) => Ok(!inner.holds(parts)?),
            Self::Compare(left, comparison, right) => {
                let order = compare(left.data(parts), right.data(parts))?;
                Ok(match comparison {
                    Comparison::Equal => order == Some(Ordering::Equal),
                    Comparison::NotEqual => order != Some(Ordering::Equal),
                    Comparison::Less => order == Some(Ordering::Less),
                    Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
                    Comparison::Greater => order == Some(Ordering::Greater),
                    Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
                })
            }
            Self::True(operand) => match operand.data(parts) {
                data if data.as_bool().is_some() => Ok(data.as_bool() == Some(true)),
                data => match number(data) {
                    Some(number) => Ok(number != 0.0),
                    None => Err(Failure::unfit(format!("`{}` is neither true nor false", bare(data)))),
                },
            },
        }
    }
}

/// Returns whether one of the conditions has this answer.
fn any(all: &[Expression], parts: &[DynData], answer: bool) -> Result<bool> {
    for one in all {
        if one.holds(parts)? == answer {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Operand {
    fn data<'a>(&'a self, parts: &'a [DynData]) -> &'a DynData {
        match self {
            Self::Part(number) => &parts[*number],
            Self::Data(data) => data,
        }
    }
}

fn integer(data: &DynData) -> Option<i128> {
    data.as_i64().map(i128::from).or_else(|| data.as_u64().map(i128::from))
}

#[expect(clippy::cast_precision_loss, reason = "a number with a fraction is compared as one")]
fn number(data: &DynData) -> Option<f64> {
    data.as_f64().or_else(|| integer(data).map(|number| number as f64)).or_else(|| match data {
        // JSON has no numbers for these.
        DynData::Text(text) => ["NaN", "inf", "-inf"].contains(&text.as_str()).then(|| text.parse().ok()).flatten(),
        _ => None,
    })
}

/// Compares two parts; `None` if they are not ordered, as `NaN`.
fn compare(left: &DynData, right: &DynData) -> Result<Option<Ordering>> {
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Some(left.cmp(right)));
    }
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Ok(left.partial_cmp(&right));
    }
    if let (Some(left), Some(right)) = (left.as_bool(), right.as_bool()) {
        return Ok(Some(left.cmp(&right)));
    }
    let (one, other) = (bare(left), bare(right));
    // Characters, bytes, `None` and values with parts are compared as they print.
    let is_like = |data: &DynData| {
        matches!(
            data,
            DynData::Char(_) | DynData::Bytes(_) | DynData::Optional(_) | DynData::Array(_) | DynData::Struct { .. }
        )
    };
    if is_like(left) || is_like(right) {
        return Ok(if one == other { Some(Ordering::Equal) } else { None });
    }
    Err(Failure::unfit(format!("`{one}` and `{other}` cannot be compared")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> std::result::Result<bool, String> {
        let value = DynData::structure(
            "Account",
            [
                ("balance", DynData::from(5_i64)),
                ("rate", 0.5.into()),
                ("open", true.into()),
                ("state", DynData::Enum { variant: "Frozen".to_owned(), number: 2 }),
                ("owner", "A b".into()),
                ("limits", vec![DynData::from(7_u32)].into()),
            ],
        );
        let words = |failure: Failure| failure.message.unwrap_or_default();
        let (expression, paths) = parse(text, |path| value.part(path).is_some()).map_err(words)?;
        let parts: Vec<_> = paths.iter().map(|path| value.part(path).unwrap().clone()).collect();
        expression.holds(&parts).map_err(words)
    }

    #[test]
    fn conditions_hold_or_not() {
        for (text, expected) in [
            ("balance == 5", true),
            ("balance==5&&rate<1", true),
            ("balance > 5 || rate >= 0.5", true),
            ("balance > 5 || rate > 0.5", false),
            ("!(balance > 5) && open", true),
            ("!open", false),
            ("state == Frozen", true),
            ("state != Open", true),
            ("state == 2", true),
            ("owner == \"A b\"", true),
            ("limits[0] <= 7", true),
            ("balance == 5.0", true),
            ("rate < balance", true),
            ("rate != NaN", true),
            ("1 < 2 && (2 < 3 || 4 < 3)", true),
            ("limits == [7]", true),
            ("balance", true),
            ("-1 < balance", true),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
    }

    /// A condition that can never hold would make a script hang.
    #[test]
    fn mistakes_are_refused() {
        for text in [
            "balence == 5",
            "balance =",
            "balance == ",
            "(balance == 5",
            "balance == 5)",
            "",
            "&& balance",
            "owner",
            "open < 5",
        ] {
            assert!(holds(text).is_err(), "{text}");
        }
        assert!(holds(&"(".repeat(10_000)).is_err());
    }
}
