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
//! origin. An arena is also made anew if a whole state has no room in it. The status says which segment is the replica:
//!
//! 1. A new segment that shows `q` is made, under a path of its own.
//! 2. The status says: this segment takes the place of the replica, and shows `q`.
//! 3. The old name is unlinked, if there is one, and the new segment gets the name.
//! 4. The status says: the replica is this segment, and shows `q`.
//!
//! After a death before 3 the name leads to the old segment, which the status still names, or to nothing. After a death between 3
//! and 4 it leads to nothing, or to the segment of which the status says that it takes the place. A segment that the status
//! does not name is never taken over, whatever its owner and mode are.

mod arena;
mod follower;
mod kept;
mod remove;
mod status;
mod value;

pub use follower::{Followed, Follower, FollowerOptions};
pub use remove::remove;
pub use status::{MirrorStatus, SynchronizedMirrorStatus};

use shared_value::{Error, Timestamp, inspect};

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
        kept::clear_next(name)?;
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
            match self.change(news) {
                Err(MirrorError::Value(Error::ArenaFull { .. })) if news.base.is_none() => self.make(news)?,
                changed => changed?,
            }
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

    /// Makes another segment for a state: that of another origin, or one with more room.
    fn make(&mut self, news: &News<'_>) -> Result<(), MirrorError> {
        let old = kept::find(&self.name, &self.file.status)?;
        kept::clear_next(&self.name)?;
        let made = match news.shape {
            Shape::Value => ValueReplica::make(&self.name, news, self.limit),
            Shape::Arena { capacity } => ArenaReplica::make(&self.name, capacity, news, self.limit),
        };
        let replaced = made.and_then(|()| self.replace(old, news));
        if replaced.is_err() {
            // It has no use. The next one is made at the same path, so an error here would come again there.
            let _ = kept::clear_next(&self.name);
        }
        replaced
    }

    /// Lets the next segment take the place of the old one.
    fn replace(&mut self, old: Option<Kept>, news: &News<'_>) -> Result<(), MirrorError> {
        let next = inspect(&*kept::next(&self.name))?.identity().unwrap_or_default();
        self.file.status.set_next(news.position);
        self.file.status.set_next_replica(next);
        self.file.status.phase = MAKING;
        self.file.commit()?;
        if let Some(Kept { report, .. }) = old {
            kept::unlink_own(&self.name, report.identity().unwrap_or_default())?;
        }
        self.held = None;
        kept::publish_next(&self.name)?;
        self.held = Some(match news.shape {
            Shape::Value => Held::Value(ValueReplica::open(&self.name)?),
            Shape::Arena { .. } => Held::Arena(ArenaReplica::open(&self.name)?),
        });
        self.file.status.set_replica(next);
        self.file.status.origins += u64::from(self.file.status.origin_identity() != news.position.identity);
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

#[cfg(test)]
mod tests;
