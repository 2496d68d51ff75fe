//! Making a value, and getting at one that is there.

use std::hint::black_box;
use std::process;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context, Result, ensure};
use shared_memory::ShmemConf;
use shared_value::{Synchronized, unlink};

use crate::case::{Case, Entry, Unit};
use crate::handover::Handover;
use crate::local::{Local, Makers};
use crate::payload::{Payload, Record64};
use crate::region::Region;
use crate::subject::Subject;
use crate::subjects::{Native, Own, Pthread, Raw};

/// Making something of 64 bytes, or getting at it.
pub(super) struct Creation {
    name: &'static str,
    title: &'static str,
    locals: Makers,
}

/// All of them.
pub(super) static ALL: &[Creation] = &[
    Creation {
        name: "create",
        title: "make a value of 64 bytes without a name, and drop it",
        locals: &[
            ("shared-value", creating::<Own<Record64, Native>>),
            ("shared-value, LockKind::Pthread", creating::<Own<Record64, Pthread>>),
            ("raw_sync", creating::<Raw>),
            ("bare memfd and mmap", creating_memory),
        ],
    },
    Creation {
        name: "create-named",
        title: "make a value of 64 bytes under a name, and take the name away",
        locals: &[("shared-value", creating_named), ("shared_memory", creating_shmem)],
    },
    Creation {
        name: "open",
        title: "open a value of 64 bytes by its name, and drop it",
        locals: &[("shared-value", opening), ("shared_memory", opening_shmem)],
    },
    Creation {
        name: "attach",
        title: "get at a value of 64 bytes without a name, by a text, and drop it",
        locals: &[("shared-value", attaching::<Own<Record64, Native>>), ("bare memfd and mmap", attaching::<Region>)],
    },
];

impl Case for &Creation {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn unit(&self) -> Unit {
        Unit::Microseconds
    }

    fn chart(&self) -> &'static str {
        "latency"
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(name, make): &(&str, fn() -> Result<Local>)| Entry::of(name, make().map(Local::in_microseconds));
        self.locals.iter().map(entry).collect()
    }
}

fn creating<S: Subject<Record64>>() -> Result<Local> {
    ensure!(S::create(Record64::filled(7))?.count() == 7, "what was made is not what was written");
    let work = || {
        let made = S::create(black_box(Record64::filled(7))).expect("memory");
        assert_eq!(made.count(), 7);
    };
    Ok(Local::unchecked(S::NAME, work))
}

fn creating_memory() -> Result<Local> {
    Region::new(4_096)?;
    let work = || {
        let region = Region::new(4_096).expect("memory");
        assert_eq!(region.word(0).load(Relaxed), 0);
    };
    Ok(Local::unchecked("bare memfd and mmap", work))
}

fn creating_named() -> Result<Local> {
    let name = Name::new("create");
    drop(Synchronized::create(&name.0, Record64::filled(7))?);
    unlink(&name.0)?;
    let work = move || {
        let made = Synchronized::create(&name.0, Record64::filled(7)).expect("a free name");
        assert_eq!(made.count(), 7);
        unlink(&name.0).expect("the name of a value");
    };
    Ok(Local::unchecked("shared-value", work))
}

fn creating_shmem() -> Result<Local> {
    let name = format!("/{}", Name::new("shmem-create").0);
    drop(ShmemConf::new().os_id(&name).size(4_096).create()?);
    let work = move || {
        let made = ShmemConf::new().os_id(&name).size(4_096).create().expect("a free name");
        assert!(made.is_owner());
    };
    Ok(Local::unchecked("shared_memory", work))
}

fn opening() -> Result<Local> {
    let name = Name::new("open");
    // Only the name keeps it. With a handle in this process, its mapping would be used again.
    drop(Synchronized::create(&name.0, Record64::filled(7)).context("a value to open")?);
    let work = move || {
        let opened = Synchronized::<Record64>::open(&name.0).expect("a value to open");
        assert_eq!(opened.count(), 7);
    };
    Ok(Local::unchecked("shared-value", work))
}

fn opening_shmem() -> Result<Local> {
    let name = format!("/{}", Name::new("shmem-open").0);
    let made = ShmemConf::new().os_id(&name).size(4_096).create().context("memory to open")?;
    let work = move || {
        let opened = ShmemConf::new().os_id(made.get_os_id()).open().expect("memory to open");
        assert!(!opened.is_owner());
    };
    Ok(Local::unchecked("shared_memory", work))
}

fn attaching<H: Made>() -> Result<Local> {
    let made = Rc::new(H::made()?);
    let token = made.token()?;
    let work = move || drop(H::attach(&token).expect("something to attach to"));
    Ok(Local::new(H::NAME, work, move |_| {
        ensure!(made.token().is_ok(), "it is gone");
        Ok(())
    }))
}

/// Something of 64 bytes to attach to.
trait Made: Handover + 'static {
    const NAME: &'static str;

    fn made() -> Result<Self>;
}

impl Made for Region {
    const NAME: &'static str = "bare memfd and mmap";

    fn made() -> Result<Self> {
        Self::new(64)
    }
}

impl Made for Own<Record64, Native> {
    const NAME: &'static str = "shared-value";

    fn made() -> Result<Self> {
        Self::create(Record64::filled(7))
    }
}

/// The name of a value, which goes away with this.
struct Name(String);

impl Name {
    fn new(what: &str) -> Self {
        Self(format!("benches.{}.{what}", process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Who makes the value may have taken the name away already.
        let _ = unlink(&self.0);
    }
}
