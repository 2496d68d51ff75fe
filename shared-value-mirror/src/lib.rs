//! Carries [shared values](shared_value) to other machines: a [`Publisher`] on the machine that writes, a [`Follower`] on each
//! machine that reads, and [zenoh](https://zenoh.io) between them.
//!
//! A follower makes a *replica*: an ordinary value of its machine, which programs open read-only with their own struct, and read
//! without a lock. Beside the replica `prices` lies the value `prices.mirror`, a [`MirrorStatus`]: which version of the origin
//! the replica shows, when that was confirmed, and whether the publisher is reachable.
//!
//! # What holds
//!
//! Each replica shows only states that were committed at the origin, each of them whole, and never an earlier one after a later
//! one. The newest state wins: states in between may be skipped. Values of one arena that changed together change together in the
//! replica, in one transaction. A segment of a replica belongs to one segment of an origin: if the origin is made anew under its
//! name, so is the replica. This holds if any of the processes is killed at any instruction, and if the network loses, delays or
//! cuts messages.
//!
//! # How it works
//!
//! A follower sends a request for a state that is newer than its own, and the publisher holds the request until there is one. So
//! each follower has at most one message on its way, which holds the newest state: nothing queues, a slow follower delays no
//! other, and after a lost message the follower sends its request again. The publisher sleeps until the value changes, and only
//! while a follower waits: the writer pays one wake-up for each message. Of large values, it sends the blocks of 4 KiB that have
//! changed since the follower's state.
//!
//! # Trade-offs
//!
//! - **One machine writes a name.** A replica is read-only. Locks across machines need consensus: use a store such as etcd.
//! - **States, not events.** A reader that must see each change needs a queue.
//! - **One round trip for each state** that a follower shows.
//! - **A transport is trusted.** A host that may answer decides what a replica shows: see [`Settings`] for TLS and access
//!   control. Messages of a hostile peer never cause more than a wrong or an outdated state.

mod contents;
mod error;
mod figures;
mod key;
mod message;
mod name;
mod origin;
mod replica;
mod transport;

pub use crate::error::MirrorError;
pub use crate::origin::{Published, Publisher, PublisherOptions};
pub use crate::replica::{Followed, Follower, FollowerOptions, MirrorStatus, SynchronizedMirrorStatus, remove};
pub use crate::transport::{Answering, Answers, Next, Question, Settings, Transport, Zenoh};
