//! The results as charts: for each contestant of a case its median, and the range of the middle half of its readings,
//! on a scale of ratios to this library.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::compare::{CaseResult, Results, Row};
use crate::report::table::figure;

const WIDTH: u32 = 960;
/// Where the names end and the scale begins.
const LEFT: i32 = 260;
const RIGHT: i32 = WIDTH.cast_signed() - 150;
const LINE: i32 = 18;
const TITLE: i32 = 30;
const OWN: RGBColor = RGBColor(0xd1, 0x3b, 0x1f);
const OTHER: RGBColor = RGBColor(0x4a, 0x6f, 0x9c);
/// Readable on white and on black.
const TEXT: RGBColor = RGBColor(0x77, 0x77, 0x77);

/// Draws one chart for each group of cases, and returns their names.
pub(super) fn draw_all(results: &Results, folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for case in &results.cases {
        if !names.iter().any(|name| name == case.chart) && !case.rows.is_empty() {
            names.push(case.chart.to_owned());
        }
    }
    for name in &names {
        let cases: Vec<&CaseResult> =
            results.cases.iter().filter(|case| case.chart == name && !case.rows.is_empty()).collect();
        draw(&cases, &folder.join(format!("{name}.svg"))).map_err(|error| anyhow!("draw {name}: {error}"))?;
    }
    Ok(names)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(cases: &[&CaseResult], path: &Path) -> Drawn {
    let height: i32 = cases.iter().map(|case| height_of(case)).sum();
    let root = SVGBackend::new(path, (WIDTH, height.cast_unsigned() + 10)).into_drawing_area();
    let mut top = 0;
    for case in cases {
        draw_case(&root, case, top)?;
        top += height_of(case);
    }
    root.present()?;
    Ok(())
}

fn height_of(case: &CaseResult) -> i32 {
    TITLE + LINE * i32::try_from(case.rows.len()).unwrap_or(0) + LINE
}

fn draw_case(root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, case: &CaseResult, top: i32) -> Drawn {
    let base = case.rows[0].summary.median;
    let scale = Scale::of(&case.rows, base);
    let direction = if case.unit.is_time() { "less is better" } else { "more is better" };
    let title = format!("{} ({}, {direction})", case.title, case.unit.symbol());
    let bold = ("sans-serif", 14).into_font().style(FontStyle::Bold).color(&TEXT);
    root.draw(&Text::new(title, (10, top + 10), bold))?;
    let bottom = top + TITLE + LINE * i32::try_from(case.rows.len())?;
    for ratio in scale.marks() {
        let x = scale.place(ratio);
        let weight = if (ratio - 1.0).abs() < 1e-9 { TEXT.mix(0.8) } else { TEXT.mix(0.25) };
        root.draw(&PathElement::new([(x, top + TITLE), (x, bottom)], weight))?;
        root.draw(&Text::new(format!("{ratio}×"), (x, bottom + 3), small(HPos::Center, VPos::Top)))?;
    }
    for (number, row) in case.rows.iter().enumerate() {
        let y = top + TITLE + LINE * i32::try_from(number)? + LINE / 2;
        let summary = &row.summary;
        let color = if row.contestant.starts_with("shared-value") { OWN } else { OTHER };
        let [low, middle, high] = [summary.lower, summary.median, summary.upper].map(|value| scale.place(value / base));
        root.draw(&Text::new(row.contestant.clone(), (LEFT - 12, y), small(HPos::Right, VPos::Center)))?;
        root.draw(&PathElement::new([(low, y), (high, y)], color.stroke_width(2)))?;
        root.draw(&Circle::new((middle, y), 5, color.filled()))?;
        let label = format!("{}×   {}", figure(summary.median / base), figure(summary.median));
        root.draw(&Text::new(label, (RIGHT + 14, y), small(HPos::Left, VPos::Center)))?;
    }
    Ok(())
}

fn small(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", 12).into_font().color(&TEXT).pos(Pos::new(horizontal, vertical))
}

/// Ratios, on a logarithmic scale.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn of(rows: &[Row], base: f64) -> Self {
        let least = rows.iter().map(|row| row.summary.lower / base).fold(0.5, f64::min);
        let most = rows.iter().map(|row| row.summary.upper / base).fold(2.0, f64::max);
        Self { least: least.max(1e-6), most }
    }

    fn place(&self, ratio: f64) -> i32 {
        let part = (ratio.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        #[expect(clippy::cast_possible_truncation, reason = "a place on the chart")]
        let place = (part * f64::from(RIGHT - LEFT)) as i32;
        LEFT + place
    }

    /// The ratios that are marked.
    fn marks(&self) -> Vec<f64> {
        let is_wide = self.most / self.least > 50.0;
        let marks = [0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
        let is_shown = |mark: &f64| {
            let is_power = (mark.log10() - mark.log10().round()).abs() < 1e-9;
            (self.least..=self.most).contains(mark) && (is_power || !is_wide)
        };
        marks.into_iter().filter(is_shown).collect()
    }
}
