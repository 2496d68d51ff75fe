//! `Stage`: a damaged segment, and what must hold when an input is done with it.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::SegmentName;
use shared_value::{LockState, SharedValue, Synchronized, Unlocked};

use crate::hostile::damage::{Damage, SPARE};
use crate::hostile::input::Input;
use crate::hostile::memory::Memory;
use crate::hostile::peer::{self, Peer};
use crate::hostile::play::Play;
use crate::hostile::specimen::Specimen;
use crate::hostile::thread::{self, Canary};
use crate::hostile::verdict::{allow, allow_refusal, tolerate};

/// Where a valid segment says where its cell lies, and how long that is.
const CELL_OFFSET: usize = 64;
const CELL_LENGTH: usize = 72;

/// What the first byte of an input says, besides the type.
const RAW: u8 = 8;
const RACING: u8 = 16;
const HELD: u8 = 32;
const UNLOCKED: u8 = 64;

pub(crate) struct Stage<T>(PhantomData<T>);

impl<T: Specimen> Stage<T> {
    pub(crate) fn run(setting: u8, mut input: Input<'_>) {
        Canary::set();
        let name = SegmentName::new("fuzz");
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
                Damage::choose(&mut input, &memory, cell, bytes.len()).apply(&memory);
            }
        }
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
                assert!(!changed, "it was refused with `{error}`, and changed");
            }
        }
        drop(name);
        assert_eq!(file.metadata().expect("it is open").len(), bytes.len() as u64, "its length was changed");
    }

    fn use_it(name: &str, handle: &Synchronized<T>, memory: &Arc<Memory>, input: &mut Input<'_>, setting: u8) {
        // It was opened, so its header is valid.
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
        for range in
            [0..cell, cell + length..found.len()].into_iter().chain(SPARE.map(|of| cell + of.start..cell + of.end))
        {
            assert_eq!(found[range.clone()], expected[range], "bytes were written that belong to nobody");
        }
        assert!(Canary::is_untouched(), "a pointer that lies in shared memory was followed");
        assert!(thread::list_is_empty(), "a lock was left in this thread's list");
        assert_eq!((other.get(), other.recoveries()), (others, 0), "another value was harmed");
        assert_eq!(other.lock_state(), LockState::Free);

        // The hostile process is gone: all is well when its last traces are overwritten.
        assert_ne!(handle.lock_state(), LockState::HeldHere);
        peer::free(memory, cell);
        let sample = T::sample(7);
        handle.store(sample).expect("the lock is free");
        let mut guard = handle.try_lock().expect("the lock is free");
        guard.store(sample);
        drop(guard);
        let loaded = tolerate(|| handle.load().ok().map(|loaded| format!("{loaded:?}"))).flatten();
        assert!(loaded.is_some(), "what was stored can be loaded");
        assert_eq!(handle.lock_state(), LockState::Free);
        assert!(thread::list_is_empty(), "a lock was left in this thread's list");
    }

    fn read_only(name: &str) {
        match Synchronized::<T, _>::open_read_only(name) {
            Ok(handle) => {
                allow(handle.load().map(|value| format!("{value:?}")));
                let _ = (format!("{handle:?}"), handle.version(), handle.recoveries(), handle.lock_state());
            }
            Err(error) => allow_refusal(&error, name),
        }
    }

    fn unlocked(name: &str, input: &mut Input<'_>) {
        match Synchronized::<T, Unlocked>::open_unlocked(name) {
            Ok(handle) => {
                allow(handle.load().map(|value| format!("{value:?}")));
                allow(handle.update(|value| *value = T::sample(1)));
                handle.store(T::sample(input.byte())).expect("there is no lock");
                allow(handle.load());
                let _ = (format!("{handle:?}"), handle.version(), handle.lock_state());
            }
            Err(error) => allow_refusal(&error, name),
        }
    }
}

/// A type that no segment of an input holds.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Stranger {
    high: i64,
    low: u64,
}

fn refuse_stranger(name: &str) {
    let error = Synchronized::<Stranger>::open(name).expect_err("nothing is one of these");
    allow_refusal(&error, name);
}

/// The bytes of a valid segment of this type.
fn template<T: Specimen>(setting: u8) -> Vec<u8> {
    thread_local! {
        static TEMPLATES: RefCell<HashMap<(TypeId, u8), Vec<u8>>> = RefCell::default();
    }
    let kind = setting & (UNLOCKED | HELD);
    TEMPLATES.with_borrow_mut(|templates| {
        let template = templates.entry((TypeId::of::<T>(), kind)).or_insert_with(|| {
            let name = SegmentName::new("template");
            if kind & UNLOCKED != 0 {
                Synchronized::create_unlocked(&name, T::sample(1)).expect("there is room in memory");
            } else {
                create::<T>(&name, kind & HELD != 0);
            }
            fs::read(name.path()).expect("it was made")
        });
        template.clone()
    })
}

/// A value that was committed twice, so that both slots are full; with a draft and an owner if it is held.
fn create<T: Specimen>(name: &str, is_held: bool) {
    let value = Synchronized::create(name, T::sample(1)).expect("there is room in memory");
    value.store(T::sample(2)).expect("nobody holds it");
    if is_held {
        let copy = SegmentName::new("held");
        let mut guard = value.lock().expect("nobody holds it");
        guard.store(T::sample(3));
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
