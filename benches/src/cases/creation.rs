//! Creating and opening values.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context, Result, ensure};
use shared_memory::ShmemConf;
use shared_value::{Synchronized, unlink};

use crate::cases::calls;
use crate::measure::local::Locals;
use crate::measure::{Case, Entry, Local, Unit};
use crate::subjects::{Handover, Native, Own, Payload, Pthread, Raw, Record64, Region, Subject};

/// Creating or opening something of 64 bytes.
pub(super) struct Creation {
    name: &'static str,
    title: &'static str,
    locals: Locals,
}

/// All cases of creation and opening.
pub(super) static ALL: &[Creation] = &[
    Creation {
        name: "create",
        title: "create a value of 64 bytes without a name, and drop it",
        locals: &[
            ("shared-value", creating::<Own<Record64, Native>>),
            ("shared-value, LockKind::Pthread", creating::<Own<Record64, Pthread>>),
            ("raw_sync", creating::<Raw>),
            ("bare memfd and mmap", creating_memory),
        ],
    },
    Creation {
        name: "create-named",
        title: "create a named value of 64 bytes, and unlink it",
        locals: &[
            ("shared-value", creating_named),
            ("the same system calls alone", calling_to_create),
            ("shared_memory", creating_shmem),
        ],
    },
    Creation {
        name: "open",
        title: "open a value of 64 bytes by its name, and drop it",
        locals: &[
            ("shared-value", opening),
            ("the same system calls alone", calling_to_open),
            ("shared_memory", opening_shmem),
        ],
    },
    Creation {
        name: "attach",
        title: "open a value of 64 bytes by its token, and drop it",
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
        "creating"
    }

    fn entries(&self) -> Vec<Entry> {
        let entry =
            |(name, create): &(&str, fn() -> Result<Local>)| Entry::of(name, create().map(Local::in_microseconds));
        self.locals.iter().map(entry).collect()
    }
}

fn creating<S: Subject<Record64>>() -> Result<Local> {
    ensure!(S::create(Record64::filled(7))?.count() == 7, "the new value is not the one that was written");
    let work = || {
        let created = S::create(black_box(Record64::filled(7))).expect("memory");
        assert_eq!(created.count(), 7);
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
        let created = Synchronized::create(&name.0, Record64::filled(7)).expect("a free name");
        assert_eq!(created.count(), 7);
        unlink(&name.0).expect("the name of a value");
    };
    Ok(Local::unchecked("shared-value", work))
}

fn calling_to_create() -> Result<Local> {
    let name = Name::new("calls-create");
    let path = name.path();
    calls::create(&path, &[0; 264])?;
    let work = move || {
        calls::create(&path, &[0; 264]).expect("a free name");
        let _ = &name;
    };
    Ok(Local::unchecked("the same system calls alone", work))
}

fn creating_shmem() -> Result<Local> {
    let name = format!("/{}", Name::new("shmem-create").0);
    drop(ShmemConf::new().os_id(&name).size(4_096).create()?);
    let work = move || {
        let created = ShmemConf::new().os_id(&name).size(4_096).create().expect("a free name");
        assert!(created.is_owner());
    };
    Ok(Local::unchecked("shared_memory", work))
}

fn opening() -> Result<Local> {
    let name = Name::new("open");
    // No handle is left in this process, because `open` would reuse the mapping of that handle.
    drop(Synchronized::create(&name.0, Record64::filled(7)).context("a value to open")?);
    let work = move || {
        let opened = Synchronized::<Record64>::open(&name.0).expect("a value to open");
        assert_eq!(opened.count(), 7);
    };
    Ok(Local::unchecked("shared-value", work))
}

fn calling_to_open() -> Result<Local> {
    let name = Name::new("calls-open");
    drop(Synchronized::create(&name.0, Record64::filled(7)).context("a value to open")?);
    let path = name.path();
    calls::open(&path)?;
    let work = move || {
        calls::open(&path).expect("a file to open");
        let _ = &name;
    };
    Ok(Local::unchecked("the same system calls alone", work))
}

fn opening_shmem() -> Result<Local> {
    let name = format!("/{}", Name::new("shmem-open").0);
    let created = ShmemConf::new().os_id(&name).size(4_096).create().context("memory to open")?;
    let work = move || {
        let opened = ShmemConf::new().os_id(created.get_os_id()).open().expect("memory to open");
        assert!(!opened.is_owner());
    };
    Ok(Local::unchecked("shared_memory", work))
}

fn attaching<H: Attachable>() -> Result<Local> {
    let created = Rc::new(H::create()?);
    let token = created.token()?;
    let work = move || drop(H::attach(&token).expect("something to attach to"));
    Ok(Local::new(H::NAME, work, move |_| {
        ensure!(created.token().is_ok(), "there is nothing left to attach to");
        Ok(())
    }))
}

/// Something of 64 bytes to attach to.
trait Attachable: Handover + 'static {
    const NAME: &'static str;

    fn create() -> Result<Self>;
}

impl Attachable for Region {
    const NAME: &'static str = "bare memfd and mmap";

    fn create() -> Result<Self> {
        Self::new(64)
    }
}

impl Attachable for Own<Record64, Native> {
    const NAME: &'static str = "shared-value";

    fn create() -> Result<Self> {
        Subject::create(Record64::filled(7))
    }
}

/// A name, which is unlinked when this is dropped.
struct Name(String);

impl Name {
    fn new(what: &str) -> Self {
        Self(format!("benches.{}.{what}", process::id()))
    }

    fn path(&self) -> PathBuf {
        Path::new("/dev/shm").join(&self.0)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Fails if the contestant has unlinked the name already.
        let _ = unlink(&self.0);
    }
}
