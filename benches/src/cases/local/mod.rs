//! Work that one process does alone.

mod in_process;
mod transactions;
mod vectors;

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use parking_lot::ReentrantMutex;
use shared_value::{ReadOnly, Synchronized};

use crate::cases::lookup;
use crate::measure::local::Locals;
use crate::measure::{Case, Entry, Local, Placed, Unit};
use crate::subjects::{
    Atomic, Counting, Mutex, Native, Normal, Own, Parking, Payload, Pthread, Raw, Record1M, Record4K, Record64,
    Record512, Recursive, Robust, Standard, Subject, SynchronizedTally, Tally, UnderRLock, Watched,
};

/// Work that one process does alone.
pub struct LocalCase {
    name: &'static str,
    title: &'static str,
    chart: &'static str,
    locals: Locals,
}

impl LocalCase {
    /// Returns all cases of this kind.
    pub fn all() -> &'static [Self] {
        ALL
    }

    /// Returns the names of the contestants.
    pub fn contestants(&self) -> impl Iterator<Item = &'static str> {
        self.locals.iter().map(|(name, _)| *name)
    }

    /// Creates the contestant of a name.
    ///
    /// # Errors
    /// If no contestant has the name, or this machine cannot create it.
    pub fn local(&self, contestant: &str) -> Result<Local> {
        let found = self.locals.iter().find(|(name, _)| *name == contestant);
        let (_, create) = found.with_context(|| format!("no contestant of {} is called {contestant}", self.name))?;
        create()
    }

    /// Creates all contestants.
    pub fn locals(&self) -> impl Iterator<Item = (&'static str, Result<Local>)> {
        self.locals.iter().map(|(name, create)| (*name, create()))
    }
}

impl Case for &LocalCase {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn chart(&self) -> &'static str {
        self.chart
    }

    fn entries(&self) -> Vec<Entry> {
        self.locals.iter().map(|(name, create)| Entry::of(name, Placed::new(name, *create))).collect()
    }
}

/// The number of operations under one outer lock. It is large, which makes the cost of the outer lock negligible.
const OPERATIONS: u32 = 1_000;

/// The contestants of a case: one function, with a type of values and several types of subjects.
macro_rules! by {
    ($function:ident::<$value:ty>: $($subject:ty),+ $(,)?) => {
        &[$((<$subject as Subject<$value>>::NAME, $function::<$value, $subject> as fn() -> Result<Local>)),+]
    };
}

/// The contestants of a case: one function, with all types of subjects.
macro_rules! by_all {
    ($function:ident::<$value:ty>) => {
        by!($function::<$value>:
            Own<$value, Native>, Own<$value, Pthread>, Own<$value, UnderRLock>, Standard<$value>, Parking<$value>,
            Mutex<Normal>, Mutex<Recursive>, Mutex<Robust>, Raw)
    };
}

/// All cases of local work.
pub(super) static ALL: &[LocalCase] = &[
    LocalCase {
        name: "read-field",
        title: "read one field of 8 bytes, of a struct of 64",
        chart: "reads",
        locals: &[
            ("shared-value", reading_field),
            ("shared-value, by its part", reading_part),
            ("shared-value, read-only", reading_field_only),
            ("AtomicU64", counting::<u64, Atomic>),
            ("std::sync::Mutex", counting::<Record64, Standard<Record64>>),
            ("parking_lot::Mutex", counting::<Record64, Parking<Record64>>),
            ("pthread robust recursive", counting::<Record64, Mutex<Robust>>),
            ("raw_sync", counting::<Record64, Raw>),
        ],
    },
    LocalCase { name: "snapshot-8", title: "copy a value of 8 bytes", chart: "reads", locals: by_all!(reading::<u64>) },
    LocalCase {
        name: "snapshot-64",
        title: "copy a value of 64 bytes",
        chart: "reads",
        locals: by_all!(reading::<Record64>),
    },
    LocalCase {
        name: "snapshot-64-in-process",
        title: "copy a value of 64 bytes that the threads of one process share",
        chart: "reads",
        locals: &[
            ("shared-value", reading::<Record64, Own<Record64, Native>>),
            ("arc-swap", in_process::arc_swap),
            ("left-right", in_process::left_right),
            ("seqlock", in_process::seqlock),
            ("std::sync::RwLock", in_process::read_write_lock),
            ("std::sync::Mutex", reading::<Record64, Standard<Record64>>),
        ],
    },
    LocalCase {
        name: "snapshot-512",
        title: "copy a value of 512 bytes",
        chart: "reads",
        locals: by_all!(reading::<Record512>),
    },
    LocalCase {
        name: "snapshot-4096",
        title: "copy a value of 4,096 bytes",
        chart: "reads",
        locals: by_all!(reading::<Record4K>),
    },
    LocalCase {
        name: "add",
        title: "add to a u64 under its lock",
        chart: "changes",
        locals: by!(adding::<u64>:
            Own<u64, Native>, Own<u64, Pthread>, Own<u64, UnderRLock>, Standard<u64>, Parking<u64>, Mutex<Normal>,
            Mutex<Recursive>, Mutex<Robust>, Mutex<Watched>, Raw),
    },
    LocalCase {
        name: "add-field-64",
        title: "add to one field of 64 bytes under the lock",
        chart: "changes",
        locals: by_all!(adding::<Record64>),
    },
    LocalCase {
        name: "add-part-64",
        title: "add to one field of 64 bytes under the lock, by its part",
        chart: "changes",
        locals: &[("shared-value", adding_part)],
    },
    LocalCase {
        name: "add-field-4096",
        title: "add to one field of 4,096 bytes under the lock",
        chart: "changes",
        locals: by_all!(adding::<Record4K>),
    },
    LocalCase {
        name: "add-field-1M",
        title: "add to one field of 1 MiB under the lock",
        chart: "changes",
        locals: by_all!(adding::<Record1M>),
    },
    LocalCase {
        name: "update-64",
        title: "change all of 64 bytes under the lock",
        chart: "changes",
        locals: by_all!(stepping::<Record64>),
    },
    LocalCase {
        name: "relock",
        title: "take a lock that the thread already holds, and release it once",
        chart: "changes",
        locals: &[
            ("shared-value", relocking::<u64, Own<u64, Native>>),
            ("shared-value, LockKind::Pthread", relocking::<u64, Own<u64, Pthread>>),
            ("shared-value under an RLock", relocking::<u64, Own<u64, UnderRLock>>),
            ("pthread recursive", relocking::<u64, Mutex<Recursive>>),
            ("pthread robust recursive", relocking::<u64, Mutex<Robust>>),
            ("parking_lot::ReentrantMutex", relocking_reentrant),
        ],
    },
    LocalCase {
        name: "commit-64",
        title: "write and commit 64 bytes under a held lock",
        chart: "changes",
        locals: &[("shared-value", committing)],
    },
    LocalCase {
        name: "transaction-2",
        title: "add to two values, in one commit",
        chart: "changes",
        locals: &[
            ("shared-value", transactions::together::<2>),
            ("shared-value, a commit each", transactions::severally::<2>),
            ("std::sync::Mutex", transactions::mutexes::<2>),
        ],
    },
    LocalCase {
        name: "transaction-8",
        title: "add to eight values, in one commit",
        chart: "changes",
        locals: &[
            ("shared-value", transactions::together::<8>),
            ("shared-value, a commit each", transactions::severally::<8>),
            ("std::sync::Mutex", transactions::mutexes::<8>),
        ],
    },
    LocalCase {
        name: "vec-push",
        title: "push 8 bytes to a vector, in one commit",
        chart: "changes",
        locals: &[
            ("shared-value, capacity 64 KiB", vectors::pushing_to_64_kib),
            ("shared-value, capacity 64 GiB", vectors::pushing_to_64_gib),
        ],
    },
    LocalCase {
        name: "string-set",
        title: "replace a text of up to 64 bytes",
        chart: "changes",
        locals: &[("shared-value", vectors::setting_text)],
    },
    LocalCase {
        name: "atomic-add",
        title: "add to an atomic field, without the lock",
        chart: "changes",
        locals: &[("shared-value", adding_atomically), ("AtomicU64", adding::<u64, Atomic>)],
    },
    LocalCase {
        name: "count",
        title: "add to a counter in lanes, without the lock",
        chart: "changes",
        locals: &[
            ("shared-value", adding::<u64, Counting<false>>),
            ("shared-value, all lanes taken", adding::<u64, Counting<true>>),
            ("AtomicU64", adding::<u64, Atomic>),
        ],
    },
    LocalCase {
        name: "open-in-arena",
        title: "open one of 1,000 values of an arena, and drop it",
        chart: "many",
        locals: &[
            ("shared-value, by key", lookup::opening_by_key),
            ("shared-value, by id", lookup::opening_by_id),
            ("shared-value, by id, while another handle is open", lookup::opening_again),
        ],
    },
];

fn reading_field() -> Result<Local> {
    let value = Synchronized::new(Record64::filled(7))?;
    let work = move || {
        black_box(Record64::count_of(black_box(&value)));
    };
    Ok(Local::unchecked("shared-value", work))
}

fn reading_part() -> Result<Local> {
    let value = Synchronized::new(Record64::filled(7))?;
    let work = move || {
        black_box(black_box(&value).in_count().get());
    };
    Ok(Local::unchecked("shared-value, by its part", work))
}

fn reading_field_only() -> Result<Local> {
    let value: Synchronized<Record64, ReadOnly> = Synchronized::new(Record64::filled(7))?.read_only()?;
    let work = move || {
        black_box(black_box(&value).count());
    };
    Ok(Local::unchecked("shared-value, read-only", work))
}

fn counting<T: Payload, S: Subject<T>>() -> Result<Local> {
    let subject = S::create(T::filled(7))?;
    let work = move || {
        black_box(black_box(&subject).count());
    };
    Ok(Local::unchecked(S::NAME, work))
}

fn reading<T: Payload, S: Subject<T>>() -> Result<Local> {
    let subject = Rc::new(S::create(T::filled(7))?);
    let checked = Rc::clone(&subject);
    let work = move || {
        black_box(&black_box(&*subject).read());
    };
    Ok(Local::new(S::NAME, work, move |_| {
        ensure!(
            checked.read().is_whole() && checked.count() == 7,
            "the value that was read is not the one that was written"
        );
        Ok(())
    }))
}

fn adding<T: Payload, S: Subject<T>>() -> Result<Local> {
    let subject = Rc::new(S::create(T::filled(0))?);
    let checked = Rc::clone(&subject);
    Ok(Local::new(
        S::NAME,
        move || black_box(&*subject).increment(),
        move |calls| {
            ensure!(checked.count() == calls, "{calls} additions make {}", checked.count());
            Ok(())
        },
    ))
}

fn adding_part() -> Result<Local> {
    let value = Rc::new(Synchronized::new(Record64::filled(0))?);
    let checked = Rc::clone(&value);
    let work = move || black_box(&*value).in_count().update(|count| *count += 1).expect("nobody else breaks the lock");
    Ok(Local::new("shared-value", work, move |calls| {
        ensure!(checked.count() == calls, "{} additions make {calls}", checked.count());
        Ok(())
    }))
}

fn stepping<T: Payload, S: Subject<T>>() -> Result<Local> {
    let subject = Rc::new(S::create(T::filled(0))?);
    let checked = Rc::clone(&subject);
    Ok(Local::new(
        S::NAME,
        move || black_box(&*subject).step(),
        move |calls| {
            let value = checked.read();
            ensure!(value.is_whole() && value.count() == calls, "{calls} steps make {}", value.count());
            Ok(())
        },
    ))
}

fn relocking<T: Payload, S: Subject<T>>() -> Result<Local> {
    let subject = S::create(T::filled(0))?;
    let work = move || {
        subject.hold(|| {
            for _ in 0..OPERATIONS {
                black_box(&subject).hold(|| black_box(()));
            }
        });
    };
    Ok(Local::unchecked(S::NAME, work).of_many(OPERATIONS))
}

fn relocking_reentrant() -> Result<Local> {
    let mutex = ReentrantMutex::new(());
    ensure!(mutex.try_lock().is_some(), "a new mutex is locked");
    let work = move || {
        let _outer = mutex.lock();
        for _ in 0..OPERATIONS {
            drop(black_box(&mutex).lock());
        }
    };
    Ok(Local::unchecked("parking_lot::ReentrantMutex", work).of_many(OPERATIONS))
}

/// Writes values of the type that the peers write, so that making the values costs all contestants the same.
fn committing() -> Result<Local> {
    let value = Rc::new(Synchronized::new([0_u64; 8])?);
    let checked = Rc::clone(&value);
    let mut count = 0;
    let work = move || {
        let guard = value.lock().expect("an intact lock");
        for _ in 0..OPERATIONS {
            count += 1;
            guard.set(black_box([count; 8])).expect("a writable value");
            guard.commit();
        }
    };
    let check = move |calls: u64| {
        let count = calls * u64::from(OPERATIONS);
        ensure!(checked.load()? == [count; 8], "the value is not the last one that was written");
        ensure!(checked.version() == count, "{} commits of {count}", checked.version());
        Ok(())
    };
    Ok(Local::new("shared-value", work, check).of_many(OPERATIONS))
}

fn adding_atomically() -> Result<Local> {
    let tally = Rc::new(SynchronizedTally::new(Tally::default())?);
    let checked = Rc::clone(&tally);
    let work = move || {
        black_box(&*tally).requests().fetch_add(1);
    };
    Ok(Local::new("shared-value", work, move |calls| {
        let requests = checked.requests().load();
        ensure!(requests == calls, "{calls} additions make {requests}");
        Ok(())
    }))
}
