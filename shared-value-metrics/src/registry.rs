//! Finding the series of an arena, and adding those that are missing.

use std::sync::Arc;

use metrics::Histogram;
use shared_value::{Arena, SharedValue, Synchronized, Transaction, Zeroed};

use crate::bounds::{Bounds, MOST};
use crate::error::Error;
use crate::handles::{CounterHandle, GaugeHandle, HistogramHandle};
use crate::labels;
use crate::name::{Kind, metric_of, sample_of, uses_of};
use crate::series::{MetricHistogram, SeriesKey, bounds_key, help_key, name_key};

/// A series, by its names and by its place in the arena.
#[derive(Debug)]
pub(crate) struct Series {
    kind: Kind,
    metric: String,
    place: SeriesKey,
}

impl Series {
    pub(crate) fn new(kind: Kind, key: &metrics::Key) -> Result<Self, Error> {
        let metric = metric_of(kind, key.name())?;
        let labels = labels::text(kind, &metric, key.labels())?;
        let place = SeriesKey::new(&sample_of(kind, &metric), &labels);
        Ok(Self { kind, metric, place })
    }

    pub(crate) fn metric(&self) -> &str {
        &self.metric
    }

    pub(crate) fn counter(&self, arena: &Arena) -> Result<CounterHandle, Error> {
        self.open(arena, None).map(CounterHandle)
    }

    pub(crate) fn gauge(&self, arena: &Arena) -> Result<GaugeHandle, Error> {
        self.open(arena, None).map(GaugeHandle)
    }

    pub(crate) fn histogram(&self, arena: &Arena, bounds: &Bounds) -> Result<Histogram, Error> {
        match bounds.len() {
            0..7 => self.histogram_of::<7>(arena, bounds),
            7..15 => self.histogram_of::<15>(arena, bounds),
            15..31 => self.histogram_of::<31>(arena, bounds),
            31..63 => self.histogram_of::<63>(arena, bounds),
            63..=MOST => self.histogram_of::<127>(arena, bounds),
            _ => unreachable!("bounds are checked"),
        }
    }

    fn histogram_of<const N: usize>(&self, arena: &Arena, bounds: &Bounds) -> Result<Histogram, Error> {
        let series = self.open::<MetricHistogram<N>>(arena, Some(bounds))?;
        Ok(Histogram::from_arc(Arc::new(HistogramHandle { series, bounds: bounds.clone() })))
    }

    /// Finds the series, or adds it, together with what is noted of its metric.
    fn open<V: SharedValue>(&self, arena: &Arena, bounds: Option<&Bounds>) -> Result<Synchronized<V>, Error> {
        self.find(arena, bounds)
            .transpose()
            .unwrap_or_else(|| arena.try_transaction(|transaction| self.add(transaction, bounds)))
            .map_err(|refusal| refusal.into_error(self))
    }

    /// Finds the series without a lock.
    fn find<V: SharedValue>(&self, arena: &Arena, bounds: Option<&Bounds>) -> Result<Option<Synchronized<V>>, Refusal> {
        let series = match arena.get::<V>(&self.place.key) {
            Ok(Some(series)) => series,
            // Another kind of metric, or other bounds: what is noted tells more.
            Ok(None) | Err(shared_value::Error::LayoutMismatch { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Some((key, labels)) = &self.place.labels {
            self.check_labels(labels, arena.get::<[u8]>(key)?.as_ref())?;
        }
        if let Some(bounds) = bounds {
            let Some(found) = arena.get::<[f64]>(&bounds_key(&self.metric))? else { return Ok(None) };
            self.check_bounds(bounds, &found)?;
        }
        Ok(Some(series))
    }

    /// Adds the series, unless another process has added it meanwhile. Either all of it is added or nothing.
    fn add<V: SharedValue>(
        &self,
        transaction: &Transaction<'_>,
        bounds: Option<&Bounds>,
    ) -> Result<Synchronized<V>, Refusal> {
        for (name, asked) in uses_of(self.kind, &self.metric) {
            let found = transaction.get_or_insert_with(&name_key(&name), || asked)?.load()?;
            if found != asked {
                return Err(Error::NameTaken { name, asked, found }.into());
            }
        }
        if let Some(bounds) = bounds {
            let found = transaction.get_or_insert_with(&bounds_key(&self.metric), || &**bounds)?;
            self.check_bounds(bounds, &found)?;
        }
        if let Some((key, labels)) = &self.place.labels {
            let found = transaction.get_or_insert_with(key, || labels.as_bytes())?;
            self.check_labels(labels, Some(&found))?;
        }
        Ok(transaction.get_or_insert_with(&self.place.key, || Zeroed)?)
    }

    fn check_labels(&self, labels: &str, found: Option<&Synchronized<[u8]>>) -> Result<(), Refusal> {
        let found = found.map(|found| found.to_vec()).transpose()?;
        if found.is_some_and(|found| found == labels.as_bytes()) {
            return Ok(());
        }
        Err(Error::InvalidLabel {
            metric: self.metric.clone(),
            label: labels.to_owned(),
            reason: "these labels are longer than 255 bytes, and the labels of another series have their hash; shorten one of them",
        }.into())
    }

    fn check_bounds(&self, bounds: &Bounds, found: &Synchronized<[f64]>) -> Result<(), Refusal> {
        let found = found.to_vec()?;
        if found == **bounds {
            return Ok(());
        }
        Err(Error::OtherBounds { name: self.metric.clone(), expected: bounds.to_vec(), found }.into())
    }
}

/// Notes the unit and the description of a metric.
pub(crate) fn describe(
    arena: &Arena,
    kind: Kind,
    name: &str,
    unit: Option<metrics::Unit>,
    description: &str,
) -> Result<(), Error> {
    let metric = metric_of(kind, name)?;
    let text = format!("{}\n{description}", unit.map_or("", |unit| unit.as_str()));
    let key = help_key(&metric);
    let note = || {
        let is_known = match arena.get::<[u8]>(&key)? {
            Some(found) => found.to_vec()? == text.as_bytes(),
            None => false,
        };
        // Every worker describes its metrics: only the first one adds, and only another text replaces.
        if is_known { Ok(()) } else { arena.replace(&key, text.as_bytes()).map(drop) }
    };
    note().map_err(|source| Error::Arena { series: metric.clone(), source: Box::new(source) })
}

/// Why a series was not found or added.
enum Refusal {
    Refused(Box<Error>),
    Arena(shared_value::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<shared_value::Error> for Refusal {
    fn from(error: shared_value::Error) -> Self {
        Self::Arena(error)
    }
}

impl Refusal {
    fn into_error(self, series: &Series) -> Error {
        match self {
            Self::Refused(error) => *error,
            Self::Arena(source) => Error::Arena { series: series.place.key.clone(), source: Box::new(source) },
        }
    }
}
