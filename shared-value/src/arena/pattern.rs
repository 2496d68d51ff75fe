//! `Pattern`: which keys a program is interested in.

/// A pattern of keys: `*` stands for any characters, also none, and `?` for one. All other characters stand for themselves.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    characters: Vec<char>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: text.chars().collect() }
    }

    /// Returns whether a key fits. Takes time in proportion to the length of the key times that of the pattern.
    pub(super) fn fits(&self, key: &str) -> bool {
        let (pattern, key) = (&self.characters, key.chars().collect::<Vec<_>>());
        let (mut here, mut at) = (0, 0);
        // Where the last star is, and how far it reaches so far.
        let mut star: Option<(usize, usize)> = None;
        while at < key.len() {
            match pattern.get(here) {
                Some('*') => {
                    star = Some((here, at));
                    here += 1;
                }
                Some(one) if *one == '?' || *one == key[at] => {
                    (here, at) = (here + 1, at + 1);
                }
                // The last star takes one character more.
                _ => match star {
                    Some((place, reached)) => {
                        star = Some((place, reached + 1));
                        (here, at) = (place + 1, reached + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[here..].iter().all(|one| *one == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If the pattern meant something else than that of the command, a program would see other keys than `shared-value list`.
    #[test]
    fn stars_and_question_marks_stand_for_others() {
        let fits = |pattern: &str, key: &str| Pattern::new(pattern).fits(key);
        for (pattern, key) in [
            ("http.*", "http."),
            ("http.*", "http.requests/total"),
            ("*", ""),
            ("*", "a"),
            ("", ""),
            ("a?c", "aéc"),
            ("*.total", "http.requests.total"),
            ("*a*b*", "xaxbx"),
            ("*aab", "aaaab"),
            ("[a]{b}\\", "[a]{b}\\"),
            ("**", "x"),
        ] {
            assert!(fits(pattern, key), "{pattern} {key}");
        }
        for (pattern, key) in [
            ("http.*", "http"),
            ("http.*", "https.requests"),
            ("", "a"),
            ("a?c", "ac"),
            ("*.total", "http.total.x"),
            ("*a*b*", "ba"),
            ("[a]", "a"),
            ("?", ""),
            ("a", "A"),
        ] {
            assert!(!fits(pattern, key), "{pattern} {key}");
        }
    }
}
