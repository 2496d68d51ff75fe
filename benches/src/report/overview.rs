//! The results in one look: how fast the others are beside this library, in the cases that say most.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::case::Unit;
use crate::compare::{CaseResult, Results};
use crate::report::ink::{self, Drawn, OWN, Surface, TEXT, WIDTH};
use crate::report::scale::Scale;
use crate::report::table::figure;

/// A case that is shown, and who is shown in it beside this library, as far as they are there.
struct Headline {
    case: &'static str,
    title: &'static str,
    peers: &'static [&'static str],
}

/// Two in a row.
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

/// On both sides.
const EDGE: i32 = 3;
const OURS: &str = "shared-value";
const GAP: i32 = 22;
const PANEL: i32 = (WIDTH - GAP) / 2 - EDGE;
/// Within a panel: where the names end and the scale begins.
const LEFT: i32 = 168;
/// Within a panel: where the scale ends and the words begin.
const RIGHT: i32 = PANEL - 90;
/// What is above the panels.
const HEAD: i32 = 34;
/// What is below them.
const FOOT: i32 = 36;
const TITLE: i32 = 26;
const LINE: i32 = 20;
/// Below a panel: the marks of the scale, and a gap.
const SPACE: i32 = 34;

/// Draws `overview.svg`, and says whether there was something to be shown.
pub(super) fn draw(results: &Results, folder: &Path) -> Result<bool> {
    let panels: Vec<Panel<'_>> = HEADLINES.iter().filter_map(|headline| Panel::of(headline, results)).collect();
    if panels.is_empty() {
        return Ok(false);
    }
    draw_panels(&panels, &folder.join("overview.svg")).map_err(|error| anyhow!("draw the overview: {error}"))?;
    Ok(true)
}

/// What is shown of a case.
struct Panel<'a> {
    title: &'static str,
    /// The figure of this library.
    figure: String,
    /// The others, and how fast each is beside this library.
    peers: Vec<(&'a str, f64)>,
}

impl<'a> Panel<'a> {
    /// None if the case was not measured, or nobody is there to compare with.
    fn of(headline: &'a Headline, results: &Results) -> Option<Self> {
        let case: &CaseResult = results.case(headline.case)?;
        let ours = results.summary(headline.case, OURS)?.median;
        let speed =
            |peer: &&'a str| Some((*peer, speed(ours, results.summary(headline.case, peer)?.median, case.unit)));
        let peers: Vec<_> = headline.peers.iter().filter_map(speed).collect();
        let figure = format!("{} {}", figure(ours), case.unit.symbol());
        (!peers.is_empty()).then_some(Self { title: headline.title, figure, peers })
    }

    fn height(&self) -> i32 {
        TITLE + LINE * i32::try_from(self.peers.len() + 1).unwrap_or(0)
    }
}

/// How fast a peer is beside this library: more is faster, whatever the unit is.
fn speed(ours: f64, peer: f64, unit: Unit) -> f64 {
    if unit.is_time() { ours / peer } else { peer / ours }
}

/// A speed in words.
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
        "robust pthread mutexes can be taken again after their owner was killed; the others stay locked for ever.",
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
    surface.draw(&Text::new(panel.title, (left, top + TITLE / 2 - 2), ink::fat_letters(13.0, TEXT, HPos::Left)))?;
    let bottom = top + panel.height();
    for ratio in scale.marks() {
        let x = scale.place(ratio);
        let color = if (ratio - 1.0).abs() < 1e-9 { OWN.mix(0.6) } else { TEXT.mix(0.3) };
        surface.draw(&PathElement::new([(x, top + TITLE), (x, bottom)], color))?;
        let mark = if ratio < 1.0 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio}×") };
        surface.draw(&Text::new(mark, (x, bottom + 8), ink::letters(10.5, TEXT, HPos::Center)))?;
    }
    let ours = [(OURS, 1.0)];
    for ((name, speed), number) in ours.iter().chain(&panel.peers).zip(0..) {
        let y = top + TITLE + LINE * number + LINE / 2;
        let color = ink::color_of(name);
        let (own, there) = (scale.place(1.0), scale.place(*speed));
        surface.draw(&PathElement::new([(own, y), (there, y)], color.mix(0.7).stroke_width(2)))?;
        surface.draw(&Circle::new((there, y), 5, color.filled()))?;
        let is_ours = *name == OURS;
        let letters = if is_ours { ink::fat_letters } else { ink::letters };
        let color = if is_ours { OWN } else { TEXT };
        let words = if is_ours { panel.figure.clone() } else { words(*speed) };
        surface.draw(&Text::new(*name, (left + LEFT - 10, y), letters(12.0, color, HPos::Right)))?;
        surface.draw(&Text::new(words, (left + RIGHT + 8, y), letters(12.0, color, HPos::Left)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Reading;
    use crate::cases;
    use crate::compare::Row;
    use crate::statistics::Summary;

    #[test]
    fn faster_is_more_whatever_the_unit_is() {
        assert_eq!([speed(2.0, 4.0, Unit::Nanoseconds), speed(4.0, 2.0, Unit::MillionsPerSecond)], [0.5, 0.5]);
    }

    #[test]
    fn who_is_absent_is_left_out() {
        let row = |contestant: &str, median| Row {
            contestant: contestant.to_owned(),
            summary: Summary::of(&[Reading::of(median)]).expect("a reading"),
        };
        let (name, unit) = ("race-2", Unit::MillionsPerSecond);
        let rows = vec![row(OURS, 8.0), row("raw_sync", 2.0), row("AtomicU64", 9.0)];
        let cases = vec![CaseResult { name, title: "", unit, chart: "", rows, absent: Vec::new() }];
        let results = Results { cases, absent: Vec::new(), versions: Vec::new(), rounds: 1 };
        let panels: Vec<_> = HEADLINES.iter().filter_map(|headline| Panel::of(headline, &results)).collect();
        let shown: Vec<_> = panels.iter().map(|panel| (panel.figure.as_str(), panel.peers.as_slice())).collect();
        assert_eq!(shown, [("8.00 M/s", [("raw_sync", 0.25)].as_slice())]);
    }

    #[test]
    fn speeds_have_words() {
        let words = [0.25, 0.96, 1.44, 0.07, 0.006_99, 1.0 / 1_234.0].map(words);
        assert_eq!(words, ["4.0× slower", "as fast", "1.4× faster", "14× slower", "143× slower", "1,234× slower"]);
    }

    #[test]
    fn headlines_are_about_cases_that_there_are() {
        let names: Vec<_> = cases::all().iter().map(|case| case.name()).collect();
        for headline in HEADLINES {
            assert!(names.contains(&headline.case), "no case is called {}", headline.case);
        }
    }
}
