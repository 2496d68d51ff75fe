//! The overview: the speed of the peers relative to this library, in the cases that matter most.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::compare::results::{CaseResult, OWN, Results};
use crate::measure::Unit;
use crate::report::ink::{self, Drawn, OWN_COLOR, Surface, TEXT, WIDTH};
use crate::report::scale::Scale;
use crate::report::table::figure;

/// A case that the overview shows, and the peers that it shows if they were measured.
struct Headline {
    case: &'static str,
    title: &'static str,
    peers: &'static [&'static str],
}

/// The cases of the overview, two in a row.
const HEADLINES: &[Headline] = &[
    Headline {
        case: "read-field",
        title: "Read one field of 8 bytes",
        peers: &["std::sync::Mutex", "iceoryx2 blackboard", "pthread robust recursive", "raw_sync"],
    },
    Headline {
        case: "snapshot-64",
        title: "Copy 64 bytes",
        peers: &[
            "std::sync::Mutex",
            "iceoryx2 blackboard",
            "Boost recursive mutex",
            "pthread robust recursive",
            "raw_sync",
        ],
    },
    Headline {
        case: "add",
        title: "Add to a number under its lock",
        peers: &[
            "std::sync::Mutex",
            "Boost recursive mutex",
            "pthread robust recursive",
            "raw_sync",
            "Python multiprocessing",
        ],
    },
    Headline {
        case: "race-2",
        title: "Two processes add to one number, together",
        peers: &["Boost recursive mutex", "pthread robust recursive", "raw_sync", "Python multiprocessing"],
    },
    Headline {
        case: "read-beside-writer",
        title: "Copy 64 bytes while another process writes",
        peers: &["Boost recursive mutex", "pthread robust recursive", "raw_sync"],
    },
    Headline {
        case: "look-up-1000000",
        title: "Find one of 1,000,000 values by key",
        peers: &["HashMap in one process", "Python Manager().dict()"],
    },
];

/// The margin on both sides.
const EDGE: i32 = 3;
const GAP: i32 = 22;
const PANEL: i32 = (WIDTH - GAP) / 2 - EDGE;
/// The left end of the scale within a panel, to the right of the names.
const LEFT: i32 = 168;
/// The right end of the scale within a panel, to the left of the words.
const RIGHT: i32 = PANEL - 90;
/// The height above the panels.
const HEAD: i32 = 34;
/// The height below the panels.
const FOOT: i32 = 36;
const TITLE: i32 = 26;
const LINE: i32 = 20;
/// The height below a panel: the marks of the scale, and a gap.
const SPACE: i32 = 34;

/// Draws `overview.svg`. Returns whether any of its cases was measured.
pub(super) fn draw(results: &Results, folder: &Path) -> Result<bool> {
    let panels: Vec<Panel<'_>> = HEADLINES.iter().filter_map(|headline| Panel::of(headline, results)).collect();
    if panels.is_empty() {
        return Ok(false);
    }
    draw_panels(&panels, &folder.join("overview.svg")).map_err(|error| anyhow!("draw the overview: {error}"))?;
    Ok(true)
}

/// The part of the overview that shows a case.
struct Panel<'a> {
    title: &'static str,
    /// The figure of this library.
    figure: String,
    /// The peers, and the speed of each relative to this library.
    peers: Vec<(&'a str, f64)>,
}

impl<'a> Panel<'a> {
    /// Returns `None` if the case or all of its peers were not measured.
    fn of(headline: &'a Headline, results: &Results) -> Option<Self> {
        let case: &CaseResult = results.case(headline.case)?;
        let own = results.summary(headline.case, OWN)?.median;
        let speed = |peer: &&'a str| Some((*peer, speed(own, results.summary(headline.case, peer)?.median, case.unit)));
        let peers: Vec<_> = headline.peers.iter().filter_map(speed).collect();
        let figure = format!("{} {}", figure(own), case.unit.symbol());
        (!peers.is_empty()).then_some(Self { title: headline.title, figure, peers })
    }

    fn height(&self) -> i32 {
        TITLE + LINE * i32::try_from(self.peers.len() + 1).unwrap_or(0)
    }
}

/// Returns the speed of a peer relative to this library. More is faster, in every unit.
fn speed(own: f64, peer: f64, unit: Unit) -> f64 {
    if unit.is_time() { own / peer } else { peer / own }
}

/// Returns a speed in words.
fn words(speed: f64) -> String {
    let (factor, side) = if speed < 1.0 { (1.0 / speed, "slower") } else { (speed, "faster") };
    match factor {
        ..1.05 => "as fast".to_owned(),
        ..9.95 => format!("{factor:.1}× {side}"),
        _ => format!("{}× {side}", figure(factor.round()).trim_end_matches(".0")),
    }
}

fn draw_panels(panels: &[Panel<'_>], path: &Path) -> Drawn {
    let heights = panels.chunks(2).map(|row| row.iter().map(Panel::height).max().unwrap_or(0) + SPACE);
    let height = HEAD + heights.clone().sum::<i32>() + FOOT;
    let surface = SVGBackend::new(path, (WIDTH.cast_unsigned(), height.cast_unsigned())).into_drawing_area();
    let head = "Speed relative to shared-value, on a logarithmic scale: further to the right is faster";
    surface.draw(&Text::new(head, (EDGE, HEAD / 2 - 4), ink::letters(13.0, TEXT, HPos::Left)))?;
    let mut top = HEAD;
    for (row, height) in panels.chunks(2).zip(heights) {
        for (panel, left) in row.iter().zip((0..).map(|column| EDGE + column * (PANEL + GAP))) {
            let speeds = panels.iter().flat_map(|panel| panel.peers.iter().map(|(_, speed)| *speed));
            let scale = Scale::of(speeds, [0.1, 1.5], [left + LEFT, left + RIGHT]);
            draw_panel(&surface, panel, &scale, (left, top))?;
        }
        top += height;
    }
    let foot = [
        "std::sync::Mutex and HashMap work in one process only. Of the locks between processes, those of shared-value and",
        "robust pthread mutexes can be taken again after their owner was killed; the others stay locked forever.",
    ];
    for (line, number) in foot.into_iter().zip(0..) {
        surface.draw(&Text::new(
            line,
            (EDGE, height - FOOT + 8 + 16 * number),
            ink::letters(11.5, TEXT, HPos::Left),
        ))?;
    }
    surface.present()?;
    Ok(())
}

fn draw_panel(surface: &Surface<'_>, panel: &Panel<'_>, scale: &Scale, (left, top): (i32, i32)) -> Drawn {
    surface.draw(&Text::new(panel.title, (left, top + TITLE / 2 - 2), ink::bold_letters(13.0, TEXT, HPos::Left)))?;
    let bottom = top + panel.height();
    for ratio in scale.marks() {
        let x = scale.x_of(ratio);
        let color = if (ratio - 1.0).abs() < 1e-9 { OWN_COLOR.mix(0.6) } else { TEXT.mix(0.3) };
        surface.draw(&PathElement::new([(x, top + TITLE), (x, bottom)], color))?;
        let mark = if ratio < 1.0 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio}×") };
        surface.draw(&Text::new(mark, (x, bottom + 8), ink::letters(10.5, TEXT, HPos::Center)))?;
    }
    let own = [(OWN, 1.0)];
    for ((name, speed), number) in own.iter().chain(&panel.peers).zip(0..) {
        let y = top + TITLE + LINE * number + LINE / 2;
        let color = ink::color_of(name);
        let (center, x) = (scale.x_of(1.0), scale.x_of(*speed));
        surface.draw(&PathElement::new([(center, y), (x, y)], color.mix(0.7).stroke_width(2)))?;
        surface.draw(&Circle::new((x, y), 5, color.filled()))?;
        let is_own = *name == OWN;
        let letters = if is_own { ink::bold_letters } else { ink::letters };
        let color = if is_own { OWN_COLOR } else { TEXT };
        let words = if is_own { panel.figure.clone() } else { words(*speed) };
        surface.draw(&Text::new(*name, (left + LEFT - 10, y), letters(12.0, color, HPos::Right)))?;
        surface.draw(&Text::new(words, (left + RIGHT + 8, y), letters(12.0, color, HPos::Left)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::compare::results::Row;
    use crate::measure::{Reading, Summary};

    #[test]
    fn faster_is_more_in_every_unit() {
        assert_eq!([speed(2.0, 4.0, Unit::Nanoseconds), speed(4.0, 2.0, Unit::MillionsPerSecond)], [0.5, 0.5]);
    }

    #[test]
    fn absent_peers_are_left_out() {
        let row = |contestant: &str, median| Row {
            contestant: contestant.to_owned(),
            summary: Summary::of(&[Reading::of(median)]).expect("a reading"),
        };
        let (name, unit) = ("race-2", Unit::MillionsPerSecond);
        let rows = vec![row(OWN, 8.0), row("raw_sync", 2.0), row("AtomicU64", 9.0)];
        let cases = vec![CaseResult { name, title: "", unit, chart: "", rows, absent: Vec::new() }];
        let results = Results { cases, absent: Vec::new(), versions: Vec::new(), rounds: 1 };
        let panels: Vec<_> = HEADLINES.iter().filter_map(|headline| Panel::of(headline, &results)).collect();
        let shown: Vec<_> = panels.iter().map(|panel| (panel.figure.as_str(), panel.peers.as_slice())).collect();
        assert_eq!(shown, [("8.00 M/s", [("raw_sync", 0.25)].as_slice())]);
    }

    #[test]
    fn speeds_are_said_in_words() {
        let words = [0.25, 0.96, 1.44, 0.07, 0.006_99, 1.0 / 1_234.0].map(words);
        assert_eq!(words, ["4.0× slower", "as fast", "1.4× faster", "14× slower", "143× slower", "1,234× slower"]);
    }

    #[test]
    fn headlines_name_existing_cases() {
        let names: Vec<_> = cases::all().iter().map(|case| case.name()).collect();
        for headline in HEADLINES {
            assert!(names.contains(&headline.case), "no case is called {}", headline.case);
        }
    }
}
