//! What charts are drawn with: colors that can be read on white and on black, and letters.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Of a chart: what a column of text leaves for a picture, so that letters are shown in their own size.
pub(super) const WIDTH: i32 = 830;
/// Of this library.
pub(super) const OWN: RGBColor = RGBColor(0xd8, 0x41, 0x25);
/// Of the others.
pub(super) const OTHER: RGBColor = RGBColor(0x56, 0x85, 0xbd);
/// Of letters and lines.
pub(super) const TEXT: RGBColor = RGBColor(0x78, 0x78, 0x78);

/// A surface to draw on.
pub(super) type Surface<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Whether it could be drawn.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Whose color something has.
pub(super) fn color_of(contestant: &str) -> RGBColor {
    if contestant.starts_with("shared-value") { OWN } else { OTHER }
}

/// Letters of so many pixels, at a place that is where the anchor says, and in the middle of their height.
pub(super) fn letters(pixels: f64, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    /// What the backend divides the size of a font by.
    const POINTS: f64 = 1.24;
    ("sans-serif", pixels * POINTS).into_font().color(&color).pos(Pos::new(anchor, VPos::Center))
}

/// The same, fat.
pub(super) fn fat_letters(pixels: f64, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let letters = letters(pixels, color, anchor);
    TextStyle { font: letters.font.clone().style(FontStyle::Bold), ..letters }
}
