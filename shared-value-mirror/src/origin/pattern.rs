//! `Pattern`: which keys of an arena are published.

/// A pattern of keys: `*` stands for any characters, also none, and `?` for one, as in
/// [`Arena::changes`](shared_value::Arena::changes).
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
}

impl Pattern {
    /// Returns whether the key fits.
    pub(super) fn fits(&self, key: &str) -> bool {
        let (pattern, key): (Vec<char>, Vec<char>) = (self.text.chars().collect(), key.chars().collect());
        let (mut at, mut of) = (0, 0);
        // Where the last `*` stands, and how far it reaches.
        let mut star = None;
        while at < key.len() {
            match pattern.get(of) {
                Some('*') => {
                    star = Some((of, at));
                    of += 1;
                }
                Some(wanted) if *wanted == '?' || *wanted == key[at] => (at, of) = (at + 1, of + 1),
                _ => match &mut star {
                    Some((position, end)) => {
                        *end += 1;
                        (at, of) = (*end, *position + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[of..].iter().all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that do not fit would be published, or keys that fit would be missing until they change.
    #[test]
    fn a_pattern_fits_as_that_of_changes_does() {
        let fits = |text: &str, key| Pattern { text: text.to_owned() }.fits(key);
        assert!(fits("*", "") && fits("*", "eu.de") && fits("eu.*", "eu.") && fits("e?.*e", "eu.de"));
        assert!(fits("*a*b", "aabab") && fits("", "") && fits("**x", "ax"));
        assert!(!fits("eu.*", "us.ny") && !fits("?", "") && !fits("a", "ab") && !fits("*a*b", "aaba"));
    }
}
