//! The page: what its fenced blocks and its tables say.

const PAGE: &str = include_str!("../../../docs/format.md");

/// The only fenced block in this language.
#[track_caller]
pub(crate) fn block(language: &str) -> &'static str {
    let fence = format!("\n```{language}\n");
    let mut blocks = PAGE.split(&fence).skip(1);
    let (Some(block), None) = (blocks.next(), blocks.next()) else { panic!("not one block of `{language}`") };
    block.split_inclusive("\n```").next().and_then(|block| block.strip_suffix("```")).expect("the block ends")
}

/// The rows of the table whose head starts with this text, as their cells.
#[track_caller]
pub(crate) fn table(head: &str) -> Vec<Vec<&'static str>> {
    let mut lines = PAGE.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
    assert!(lines.next().is_some(), "no table that starts with `{head}`");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}
