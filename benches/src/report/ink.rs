//! The colors and letters of charts. The colors can be read on white and on black.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The width of a chart: it fits into a column of text without scaling.
pub(super) const WIDTH: i32 = 830;
/// The color of this library.
pub(super) const OWN_COLOR: RGBColor = RGBColor(0xd8, 0x41, 0x25);
/// The color of the peers.
pub(super) const PEER_COLOR: RGBColor = RGBColor(0x56, 0x85, 0xbd);
/// The color of letters and lines.
pub(super) const TEXT: RGBColor = RGBColor(0x78, 0x78, 0x78);

/// A surface for drawing.
pub(super) type Surface<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// The result of drawing.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Returns the color of a contestant.
pub(super) fn color_of(contestant: &str) -> RGBColor {
    if contestant.starts_with("shared-value") { OWN_COLOR } else { PEER_COLOR }
}

/// Returns a style of this height. Text is placed by its anchor, and vertically by its center.
pub(super) fn letters(pixels: f64, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    /// The backend divides the size of a font by this number.
    const POINTS: f64 = 1.24;
    ("sans-serif", pixels * POINTS).into_font().color(&color).pos(Pos::new(anchor, VPos::Center))
}

/// Returns the bold form of [`letters`].
pub(super) fn bold_letters(pixels: f64, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let letters = letters(pixels, color, anchor);
    TextStyle { font: letters.font.clone().style(FontStyle::Bold), ..letters }
}
