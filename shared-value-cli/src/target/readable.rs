//! `Readable`: a value that is opened for reading, with versions or without.

use shared_value::{
    Arena, Dyn, DynAccessors, DynData, DynLayout, DynValue, Error, Key, Live, LockState, ReadOnly, Source, Synchronized,
};

use crate::failure::{Failure, Result};

/// A value that is opened for reading.
#[derive(Clone, Debug)]
pub(crate) enum Readable {
    Versioned(Synchronized<Dyn, ReadOnly>),
    /// A value that is plain memory: a read may mix what was before a write with what came after it.
    Live(Live<Dyn, ReadOnly>),
}

/// Opens a value as one with versions, or, if it is live, as that.
fn either<T>(versioned: Result<T, Error>, live: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    match versioned {
        Err(Error::InvalidSegment { field: "slots", .. }) => live(),
        opened => opened,
    }
}

impl Readable {
    /// Opens the value at a source.
    pub(crate) fn open(source: &Source<'_>) -> Result<Self, Error> {
        either(DynValue::open_read_only(source.clone()).map(Self::Versioned), || {
            Live::<Dyn>::open_read_only(source.clone()).map(Self::Live)
        })
    }

    /// Opens the value of an arena with this key or id.
    pub(crate) fn find(arena: &Arena<ReadOnly>, key: Key<'_, Dyn>) -> Result<Option<Self>, Error> {
        either(arena.get(key).map(|found| found.map(Self::Versioned)), || Ok(Live::find(arena, key)?.map(Self::Live)))
    }

    pub(crate) fn layout(&self) -> &DynLayout {
        match self {
            Self::Versioned(value) => value.layout(),
            Self::Live(value) => value.parts().layout(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<DynData, Error> {
        match self {
            Self::Versioned(value) => DynAccessors::get(value, path),
            Self::Live(value) => value.parts().get(path),
        }
    }

    pub(crate) fn load(&self) -> Result<DynData, Error> {
        self.get("")
    }

    /// Returns the number of commits; `None` if the value has no versions.
    pub(crate) fn version(&self) -> Option<u64> {
        match self {
            Self::Versioned(value) => Some(value.version()),
            Self::Live(_) => None,
        }
    }

    pub(crate) fn lock_state(&self) -> LockState {
        match self {
            Self::Versioned(value) => value.lock_state(),
            Self::Live(value) => value.lock_state(),
        }
    }

    pub(crate) fn recoveries(&self) -> u64 {
        match self {
            Self::Versioned(value) => value.recoveries(),
            Self::Live(value) => value.recoveries(),
        }
    }

    pub(crate) fn is_retired(&self) -> bool {
        match self {
            Self::Versioned(value) => value.is_retired(),
            Self::Live(_) => false,
        }
    }

    /// Returns the value, to wait for its next version.
    ///
    /// # Errors
    /// If it has no versions; `label` names the value.
    pub(crate) fn versioned(&self, label: &str) -> Result<&Synchronized<Dyn, ReadOnly>> {
        match self {
            Self::Versioned(value) => Ok(value),
            Self::Live(_) => Err(Failure::unfit(format!(
                "`{label}` is a live value, which has no versions to wait for: look at it again and again, as by `watch -n1 \
                 shared-value get {label}`"
            ))),
        }
    }
}
