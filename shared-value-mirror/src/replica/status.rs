//! `MirrorStatus`: what a follower says of its replica, in a value beside it.

use std::time::Duration;

use shared_value::{Error, Location, LockError, OwnedGuard, SharedValue, Synchronized, Timestamp};

use crate::error::MirrorError;
use crate::message::Position;

/// What a follower says of the replica `NAME`, in the value `NAME.mirror`.
///
/// Any program can read it: by this struct, by the command `shared-value`, or by Python.
///
/// ```
/// use shared_value_mirror::SynchronizedMirrorStatus;
///
/// # fn main() {
/// match SynchronizedMirrorStatus::open_read_only("prices.mirror") {
///     Ok(status) => println!("{:?}, reachable: {}", status.get().age(), status.get().is_fresh()),
///     Err(error) => println!("there is no follower here: {error}"),
/// }
/// # }
/// ```
#[derive(SharedValue, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct MirrorStatus {
    /// The identity of the origin's segment that the replica shows, the lower half first. Zero while there is no replica.
    pub origin: [u64; 2],
    /// The publisher's run, if the origin is an arena.
    pub session: u64,
    /// The version of the origin that the replica shows; for an arena, the publisher's number of the moment.
    pub version: u64,
    /// The identity of the replica's own segment.
    pub replica: [u64; 2],
    /// The version of the replica's segment while it shows `version`.
    pub replica_version: u64,
    /// The state that the replica is about to show; see `phase`.
    pub next_origin: [u64; 2],
    /// See `next_origin`.
    pub next_session: u64,
    /// See `next_origin`.
    pub next_version: u64,
    /// The identity of the new replica that is being made; see `phase`.
    pub next_replica: [u64; 2],
    /// When the follower has last heard that this is the newest state, by the clock of this machine.
    pub heard: Timestamp,
    /// When the replica was last changed, by the clock of this machine.
    pub changed: Timestamp,
    /// How many states were applied.
    pub applied: u64,
    /// How many messages were refused, because they were invalid or older than the replica.
    pub refused: u64,
    /// How many segments of the origin the replica has shown.
    pub origins: u64,
    /// 0: the replica shows `version`. 1: its next commit shows `next_version`. 2: `next_replica` takes the place of the
    /// replica, and shows `next_version`.
    pub phase: u8,
    /// Whether the publisher has answered lately. While no follower runs, this does not change: see [`MirrorStatus::is_fresh`].
    pub is_reachable: bool,
}

/// The replica shows `version`.
pub(super) const SETTLED: u8 = 0;
/// Its next commit shows `next_version`.
pub(super) const CHANGING: u8 = 1;
/// A new replica is being made.
pub(super) const MAKING: u8 = 2;

/// How long a follower may be silent before [`MirrorStatus::is_fresh`] takes it for dead.
const SILENCE: Duration = Duration::from_secs(3);

impl MirrorStatus {
    /// Returns how long ago the follower has heard that the replica shows the newest state. Only the clock of this machine counts.
    pub fn age(&self) -> Duration {
        Duration::from_nanos(self.heard.elapsed().as_nanos().try_into().unwrap_or_default())
    }

    /// Returns whether the publisher is reachable, and the follower has said so within the last three seconds: a follower that
    /// was killed says nothing any more.
    pub fn is_fresh(&self) -> bool {
        self.is_reachable && self.age() < SILENCE
    }

    /// Returns the identity of the origin's segment that the replica shows.
    pub fn origin_identity(&self) -> u128 {
        joined(self.origin)
    }

    pub(super) fn position(&self) -> Position {
        Position { identity: joined(self.origin), session: self.session, sequence: self.version }
    }

    pub(super) fn next(&self) -> Position {
        Position { identity: joined(self.next_origin), session: self.next_session, sequence: self.next_version }
    }

    pub(super) fn set_position(&mut self, position: Position) {
        (self.origin, self.session, self.version) = (split(position.identity), position.session, position.sequence);
    }

    pub(super) fn set_next(&mut self, position: Position) {
        let Position { identity, session, sequence } = position;
        (self.next_origin, self.next_session, self.next_version) = (split(identity), session, sequence);
    }

    pub(super) fn replica_identity(&self) -> u128 {
        joined(self.replica)
    }

    pub(super) fn next_replica_identity(&self) -> u128 {
        joined(self.next_replica)
    }

    pub(super) fn set_next_replica(&mut self, identity: u128) {
        self.next_replica = split(identity);
    }

    pub(super) fn set_replica(&mut self, identity: u128) {
        self.replica = split(identity);
    }
}

fn joined([low, high]: [u64; 2]) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

#[expect(clippy::cast_possible_truncation, reason = "the halves")]
fn split(identity: u128) -> [u64; 2] {
    [identity as u64, (identity >> 64) as u64]
}

/// The status of a replica, under its lock: the thread that follows holds the lock for as long as it lives, and so is the only one.
/// If its process is killed, the kernel frees the lock.
pub(super) struct StatusFile {
    pub(super) value: Synchronized<MirrorStatus>,
    guard: OwnedGuard<MirrorStatus>,
    pub(super) status: MirrorStatus,
}

/// How long to wait for the lock: the follower before may just be ending.
const PATIENCE: Duration = Duration::from_secs(1);

impl StatusFile {
    /// Opens or creates the status of a replica.
    pub(super) fn open(replica: &str) -> Result<Self, MirrorError> {
        let name = name_of(replica);
        let options = Synchronized::options().mode(0o644);
        loop {
            let value: Synchronized<MirrorStatus> =
                options.open_or_create(Location::from(&*name), MirrorStatus::default())?;
            let guard = match value.lock_owned_timeout(PATIENCE) {
                Ok(guard) => guard,
                Err(Error::Lock(LockError::TimedOut)) => {
                    return Err(MirrorError::AlreadyFollowed { name: replica.to_owned() });
                }
                Err(error) => return Err(error.into()),
            };
            // The process that held the lock before may have removed it meanwhile. Now only the owner of the lock does.
            if value.is_current() {
                let status = value.load()?;
                return Ok(Self { value, guard, status });
            }
        }
    }

    /// Commits the status.
    pub(super) fn commit(&mut self) -> Result<(), MirrorError> {
        self.value.set(self.status)?;
        self.guard.commit()?;
        Ok(())
    }
}

/// Returns the name of a replica's status.
pub(super) fn name_of(replica: &str) -> String {
    format!("{replica}.mirror")
}
