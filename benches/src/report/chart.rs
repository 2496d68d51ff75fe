//! Charts of the results: for each contestant of a case the median and the middle half of its readings, on a scale of ratios to
//! this library.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::compare::results::{CaseResult, Results};
use crate::report::ink::{self, Drawn, Surface, TEXT, WIDTH};
use crate::report::scale::Scale;
use crate::report::table::figure;

/// The left end of the scale, to the right of the names.
const LEFT: i32 = 240;
/// The right end of the scale.
const RIGHT: i32 = WIDTH - 160;
/// The right end of the ratios.
const RATIOS: i32 = WIDTH - 100;
/// The right end of the figures.
const FIGURES: i32 = WIDTH - 8;
const LINE: i32 = 20;
const TITLE: i32 = 30;
const LETTERS: f64 = 12.0;

/// Draws one chart for each group of cases, and returns the names of the charts.
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

fn draw(cases: &[&CaseResult], path: &Path) -> Drawn {
    let height: i32 = cases.iter().map(|case| height_of(case)).sum();
    let surface = SVGBackend::new(path, (WIDTH.cast_unsigned(), height.cast_unsigned())).into_drawing_area();
    let mut top = 0;
    for case in cases {
        draw_case(&surface, case, top)?;
        top += height_of(case);
    }
    surface.present()?;
    Ok(())
}

/// Returns the height of the title, the rows, the marks of the scale, and a gap.
fn height_of(case: &CaseResult) -> i32 {
    TITLE + LINE * i32::try_from(case.rows.len()).unwrap_or(0) + LINE + LINE / 2
}

fn draw_case(surface: &Surface<'_>, case: &CaseResult, top: i32) -> Drawn {
    let base = case.rows[0].summary.median;
    let ratios = case.rows.iter().flat_map(|row| [row.summary.lower / base, row.summary.upper / base]);
    let scale = Scale::of(ratios, [0.5, 2.0], [LEFT, RIGHT]);
    let direction = if case.unit.is_time() { "less is better" } else { "more is better" };
    let title = format!("{} ({direction})", case.title);
    surface.draw(&Text::new(title, (8, top + TITLE / 2), ink::bold_letters(13.0, TEXT, HPos::Left)))?;
    let bottom = top + TITLE + LINE * i32::try_from(case.rows.len())?;
    for ratio in scale.marks() {
        let x = scale.x_of(ratio);
        let weight = if (ratio - 1.0).abs() < 1e-9 { TEXT.mix(0.8) } else { TEXT.mix(0.3) };
        surface.draw(&PathElement::new([(x, top + TITLE), (x, bottom)], weight))?;
        let mark = ink::letters(11.0, TEXT, HPos::Center);
        surface.draw(&Text::new(format!("{ratio}×"), (x, bottom + LINE / 2), mark))?;
    }
    for (number, row) in case.rows.iter().enumerate() {
        let y = top + TITLE + LINE * i32::try_from(number)? + LINE / 2;
        let summary = &row.summary;
        let color = ink::color_of(&row.contestant);
        let [low, middle, high] = [summary.lower, summary.median, summary.upper].map(|value| scale.x_of(value / base));
        surface.draw(&PathElement::new([(low, y), (high, y)], color.stroke_width(2)))?;
        surface.draw(&Circle::new((middle, y), 5, color.filled()))?;
        let right = ink::letters(LETTERS, TEXT, HPos::Right);
        surface.draw(&Text::new(row.contestant.clone(), (LEFT - 12, y), right.clone()))?;
        surface.draw(&Text::new(format!("{}×", figure(summary.median / base)), (RATIOS, y), right.clone()))?;
        let figure = format!("{} {}", figure(summary.median), case.unit.symbol());
        surface.draw(&Text::new(figure, (FIGURES, y), right))?;
    }
    Ok(())
}
