//! A table for the terminal and for Markdown.

use std::fmt::Write as _;

/// Rows of text under a head. The first column holds text, the other columns figures.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the table as Markdown with aligned columns, which is easy to read as plain text too.
    pub(super) fn to_markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0).max(3)).collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                // Writing to a string cannot fail.
                let _ = if column == 0 { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
            }
            text.push_str("|\n");
            if number == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let dashes = "-".repeat(width);
                    let _ = if column == 0 { write!(text, "|-{dashes}-") } else { write!(text, "|-{dashes}:") };
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

/// Returns a figure with three significant digits.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => {
            let mut digits = format!("{value:.0}");
            let mut position = digits.len();
            while position > 3 {
                position -= 3;
                digits.insert(position, ',');
            }
            digits
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let figures = [0.0, 0.007_04, 0.153, 12.34, 123.4, 1_234_567.0].map(figure);
        assert_eq!(figures, ["0", "0.007", "0.15", "12.3", "123", "1,234,567"]);
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["contestant", "µs"]);
        table.row(vec!["one".to_owned(), "1.50".to_owned()]);
        assert_eq!(table.to_markdown(), "| contestant |   µs |\n|------------|-----:|\n| one        | 1.50 |\n");
    }
}
