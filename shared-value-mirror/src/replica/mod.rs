//! The side that follows: a `Replica` is an ordinary value of this machine that shows the states of an origin.
//!
//! # The order of the stores
//!
//! The replica and its status are two segments, so a follower can be killed between a commit of one and a commit of the other. It
//! makes three commits for each state:
//!
//! 1. The status says: the replica's version `r` shows the origin's state `p`, and its next version will show `q`.
//! 2. The replica gets the bytes of `q`, in one commit, and has the version `r + 1`.
//! 3. The status says: the replica's version `r + 1` shows `q`.
//!
//! After a death before 2, the replica has version `r`, and shows `p`. After a death between 2 and 3 it has version `r + 1`, and
//! shows `q`. So the next follower knows in each case which state the replica shows, and never applies an older one. If the
//! replica has any other version, another process has written it: then the next follower asks for the whole state, and takes none
//! that is older than `p` and `q`.
//!
//! A segment shows one origin only. If the origin is made anew, so is the replica, and the old one keeps the last state of the old
//! origin. The status says which segment is the replica:
//!
//! 1. The status says: a replica for the state `q` is being made.
//! 2. The old name is unlinked, if there is one, and the complete new segment gets the name.
//! 3. The status says: this segment shows `q`.
//!
//! After a death before 2 the name leads to the old segment, which the status still names, or to nothing. After a death between 2
//! and 3 it leads to a segment that the status does not name, while the status says that one is being made.

mod arena;
mod follower;
mod kept;
mod status;
mod value;

pub use follower::{Followed, Follower, FollowerOptions};
pub use status::{MirrorStatus, SynchronizedMirrorStatus, remove};

use shared_value::{Timestamp, inspect};

use crate::error::MirrorError;
use crate::message::{News, Position, Shape};
use crate::replica::arena::ArenaReplica;
use crate::replica::kept::Kept;
use crate::replica::status::{CHANGING, MAKING, SETTLED, StatusFile};
use crate::replica::value::ValueReplica;

/// A replica, and what is known of it.
pub(crate) struct Replica {
    name: String,
    limit: usize,
    file: StatusFile,
    held: Option<Held>,
    /// The state that it shows, if that is known.
    position: Option<Position>,
    /// No state before these is applied.
    floor: [Position; 2],
}

enum Held {
    Value(ValueReplica),
    Arena(ArenaReplica),
}

/// What has become of a state that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The replica shows it.
    Yes,
    /// It is not newer than the replica.
    Older,
    /// It does not follow the replica's state: the whole state is needed.
    NeedsWhole,
}

impl Replica {
    /// Takes over the replica of an earlier follower, if there is one.
    pub(crate) fn open(name: &str, limit: usize) -> Result<Self, MirrorError> {
        let mut file = StatusFile::open(name)?;
        let status = file.status;
        let floor = [status.position(), status.next()];
        let kept = kept::find(name, &status)?;
        file.status.phase = SETTLED;
        file.status.is_reachable = false;
        let (mut held, mut known) = (None, None);
        if let Some(Kept { report, position, is_exact }) = kept {
            held = Some(if report.is_arena() {
                Held::Arena(ArenaReplica::open(name)?)
            } else {
                Held::Value(ValueReplica::open(name)?)
            });
            file.status.set_position(position);
            file.status.set_replica(report.identity().unwrap_or_default());
            if is_exact {
                file.status.replica_version = report.version().unwrap_or_default();
                known = Some(position);
            }
        } else {
            (file.status.origin, file.status.replica) = Default::default();
        }
        file.commit()?;
        Ok(Self { name: name.to_owned(), limit, file, held, position: known, floor })
    }

    /// Returns the state that the replica shows, if that is known.
    pub(crate) fn position(&self) -> Option<Position> {
        self.position.filter(|_| self.is_untouched())
    }

    /// Returns whether only this follower has written the replica, and it still has its name.
    fn is_untouched(&self) -> bool {
        let is_written = match &self.held {
            Some(Held::Value(value)) => value.version() != self.file.status.replica_version,
            _ => false,
        };
        !is_written && self.is_there()
    }

    /// Returns whether the name leads to the replica.
    fn is_there(&self) -> bool {
        match &self.held {
            Some(Held::Value(value)) => value.is_current(),
            Some(Held::Arena(arena)) => arena.is_current(self.file.status.replica_identity()),
            None => false,
        }
    }

    pub(crate) fn status(&self) -> MirrorStatus {
        self.file.status
    }

    /// Notes whether the publisher is reachable, and whether it has said that the replica shows the newest state.
    pub(crate) fn note(&mut self, is_reachable: bool, is_newest: bool) -> Result<(), MirrorError> {
        if is_newest {
            self.file.status.heard = Timestamp::now();
        }
        if is_newest || self.file.status.is_reachable != is_reachable {
            self.file.status.is_reachable = is_reachable;
            self.file.commit()?;
        }
        Ok(())
    }

    /// Notes that a message was refused.
    pub(crate) fn refuse(&mut self) -> Result<(), MirrorError> {
        self.file.status.refused += 1;
        self.file.commit()
    }

    /// Applies a state, if it is newer than that of the replica.
    ///
    /// # Errors
    /// If it is invalid. Then nothing has changed.
    pub(crate) fn apply(&mut self, news: &News<'_>) -> Result<Applied, MirrorError> {
        let position = self.position();
        let is_old = |known: &Position| known.is_comparable(news.position) && known.sequence >= news.position.sequence;
        if position.as_ref().is_some_and(is_old) {
            return Ok(Applied::Older);
        }
        // A replica that another process has written may get the same state once more, but none before.
        let is_before =
            |known: &Position| known.is_comparable(news.position) && known.sequence > news.position.sequence;
        if self.floor.iter().any(is_before) {
            return Ok(Applied::Older);
        }
        if let Some(base) = news.base
            && !position.is_some_and(|known| known.is_comparable(news.position) && known.sequence >= base)
        {
            return Ok(Applied::NeedsWhole);
        }
        let is_same_segment = self.is_of(news);
        if is_same_segment {
            self.change(news)?;
        } else if news.base.is_some() {
            return Ok(Applied::NeedsWhole);
        } else {
            self.make(news)?;
        }
        self.position = Some(news.position);
        self.floor = [news.position; 2];
        Ok(Applied::Yes)
    }

    /// Returns whether the segment of the replica is that for this origin.
    fn is_of(&self, news: &News<'_>) -> bool {
        let is_kind = match (&self.held, news.shape) {
            (Some(Held::Value(value)), Shape::Value) => value.takes(news),
            (Some(Held::Arena(_)), Shape::Arena { .. }) => true,
            _ => false,
        };
        is_kind && self.is_there() && self.file.status.origin_identity() == news.position.identity
    }

    /// Lets the replica show a later state of its origin.
    fn change(&mut self, news: &News<'_>) -> Result<(), MirrorError> {
        let prepared = match &mut self.held {
            Some(Held::Value(value)) => Prepared::Value(value.prepare(news, self.limit)?),
            _ => Prepared::Arena,
        };
        self.file.status.set_next(news.position);
        self.file.status.phase = CHANGING;
        if let Some(Held::Value(value)) = &self.held {
            self.file.status.replica_version = value.version();
        }
        self.file.commit()?;
        let changed = match (&mut self.held, prepared) {
            (Some(Held::Value(value)), Prepared::Value(bytes)) => value.write(&bytes),
            (Some(Held::Arena(arena)), _) => arena.apply(news, self.limit),
            _ => Ok(()),
        };
        if changed.is_ok() {
            self.settle(news.position)?;
        } else {
            self.file.status.phase = SETTLED;
            self.file.commit()?;
        }
        changed
    }

    /// Makes a replica for another origin.
    fn make(&mut self, news: &News<'_>) -> Result<(), MirrorError> {
        if self.held.is_none() && inspect(&*self.name).is_ok() {
            return Err(MirrorError::NotAReplica { name: self.name.clone() });
        }
        let new = match news.shape {
            Shape::Value => Made::Value(ValueReplica::check(news, self.limit)?),
            Shape::Arena { capacity } => Made::Arena(ArenaReplica::make(&self.name, capacity, news, self.limit)?),
        };
        self.file.status.set_next(news.position);
        self.file.status.phase = MAKING;
        self.file.commit()?;
        if self.held.take().is_some() {
            kept::unlink_own(&self.name, self.file.status.replica_identity())?;
        }
        self.held = Some(match new {
            Made::Value(new) => Held::Value(ValueReplica::create(&self.name, new)?),
            Made::Arena(new) => Held::Arena(ArenaReplica::publish(&self.name, new)?),
        });
        let identity = inspect(&*self.name)?.identity().unwrap_or_default();
        self.file.status.set_replica(identity);
        self.file.status.origins += 1;
        self.settle(news.position)
    }

    /// Notes that the replica shows this state.
    fn settle(&mut self, position: Position) -> Result<(), MirrorError> {
        let status = &mut self.file.status;
        status.set_position(position);
        status.phase = SETTLED;
        status.applied += 1;
        status.changed = Timestamp::now();
        status.heard = status.changed;
        status.is_reachable = true;
        if let Some(Held::Value(value)) = &self.held {
            status.replica_version = value.version();
        }
        self.file.commit()
    }
}

/// What [`Replica::change`] has checked before it says that it changes the replica.
enum Prepared {
    Value(value::Change),
    Arena,
}

/// A replica without the name.
enum Made<'m> {
    Value(value::New<'m>),
    Arena(arena::New),
}

#[cfg(test)]
mod tests;
