//! An interpreter for grammars in the notation of ISO 14977, as far as the page uses it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A grammar: its rules by their names.
#[derive(Debug)]
pub(crate) struct Grammar {
    rules: BTreeMap<String, Expression>,
}

#[derive(Debug)]
enum Expression {
    Terminal(String),
    /// `? .. ?`: one character, described in words.
    Special(fn(char) -> bool),
    Rule(String),
    Sequence(Vec<Expression>),
    Choice(Vec<Expression>),
    /// `[ .. ]`
    Optional(Box<Expression>),
    /// `{ .. }`
    Repeated(Box<Expression>),
}

impl Grammar {
    /// Reads a grammar.
    ///
    /// # Panics
    /// If it is not one, or uses a rule that it does not have.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        let mut rules = BTreeMap::new();
        let mut reader = Reader { rest: text };
        while !reader.skip_space().is_empty() {
            let name = reader.name();
            reader.expect("=");
            let rule = reader.choice();
            reader.expect(";");
            assert!(rules.insert(name.clone(), rule).is_none(), "two rules are named `{name}`");
        }
        let grammar = Self { rules };
        for (name, rule) in &grammar.rules {
            rule.check(name, &grammar);
        }
        grammar
    }

    /// Whether the rule describes all of the text.
    pub(crate) fn accepts(&self, rule: &str, text: &str) -> bool {
        let mut matcher = Matcher { grammar: self, text, known: HashMap::new() };
        matcher.ends_of_rule(rule, 0).contains(&text.len())
    }
}

impl Expression {
    #[track_caller]
    fn check(&self, within: &str, grammar: &Grammar) {
        match self {
            Self::Terminal(_) | Self::Special(_) => {}
            Self::Rule(name) => assert!(grammar.rules.contains_key(name), "`{within}` uses `{name}`, which is no rule"),
            Self::Sequence(parts) | Self::Choice(parts) => parts.iter().for_each(|part| part.check(within, grammar)),
            Self::Optional(part) | Self::Repeated(part) => part.check(within, grammar),
        }
    }
}

/// Returns the set of characters that a text between question marks describes.
#[track_caller]
fn special(words: &str) -> fn(char) -> bool {
    match words {
        "the byte 0A" => |character| character == '\n',
        "any character but a colon and the control characters of ASCII" => {
            |character| character != ':' && !character.is_ascii_control()
        }
        r#""_", an ASCII letter or digit, or another character that is neither white space nor a control character"# => {
            |character| match character {
                '_' => true,
                _ if character.is_ascii() => character.is_ascii_alphanumeric(),
                _ => !character.is_whitespace() && !character.is_control(),
            }
        }
        _ => panic!("nothing is known of `? {words} ?`"),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn skip_space(&mut self) -> &str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn takes(&mut self, token: &str) -> bool {
        let rest = self.skip_space().strip_prefix(token).map(str::len);
        if let Some(length) = rest {
            self.rest = &self.rest[self.rest.len() - length..];
        }
        rest.is_some()
    }

    #[track_caller]
    fn expect(&mut self, token: &str) {
        assert!(self.takes(token), "expected `{token}` before `{:.40}`", self.rest);
    }

    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        let (text, rest) = self.rest.split_once(end).unwrap_or_else(|| panic!("no `{end}` in `{:.40}`", self.rest));
        self.rest = rest;
        text.to_owned()
    }

    #[track_caller]
    fn name(&mut self) -> String {
        let text = self.skip_space();
        let length = text.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(text.len());
        assert!(length > 0, "expected a name before `{text:.40}`");
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        name.to_owned()
    }

    #[track_caller]
    fn choice(&mut self) -> Expression {
        let mut choices = vec![self.sequence()];
        while self.takes("|") {
            choices.push(self.sequence());
        }
        Expression::Choice(choices)
    }

    #[track_caller]
    fn sequence(&mut self) -> Expression {
        let mut parts = vec![self.part()];
        while self.takes(",") {
            parts.push(self.part());
        }
        Expression::Sequence(parts)
    }

    #[track_caller]
    fn part(&mut self) -> Expression {
        if self.takes("\"") {
            Expression::Terminal(self.until("\""))
        } else if self.takes("?") {
            Expression::Special(special(self.until(" ?").trim()))
        } else if self.takes("[") {
            Expression::Optional(Box::new(self.enclosed("]")))
        } else if self.takes("{") {
            Expression::Repeated(Box::new(self.enclosed("}")))
        } else if self.takes("(") {
            self.enclosed(")")
        } else {
            Expression::Rule(self.name())
        }
    }

    #[track_caller]
    fn enclosed(&mut self, end: &str) -> Expression {
        let inner = self.choice();
        self.expect(end);
        inner
    }
}

/// Finds all ends that an expression can have, so that no choice has to be taken back.
struct Matcher<'g, 't> {
    grammar: &'g Grammar,
    text: &'t str,
    known: HashMap<(&'g str, usize), BTreeSet<usize>>,
}

impl<'g> Matcher<'g, '_> {
    fn ends_of_rule(&mut self, name: &str, start: usize) -> BTreeSet<usize> {
        let (name, rule) = self.grammar.rules.get_key_value(name).expect("it was checked");
        if let Some(ends) = self.known.get(&(name.as_str(), start)) {
            return ends.clone();
        }
        let ends = self.ends(rule, start);
        self.known.insert((name, start), ends.clone());
        ends
    }

    fn ends(&mut self, expression: &'g Expression, start: usize) -> BTreeSet<usize> {
        let rest = &self.text[start..];
        match expression {
            Expression::Terminal(text) if rest.starts_with(text) => BTreeSet::from([start + text.len()]),
            Expression::Terminal(_) => BTreeSet::new(),
            Expression::Special(is_one) => rest
                .chars()
                .next()
                .filter(|next| is_one(*next))
                .map(|next| start + next.len_utf8())
                .into_iter()
                .collect(),
            Expression::Rule(name) => self.ends_of_rule(name, start),
            Expression::Sequence(parts) => {
                let mut ends = BTreeSet::from([start]);
                for part in parts {
                    ends = ends.into_iter().flat_map(|end| self.ends(part, end)).collect();
                }
                ends
            }
            Expression::Choice(choices) => choices.iter().flat_map(|choice| self.ends(choice, start)).collect(),
            Expression::Optional(part) => {
                let mut ends = self.ends(part, start);
                ends.insert(start);
                ends
            }
            Expression::Repeated(part) => {
                let (mut ends, mut new) = (BTreeSet::from([start]), vec![start]);
                while let Some(end) = new.pop() {
                    new.extend(self.ends(part, end).into_iter().filter(|end| ends.insert(*end)));
                }
                ends
            }
        }
    }
}

/// If the interpreter accepted every text, a wrong grammar in the page would go unnoticed.
#[test]
fn a_grammar_accepts_what_it_describes_and_nothing_else() {
    let grammar = Grammar::parse(
        r#"list = "(", [ item, { ",", item } ], ")" ;
           item = "a" | "aa", ( "b" | "c" ) | list, LF ;
           LF   = ? the byte 0A ? ;"#,
    );
    for text in ["()", "(a)", "(aab,a,aac)", "(()\n,(a)\n)"] {
        assert!(grammar.accepts("list", text), "{text:?}");
    }
    for text in ["", "(", "(a", "(aa)", "(a,)", "(,a)", "(a)a", "(())", "((a))", "(ab)"] {
        assert!(!grammar.accepts("list", text), "{text:?}");
    }
}
