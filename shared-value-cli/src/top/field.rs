//! `Field`: one line of the right half, with its history.

use std::collections::VecDeque;
use std::time::Instant;

use shared_value::{DynData, DynLayout};

use crate::value::{inline, type_text};

/// How many samples of a number are kept.
const SAMPLES: usize = 200;

/// A part of a value, or a value of an arena.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) changed: Option<Instant>,
    pub(super) samples: VecDeque<f64>,
}

impl Field {
    pub(super) fn new(path: String, kind: String) -> Self {
        Self { path, kind, text: String::new(), changed: None, samples: VecDeque::new() }
    }

    /// Notes the present data.
    pub(super) fn note(&mut self, data: &DynData, now: Instant) {
        let text = inline(data, 80);
        if text != self.text {
            self.changed = (!self.text.is_empty()).then_some(now).or(self.changed);
            self.text = text;
        }
        if let Some(number) = number(data) {
            if self.samples.len() == SAMPLES {
                self.samples.pop_front();
            }
            self.samples.push_back(number);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sparkline has a few steps only")]
fn number(data: &DynData) -> Option<f64> {
    let number = data.as_f64().or_else(|| data.as_i64().map(|number| number as f64));
    number.or_else(|| data.as_u64().map(|number| number as f64)).filter(|number| number.is_finite())
}

/// Lists the parts of data that are shown in a line each.
pub(super) fn leaves<'d>(layout: &DynLayout, data: &'d DynData) -> Vec<(String, String, &'d DynData)> {
    const MOST: usize = 2000;
    let mut found = Vec::new();
    collect(String::new(), layout, data, &mut found, MOST);
    found
}

fn collect<'d>(
    path: String,
    whole: &DynLayout,
    data: &'d DynData,
    found: &mut Vec<(String, String, &'d DynData)>,
    most: usize,
) {
    if found.len() >= most {
        return;
    }
    match data {
        DynData::Newtype { inner, .. } => collect(path, whole, inner, found, most),
        DynData::Struct { fields, .. } => {
            for (name, data) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(path, whole, data, found, most);
            }
        }
        // Short arrays of numbers fit into a line.
        DynData::Array(elements) if !elements.iter().all(is_leaf) || elements.len() > 8 => {
            for (index, data) in elements.iter().enumerate() {
                collect(format!("{path}[{index}]"), whole, data, found, most);
            }
        }
        _ => {
            let kind = whole.part(&path).map(|part| type_text(part.layout())).unwrap_or_default();
            found.push((path, kind, data));
        }
    }
}

fn is_leaf(data: &DynData) -> bool {
    !matches!(data, DynData::Struct { .. } | DynData::Array(_))
}
