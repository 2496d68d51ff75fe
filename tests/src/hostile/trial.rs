//! `Trial`: opens and uses a damaged segment, and checks the memory afterwards.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::SegmentName;
use shared_value::{LockState, SharedValue, Synchronized};

use crate::hostile::damage::{Damage, SPARE};
use crate::hostile::input::Input;
use crate::hostile::memory::Memory;
use crate::hostile::peer::{self, Peer};
use crate::hostile::play::Play;
use crate::hostile::specimen::Specimen;
use crate::hostile::thread::{self, Canary};
use crate::hostile::verdict::{allow, allow_refusal, tolerate};

/// The offsets at which a valid segment records the offset and the length of its cell.
const CELL_OFFSET: usize = 128;
const CELL_LENGTH: usize = 136;

/// The words of the header that change, `unvouched` and `retired`: an owner of the lock finds out what a damaged one stands for, and
/// mends it.
const CHANGES: Range<usize> = 88..104;

/// The bits of the first byte of an input, behind those of the type.
const RAW: u8 = 8;
const RACING: u8 = 16;
const HELD: u8 = 32;
const UNLOCKED: u8 = 64;

/// Opens and uses a damaged segment, and checks the memory afterwards.
pub(crate) struct Trial<T>(PhantomData<T>);

/// A damaged segment.
pub(crate) struct Damaged {
    file: File,
    /// The bytes of the file.
    length: usize,
    /// All of its pages.
    memory: Arc<Memory>,
}

impl<T: Specimen> Trial<T> {
    pub(crate) fn run(setting: u8, mut input: Input<'_>) {
        let name = SegmentName::new("fuzz");
        let Damaged { file, length, memory } = Self::damage(&name, setting, &mut input);
        let before = memory.bytes();

        refuse_stranger(&name);
        assert_eq!(memory.bytes(), before, "a refused segment was changed");
        Self::read_only(&name);
        Self::unlocked(&name, &mut input);
        assert!(memory.bytes() == before || word_of(&before, 16) >> 32 == 0, "a reader changed the segment");
        match Synchronized::<T>::open(&name) {
            Ok(handle) => Self::use_it(&name, &handle, &memory, &mut input, setting),
            Err(error) => {
                allow_refusal(&error, &name);
                let changed = memory.bytes() != before && word_of(&before, 16) >> 32 != 0;
                assert!(!changed, "a segment that was refused with `{error}` was changed");
            }
        }
        drop(name);
        assert_eq!(file.metadata().expect("it is open").len(), length as u64, "the length of the file was changed");
    }

    /// Writes the segment, as the input damages it before it is opened.
    pub(crate) fn damage(name: &SegmentName, setting: u8, input: &mut Input<'_>) -> Damaged {
        Canary::set();
        let mut bytes = if setting & RAW != 0 { input.rest().to_vec() } else { template::<T>(setting) };
        if setting & RAW == 0 {
            let size = input.byte();
            if size >= 250 {
                bytes.truncate(input.below(bytes.len() + 1));
            } else if size >= 248 {
                bytes.resize(bytes.len() + input.below(9_000), 0);
            }
        }
        fs::write(name.path(), &bytes).expect("there is room in memory");
        let file = File::options().read(true).write(true).open(name.path()).expect("it was written");
        let memory = Arc::new(Memory::of(&file, bytes.len()));
        let cell = usize::try_from(word_of(&bytes, CELL_OFFSET)).unwrap_or(usize::MAX);
        let cell = if cell.is_multiple_of(8) && cell < bytes.len().saturating_sub(64) { cell } else { 0 };
        if bytes.len() >= 64 {
            for _ in 0..input.byte() % 8 {
                Damage::choose(input, &memory, cell, bytes.len()).apply(&memory);
            }
        }
        Damaged { file, length: bytes.len(), memory }
    }

    fn use_it(name: &str, handle: &Synchronized<T>, memory: &Arc<Memory>, input: &mut Input<'_>, setting: u8) {
        // The segment was opened: its header is valid.
        let header = memory.bytes();
        let [cell, length] =
            [CELL_OFFSET, CELL_LENGTH].map(|offset| usize::try_from(word_of(&header, offset)).expect("validated"));
        let other = Synchronized::new(0_u64).expect("there is memory");
        let mut writes = Vec::new();
        if setting & RACING != 0 {
            for _ in 0..input.byte() % 8 {
                writes.push(Damage::choose(input, memory, cell, cell + length));
            }
        }
        let peer = (!writes.is_empty()).then(|| Peer::begin(memory, cell, writes.clone()));
        let play = Play::new(name, memory, cell..cell + length, &other, peer.is_some(), input);
        play.scene(handle, 0);
        let (others, mut expected) = play.end();
        if let Some(peer) = peer {
            peer.end();
        }

        for write in writes {
            write.apply_to(&mut expected);
        }
        let found = memory.bytes();
        let header = [0..CHANGES.start, CHANGES.end..cell];
        let spare = cell + SPARE.start..cell + SPARE.end;
        for range in header.into_iter().chain([cell + length..found.len(), spare]) {
            assert_eq!(found[range.clone()], expected[range], "the library wrote bytes outside of the cell");
        }
        assert!(Canary::is_untouched(), "a pointer in shared memory was followed");
        assert!(thread::list_is_empty(), "a lock was left in this thread's list");
        assert_eq!((other.get(), other.recoveries()), (others, 0), "another value was changed");
        assert_eq!(other.lock_state(), LockState::Free);

        // The hostile process has ended. Once the lock is freed and the value overwritten, everything must work.
        assert_ne!(handle.lock_state(), LockState::HeldHere);
        peer::free(memory, cell);
        let sample = T::sample(7);
        handle.set(sample).expect("the lock is free");
        let guard = handle.try_lock().expect("the lock is free");
        guard.set(sample).expect("the lock is held");
        drop(guard);
        let loaded = tolerate(|| handle.load().ok().map(|loaded| format!("{loaded:?}"))).flatten();
        assert!(loaded.is_some(), "the new value cannot be loaded");
        assert_eq!(handle.lock_state(), LockState::Free);
        assert!(thread::list_is_empty(), "a lock was left in this thread's list");
    }

    fn read_only(name: &str) {
        match Synchronized::<T>::open_read_only(name) {
            Ok(handle) => {
                allow(handle.load().map(|value| format!("{value:?}")));
                let _ = (format!("{handle:?}"), handle.version(), handle.recoveries(), handle.lock_state());
            }
            Err(error) => allow_refusal(&error, name),
        }
    }

    fn unlocked(name: &str, input: &mut Input<'_>) {
        match Synchronized::<T>::options().unlocked().open(name) {
            Ok(handle) => {
                allow(handle.load().map(|value| format!("{value:?}")));
                allow(handle.update(|value| *value = T::sample(1)));
                handle.set(T::sample(input.byte())).expect("the value has no lock");
                allow(handle.load());
                let _ = (format!("{handle:?}"), handle.version(), handle.lock_state());
            }
            Err(error) => allow_refusal(&error, name),
        }
    }
}

/// A type that is in no segment of an input.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Stranger {
    high: i64,
    low: u64,
}

fn refuse_stranger(name: &str) {
    let error = Synchronized::<Stranger>::open(name).expect_err("no segment contains this type");
    allow_refusal(&error, name);
}

/// Returns the bytes of a valid segment of this type.
fn template<T: Specimen>(setting: u8) -> Vec<u8> {
    thread_local! {
        static TEMPLATES: RefCell<HashMap<(TypeId, u8), Vec<u8>>> = RefCell::default();
    }
    let kind = setting & (UNLOCKED | HELD);
    TEMPLATES.with_borrow_mut(|templates| {
        let template = templates.entry((TypeId::of::<T>(), kind)).or_insert_with(|| {
            let name = SegmentName::new("template");
            if kind & UNLOCKED != 0 {
                let options = Synchronized::<T>::options().unlocked();
                drop(options.create(&name, T::sample(1)).expect("there is room in memory"));
            } else {
                create::<T>(&name, kind & HELD != 0);
            }
            fs::read(name.path()).expect("the file exists")
        });
        template.clone()
    })
}

/// Creates a value that was committed twice, which fills both slots; with a draft and an owner if it is held.
fn create<T: Specimen>(name: &str, is_held: bool) {
    let value = Synchronized::create(name, T::sample(1)).expect("there is room in memory");
    value.set(T::sample(2)).expect("the lock is free");
    if is_held {
        let copy = SegmentName::new("held");
        let guard = value.lock().expect("the lock is free");
        guard.set(T::sample(3)).expect("the lock is held");
        fs::copy(Path::new("/dev/shm").join(name), copy.path()).expect("there is room in memory");
        guard.rollback();
        drop(guard);
        drop(value);
        fs::copy(copy.path(), Path::new("/dev/shm").join(name)).expect("there is room in memory");
    }
}

fn word_of(bytes: &[u8], offset: usize) -> u64 {
    let mut word = [0; 8];
    if let Some(bytes) = bytes.get(offset..offset + 8) {
        word.copy_from_slice(bytes);
    }
    u64::from_ne_bytes(word)
}
