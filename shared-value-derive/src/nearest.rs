//! Finds the word that a misspelt word probably means.

/// Returns the one of `names` that `word` probably misspells, if one is near enough.
pub(crate) fn nearest<'name>(word: &str, names: &[&'name str]) -> Option<&'name str> {
    let (distance, name) =
        names.iter().map(|name| (edit_distance(word, name), *name)).min_by_key(|(distance, _)| *distance)?;
    (distance * 2 <= name.len()).then_some(name)
}

/// Returns the number of letters to insert, remove or replace to turn `from` into `to`.
fn edit_distance(from: &str, to: &str) -> usize {
    let to = to.chars().collect::<Vec<_>>();
    let mut row = (0..=to.len()).collect::<Vec<_>>();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 0..to.len() {
            let replaced = diagonal + usize::from(letter != to[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
