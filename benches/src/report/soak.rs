//! The picture of a soak: what an arena uses while processes change it and are killed.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::report::ink::{self, Drawn, OWN_COLOR, PEER_COLOR, TEXT, WIDTH};

const HEIGHT: i32 = 260;
const LEFT: i32 = 80;
const RIGHT: i32 = WIDTH - 150;
const TOP: i32 = 34;
const BOTTOM: i32 = HEIGHT - 34;
const MIB: f64 = 1_048_576.0;

/// What a line of the output of `tests/soak.sh` says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    seconds: f64,
    used: f64,
    live: f64,
}

impl Moment {
    /// Reads a line such as `  15 s  used 4096: 3 values 1024, ..`, and returns `None` for any other one.
    fn of(line: &str) -> Option<Self> {
        let (seconds, rest) = line.trim_start().split_once(" s  used ")?;
        let (used, rest) = rest.split_once(": ")?;
        let (_, rest) = rest.split_once(" values ")?;
        let (values, _) = rest.split_once(',')?;
        let number = |text: &str| text.parse::<u32>().ok().map(f64::from);
        Some(Self { seconds: number(seconds)?, used: number(used)?, live: number(values)? })
    }
}

/// Draws what `tests/soak.sh` has printed.
///
/// # Errors
/// If there are fewer than two moments in it, or the picture cannot be written.
pub fn soak(printed: &str, path: &Path) -> Result<()> {
    let moments: Vec<Moment> = printed.lines().filter_map(Moment::of).collect();
    ensure!(
        moments.len() > 1,
        "expected lines such as `  15 s  used 4096: 3 values 1024, ..`, as tests/soak.sh prints them"
    );
    let end = printed.lines().rev().find_map(|line| line.split_once(" kills  ")).context("the line with all kills")?;
    draw(&moments, end.0, path).map_err(|error| anyhow!("draw {}: {error}", path.display()))
}

fn draw(moments: &[Moment], kills: &str, path: &Path) -> Drawn {
    let surface = SVGBackend::new(path, (WIDTH.cast_unsigned(), HEIGHT.cast_unsigned())).into_drawing_area();
    let last = moments.iter().map(|moment| moment.seconds).fold(1.0, f64::max);
    let most = moments.iter().map(|moment| moment.used).fold(MIB, f64::max) * 1.1 / MIB;
    let x_of = |seconds: f64| LEFT + rounded(seconds / last * f64::from(RIGHT - LEFT));
    let y_of = |bytes: f64| BOTTOM - rounded(bytes / MIB / most * f64::from(BOTTOM - TOP));
    let title = format!("Bytes of an arena, in MiB, while its processes are killed and started again ({kills} kills)");
    surface.draw(&Text::new(title, (8, TOP / 2 - 2), ink::bold_letters(13.0, TEXT, HPos::Left)))?;
    for mark in marks(most) {
        let y = y_of(mark * MIB);
        surface.draw(&PathElement::new([(LEFT, y), (RIGHT, y)], TEXT.mix(0.3)))?;
        surface.draw(&Text::new(format!("{mark}"), (LEFT - 8, y), ink::letters(11.0, TEXT, HPos::Right)))?;
    }
    for mark in marks(last) {
        let place = (x_of(mark), BOTTOM + 12);
        surface.draw(&Text::new(format!("{mark} s"), place, ink::letters(11.0, TEXT, HPos::Center)))?;
    }
    for (name, color) in [("used", OWN_COLOR), ("of values", PEER_COLOR)] {
        let bytes = |moment: &Moment| if name == "used" { moment.used } else { moment.live };
        let points = moments.iter().map(|moment| (x_of(moment.seconds), y_of(bytes(moment))));
        surface.draw(&PathElement::new(points.collect::<Vec<_>>(), color.stroke_width(2)))?;
        let y = moments.last().map_or(BOTTOM, |moment| y_of(bytes(moment)));
        surface.draw(&Text::new(name, (RIGHT + 8, y), ink::letters(12.0, color, HPos::Left)))?;
    }
    surface.present()?;
    Ok(())
}

/// Returns from 0 on the marks of a scale, about five.
fn marks(most: f64) -> impl Iterator<Item = f64> {
    let power = 10_f64.powf((most / 5.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| most / step < 6.0);
    let step = step.unwrap_or(10.0 * power);
    (0..10_u32).map(move |number| f64::from(number) * step).take_while(move |mark| *mark <= most)
}

fn rounded(pixels: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "it lies on the picture")]
    let whole = pixels.round() as i32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_soak_is_read() {
        let line = "  15 s  used 4096: 3 values 1024, 1 removed 512, reusable 64, overhead 32";
        assert_eq!(Moment::of(line), Some(Moment { seconds: 15.0, used: 4096.0, live: 1024.0 }));
        assert_eq!(Moment::of("1300 kills  used 4096: 3 values 1024, 1 removed 512"), None);
    }

    #[test]
    fn a_scale_has_about_five_marks() {
        assert_eq!(marks(600.0).collect::<Vec<_>>(), [0.0, 200.0, 400.0, 600.0]);
        assert_eq!(marks(5.5).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
