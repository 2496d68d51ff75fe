//! `Recorder`, and the `Builder` that configures it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SetRecorderError, SharedString, Unit};
use shared_value::Arena;

use crate::bounds::Bounds;
use crate::cache::Cache;
use crate::error::Error;
use crate::name::{Kind, metric_of};
use crate::registry::{Series, describe};
use crate::render::{Format, render};

/// A [`metrics::Recorder`] whose series lie in an [`Arena`].
///
/// Clones, forked children, and recorders of other processes that have the arena open all count in the same series.
///
/// ```
/// use metrics::{counter, with_local_recorder};
/// use shared_value::Arena;
/// use shared_value_metrics::{Format, Recorder};
///
/// let arena = Arena::new(1 << 26)?;
/// let (one, other) = (Recorder::new(arena.clone()), Recorder::new(arena));
/// with_local_recorder(&one, || counter!("jobs", "queue" => "mail").increment(1));
/// with_local_recorder(&other, || counter!("jobs", "queue" => "mail").increment(2));
/// assert_eq!(one.render(Format::Prometheus), "# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\n");
/// # Ok::<(), shared_value::Error>(())
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

/// The part that all clones of a recorder share.
struct Shared {
    arena: Arena,
    bounds: Bounds,
    /// By the name of the metric.
    bounds_of: HashMap<String, Bounds>,
    on_error: Box<dyn Fn(&Error) + Send + Sync>,
}

thread_local! {
    static CACHE: Cache<Shared> = const { Cache::new() };
}

impl Recorder {
    /// Returns a recorder whose histograms have the buckets that Prometheus' clients use: from 5 milliseconds to 10 seconds.
    ///
    /// ```
    /// use metrics::{counter, with_local_recorder};
    /// use shared_value::Arena;
    /// use shared_value_metrics::Recorder;
    ///
    /// let recorder = Recorder::new(Arena::new(1 << 26)?);
    /// with_local_recorder(&recorder, || counter!("jobs").increment(1));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn new(arena: Arena) -> Self {
        Self::builder().build(arena)
    }

    /// Returns a builder, which sets the buckets of histograms, and where errors go.
    ///
    /// ```
    /// use shared_value::Arena;
    /// use shared_value_metrics::Recorder;
    ///
    /// let recorder = Recorder::builder()
    ///     .buckets(&[0.01, 0.1, 1.0])?
    ///     .buckets_of("response_bytes", &[1e3, 1e4, 1e5, 1e6])?
    ///     .on_error(|error| eprintln!("metrics: {error}"))
    ///     .build(Arena::new(1 << 26)?);
    /// # drop(recorder);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder() -> Builder {
        Builder { bounds: Bounds::default(), bounds_of: HashMap::new(), on_error: Box::new(say_once()) }
    }

    /// Makes this recorder the one that the macros of the crate `metrics` use in this process and in its forked children.
    ///
    /// # Errors
    /// `SetRecorderError` if the process has a recorder already.
    ///
    /// ```
    /// use metrics::counter;
    /// use shared_value::Arena;
    /// use shared_value_metrics::{Format, Recorder};
    ///
    /// let recorder = Recorder::new(Arena::new(1 << 26)?);
    /// recorder.install()?;
    /// counter!("jobs").increment(1);
    /// assert!(recorder.render(Format::Prometheus).ends_with("jobs_total 1\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install(&self) -> Result<(), SetRecorderError<Self>> {
        metrics::set_global_recorder(self.clone())
    }

    /// Returns the arena.
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use shared_value::{Arena, Source};
    /// use shared_value_metrics::Recorder;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let recorder = Recorder::new(Arena::new(1 << 26)?);
    /// let mut command = Command::new("./worker");
    /// recorder.arena().pass_to(&mut command, "METRICS")?;
    /// command.spawn()?;
    ///
    /// // And in the worker:
    /// Recorder::new(Arena::open(Source::inherited("METRICS"))?).install()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn arena(&self) -> &Arena {
        &self.0.arena
    }

    /// Returns all series of all processes as text. See the function [`render`](fn@render).
    ///
    /// ```
    /// use metrics::Key;
    /// use shared_value::Arena;
    /// use shared_value_metrics::{Format, Recorder};
    ///
    /// let recorder = Recorder::new(Arena::new(1 << 26)?);
    /// recorder.gauge(&Key::from_name("load"))?.set(0.5);
    /// assert_eq!(recorder.render(Format::OpenMetrics), "# TYPE load gauge\nload 0.5\n# EOF\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn render(&self, format: Format) -> String {
        render(&self.0.arena, format)
    }

    /// Registers a counter, or finds it. The macro `counter!` does the same, but has no error to return.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidLabel`, `NameTaken`, `Arena`.
    ///
    /// ```
    /// use metrics::Key;
    /// use shared_value::Arena;
    /// use shared_value_metrics::{Error, Recorder};
    ///
    /// let small = Recorder::new(Arena::new(4096)?);
    /// let full = (0..9).find_map(|number| small.counter(&Key::from_name(format!("counter_{number}"))).err());
    /// let Some(Error::Arena { source, .. }) = full else { panic!("there is no room for nine counters") };
    /// assert!(matches!(*source, shared_value::Error::ArenaFull { .. }));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn counter(&self, key: &Key) -> Result<Counter, Error> {
        Ok(Counter::from_arc(Arc::new(Series::new(Kind::Counter, key)?.counter(self.arena())?)))
    }

    /// Registers a gauge, or finds it. The macro `gauge!` does the same, but has no error to return.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidLabel`, `NameTaken`, `Arena`.
    ///
    /// ```
    /// use metrics::{Key, Label};
    /// use shared_value::Arena;
    /// use shared_value_metrics::Recorder;
    ///
    /// let recorder = Recorder::new(Arena::new(1 << 26)?);
    /// let open = recorder.gauge(&Key::from_parts("connections", vec![Label::new("state", "open")]))?;
    /// open.increment(1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gauge(&self, key: &Key) -> Result<Gauge, Error> {
        Ok(Gauge::from_arc(Arc::new(Series::new(Kind::Gauge, key)?.gauge(self.arena())?)))
    }

    /// Registers a histogram, or finds it. The macro `histogram!` does the same, but has no error to return.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidLabel`, `NameTaken`, `OtherBounds`, `Arena`.
    ///
    /// ```
    /// use metrics::Key;
    /// use shared_value::Arena;
    /// use shared_value_metrics::{Error, Recorder};
    ///
    /// let arena = Arena::new(1 << 26)?;
    /// let delay = Key::from_name("delay");
    /// Recorder::builder().buckets(&[0.1, 1.0])?.build(arena.clone()).histogram(&delay)?.record(0.5);
    /// let other = Recorder::builder().buckets(&[0.2, 1.0])?.build(arena);
    /// assert!(matches!(other.histogram(&delay), Err(Error::OtherBounds { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn histogram(&self, key: &Key) -> Result<Histogram, Error> {
        let series = Series::new(Kind::Histogram, key)?;
        self.histogram_in(&series, self.bounds_of(series.metric()))
    }

    fn histogram_in(&self, series: &Series, bounds: &Bounds) -> Result<Histogram, Error> {
        series.histogram(self.arena(), bounds)
    }

    fn bounds_of(&self, metric: &str) -> &Bounds {
        self.0.bounds_of.get(metric).unwrap_or(&self.0.bounds)
    }

    /// Registers a histogram. If it has other bounds in the arena, counts into these: no observation is lost.
    fn histogram_as_it_is(&self, key: &Key) -> Result<Histogram, Error> {
        let series = Series::new(Kind::Histogram, key)?;
        match self.histogram_in(&series, self.bounds_of(series.metric())) {
            Err(Error::OtherBounds { name, expected, found }) => {
                let bounds = Bounds::new(&found)?;
                (self.0.on_error)(&Error::OtherBounds { name, expected, found });
                self.histogram_in(&series, &bounds)
            }
            registered => registered,
        }
    }

    /// Returns the result, or reports the error and returns what counts nowhere.
    fn or_report<H>(&self, result: Result<H, Error>, nowhere: impl FnOnce() -> H) -> H {
        result.unwrap_or_else(|error| {
            (self.0.on_error)(&error);
            nowhere()
        })
    }

    fn describe(&self, kind: Kind, key: &KeyName, unit: Option<Unit>, description: &str) {
        self.or_report(describe(self.arena(), kind, key.as_str(), unit, description), || ());
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(Kind::Counter, &key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(Kind::Gauge, &key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(Kind::Histogram, &key, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let make = || self.or_report(self.counter(key), Counter::noop);
        CACHE.try_with(|cache| cache.get(&self.0, key, make)).unwrap_or_else(|_| make())
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let make = || self.or_report(self.gauge(key), Gauge::noop);
        CACHE.try_with(|cache| cache.get(&self.0, key, make)).unwrap_or_else(|_| make())
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let make = || self.or_report(self.histogram_as_it_is(key), Histogram::noop);
        CACHE.try_with(|cache| cache.get(&self.0, key, make)).unwrap_or_else(|_| make())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recorder").field("arena", &self.0.arena).finish_non_exhaustive()
    }
}

/// Configures a [`Recorder`]: [`Recorder::builder`] makes it.
pub struct Builder {
    bounds: Bounds,
    bounds_of: HashMap<String, Bounds>,
    on_error: Box<dyn Fn(&Error) + Send + Sync>,
}

impl Builder {
    /// Sets the upper bounds of the buckets of all histograms, except those that [`buckets_of`](Self::buckets_of) names. A bucket without
    /// a bound is always there.
    ///
    /// # Errors
    /// `InvalidBounds` if there is no bound, there are more than 126, they do not ascend, or one is not finite.
    pub fn buckets(mut self, bounds: &[f64]) -> Result<Self, Error> {
        self.bounds = Bounds::new(bounds)?;
        Ok(self)
    }

    /// Sets the upper bounds of the buckets of one histogram.
    ///
    /// # Errors
    /// `InvalidBounds` as for [`buckets`](Self::buckets); `InvalidName`.
    ///
    /// ```
    /// use shared_value_metrics::{Error, Recorder};
    ///
    /// let builder = Recorder::builder().buckets_of("response_bytes", &[1e3, 1e6])?;
    /// assert!(builder.buckets_of("response_bytes", &[1e6, 1e3]).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn buckets_of(mut self, histogram: &str, bounds: &[f64]) -> Result<Self, Error> {
        self.bounds_of.insert(metric_of(Kind::Histogram, histogram)?, Bounds::new(bounds)?);
        Ok(self)
    }

    /// Sets what is called when a macro cannot register its series. The series then counts nowhere, except after
    /// [`OtherBounds`](Error::OtherBounds). It is called once for a series and a thread.
    ///
    /// Without this call, the recorder writes one line to standard error, for the first error.
    ///
    /// ```
    /// use metrics::{counter, gauge, with_local_recorder};
    /// use shared_value::Arena;
    /// use shared_value_metrics::{Format, Recorder};
    ///
    /// let recorder = Recorder::builder().on_error(|error| println!("{error}")).build(Arena::new(1 << 20)?);
    /// with_local_recorder(&recorder, || {
    ///     counter!("jobs").increment(1);
    ///     gauge!("jobs").set(1.0); // prints that `jobs` is a counter already
    /// });
    /// assert!(!recorder.render(Format::Prometheus).contains("gauge"));
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    #[must_use]
    pub fn on_error(mut self, report: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_error = Box::new(report);
        self
    }

    /// Returns a recorder whose series lie in this arena.
    ///
    /// ```
    /// use shared_value::{Arena, unlink};
    /// use shared_value_metrics::Recorder;
    ///
    /// # let name = &*format!("shared-value-doc-metrics-build-{}", std::process::id());
    /// // Programs that were started independently of each other.
    /// let recorder = Recorder::builder().build(Arena::open_or_create(name, 1 << 26)?);
    /// # drop(recorder);
    /// unlink(name)?;
    /// # Ok::<(), shared_value::Error>(())
    /// ```
    pub fn build(self, arena: Arena) -> Recorder {
        let Self { bounds, bounds_of, on_error } = self;
        Recorder(Arc::new(Shared { arena, bounds, bounds_of, on_error }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bounds, bounds_of, .. } = self;
        formatter.debug_struct("Builder").field("bounds", bounds).field("bounds_of", bounds_of).finish_non_exhaustive()
    }
}

/// Returns a function that writes its first error to standard error.
fn say_once() -> impl Fn(&Error) {
    let has_said = AtomicBool::new(false);
    move |error| {
        if !has_said.swap(true, Ordering::Relaxed) {
            let line = format!("shared-value-metrics: {error}; further errors are not shown\n");
            // Not by `eprintln`, which panics if standard error is closed, and waits for a lock, which a forked child may find locked.
            let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        }
    }
}
