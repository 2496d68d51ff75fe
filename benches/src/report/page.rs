//! The tables of a page that a run fills in: a comment before each says what it shows.
//!
//! `<!-- compare: budgets -->` asks for the budgets. `<!-- compare: CASE | CASE ; CONTESTANT | CONTESTANT -->` asks for a table with
//! a row for each case and a column for each contestant; its cells are the medians relative to this library's in the same case.
//! Each table ends at `<!-- end -->`.

use anyhow::{Context, Result};

use crate::compare::results::{OWN, Results};
use crate::report::markdown;
use crate::report::table::{Table, figure};

const BEGIN: &str = "<!-- compare: ";
const ORDERED: &str = " -->\n";
const END: &str = "<!-- end -->\n";

/// Returns the page with its tables filled in.
///
/// # Errors
/// If a table has no end, or asks for a case that was not measured.
pub(super) fn filled(page: &str, results: &Results) -> Result<String> {
    let (mut text, mut rest) = (String::new(), page);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (order, after) = after.split_once(ORDERED).context("the comment before a table has an end")?;
        let (_, after) = after.split_once(END).with_context(|| format!("the table `{order}` has an end"))?;
        let table = match order.split_once(" ; ") {
            Some((cases, contestants)) => ratios(cases, contestants, results)?,
            None => markdown::budget_table(results).to_markdown(),
        };
        text.extend([before, BEGIN, order, ORDERED, "\n", &table, "\n", END]);
        rest = after;
    }
    Ok(text + rest)
}

fn ratios(cases: &str, contestants: &str, results: &Results) -> Result<String> {
    let contestants: Vec<&str> = contestants.split(" | ").collect();
    let mut table = Table::new(&[&[""], &contestants[..]].concat());
    for name in cases.split(" | ") {
        let case = results.case(name).with_context(|| format!("the case {name} was not measured"))?;
        let own = case.row(OWN).or_else(|| case.rows.first()).map(|row| row.summary.median);
        let ratio = |contestant: &&str| {
            let found = case.row(contestant).zip(own);
            found.map_or_else(String::new, |(row, own)| figure(row.summary.median / own))
        };
        table.row([vec![case.title.to_owned()], contestants.iter().map(ratio).collect()].concat());
    }
    Ok(table.to_markdown())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::results::{CaseResult, Row};
    use crate::measure::{Reading, Summary, Unit};

    #[test]
    fn a_table_is_filled_in_and_the_rest_of_the_page_stays() {
        let row = |contestant: &str, value| Row {
            contestant: contestant.to_owned(),
            summary: Summary::of(&[Reading::of(value)]).expect("a reading"),
        };
        let rows = vec![row(OWN, 2.0), row("peer", 3.0)];
        let case =
            CaseResult { name: "add", title: "add", unit: Unit::Nanoseconds, chart: "", rows, absent: Vec::new() };
        let results = Results { cases: vec![case], absent: Vec::new(), versions: Vec::new(), rounds: 1 };
        let page = "before\n<!-- compare: add ; peer | other -->\nold\n<!-- end -->\nafter\n";
        let filled = filled(page, &results).expect("the case was measured");
        assert!(filled.starts_with("before\n<!-- compare: add ; peer | other -->\n\n|"), "{filled}");
        assert!(filled.contains("1.5") && !filled.contains("old"), "{filled}");
        assert!(filled.ends_with("|\n\n<!-- end -->\nafter\n"), "{filled}");
        assert_eq!(super::filled(&filled, &results).expect("as before"), filled);
        assert!(super::filled("<!-- compare: other ; peer -->\n<!-- end -->\n", &results).is_err());
    }
}
