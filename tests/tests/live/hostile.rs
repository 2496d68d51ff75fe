//! Live values in memory that another process has filled with anything.

use std::time::Duration;

use shared_value::{Arena, Dyn, Error, Live, Plain, SharedValue, Synchronized};
use shared_value_tests::{DEADLINE, SHORT, SegmentFile, SegmentName, fewer_if_emulated, in_time};

use crate::poke;

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Mixed {
    flag: bool,
    words: [u64; 9],
    #[shared(atomic)]
    hits: u64,
}

const MIXED: Mixed = Mixed { flag: true, words: [3; 9], hits: 1 };

/// Numbers that look random, and are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns what a hostile process would write in place of a word.
    fn instead_of(&mut self, old: u64) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => old ^ 1 << self.below(64),
            3 => old.wrapping_add(1),
            4 => 1 << 63 | old,
            5 => 1 << self.below(64),
            6 => 0x4000_0000,
            _ => self.next(),
        }
    }
}

/// Uses a value in all ways. Each must end soon, with a result or an error that can be printed.
fn use_all<C: Plain + ?Sized>(value: &Live<C>, word: u64) {
    let told = |result: Result<(), Error>| result.err().map(|error| error.to_string());
    told(value.release());
    told(value.wait_until(|| false, Duration::ZERO));
    value.notify();
    let _ = (value.lock_state(), value.recoveries(), value.depth(), format!("{value:?}"), value.id());
    if let Ok(guard) = value.lock_timeout(Duration::from_micros(200)) {
        if value.size() >= 8 {
            poke(value, value.size().div_ceil(8) - 1, word);
        }
        guard.keep();
        told(value.release());
    }
}

fn use_mixed(value: &Live<Mixed>, word: u64) {
    use_all(value, word);
    let _ = value.load().map_err(|error| error.to_string());
    let _ = value.parts().in_flag().load().map_err(|error| error.to_string());
    if let Ok(guard) = value.try_lock() {
        let _ = value.update(|mixed| mixed.words[8] = word).map_err(|error| error.to_string());
        value.set(MIXED).unwrap();
        value.parts().hits().fetch_add(1);
        assert_eq!(value.load().unwrap().words, MIXED.words);
        drop(guard);
    }
}

/// No word in the file may lead to an access outside of the mapping, to a wait without end, or to a panic.
#[test]
fn any_word_of_a_segment_may_be_overwritten() {
    in_time(|| {
        let name = SegmentName::new("live-hostile");
        let mut random = Random(0x9e37_79b9);
        for round in 0..fewer_if_emulated(1_500) {
            drop(Live::create(&name, MIXED).unwrap());
            let file = SegmentFile::open(name.path());
            let (cell, length) = (file.cell_offset(), std::fs::metadata(name.path()).unwrap().len());
            let mut damage = |from: u64, to: u64| {
                let place = from / 8 * 8 + random.below((to - from) / 8) * 8;
                let old = u64::from_le_bytes(file.bytes(place, 8).try_into().unwrap());
                file.overwrite(place, &random.instead_of(old).to_le_bytes());
            };
            let is_early = round % 2 == 0;
            if is_early {
                damage(if round % 4 == 0 { 128 } else { 0 }, cell);
                damage(cell, length);
            }
            let opened = Live::<Mixed>::open(&name);
            let dynamic = Live::<Dyn>::open(&name);
            let _ = Synchronized::<Mixed>::open(&name).map_err(|error| error.to_string());
            let _ = shared_value::inspect(&name).map(|report| report.is_live());
            damage(cell, cell + 64);
            damage(cell, length);
            let word = round * 0x0101_0101;
            match opened {
                Ok(value) => use_mixed(&value, word),
                Err(error) => assert!(is_early && !error.to_string().is_empty()),
            }
            if let Ok(value) = dynamic {
                use_all(&value, word);
                let _ = value.parts().load().map_err(|error| error.to_string());
                let _ = value.parts().get("words[8]").map_err(|error| error.to_string());
            }
            std::fs::remove_file(name.path()).unwrap();
        }
    });
}

/// In an arena, the words that say how a value lies there change while it is opened and used.
#[test]
fn any_word_of_an_arena_may_be_overwritten() {
    in_time(|| {
        let mut random = Random(0x1234_5678);
        for round in 0..fewer_if_emulated(300) {
            let name = SegmentName::new("live-hostile-arena");
            let arena = Arena::create(&name, 1 << 16).unwrap();
            let live = Live::options().insert(&arena, "live", MIXED).unwrap();
            let once = Live::options().non_recursive().insert(&arena, "once", MIXED).unwrap();
            let plain = arena.insert("plain", MIXED).unwrap();
            let file = SegmentFile::open(name.path());
            let from = file.cell_offset() + 64 + 2 * 192 + 32;
            let end = from + arena.used() as u64;
            for _ in 0..20 {
                let place = from / 8 * 8 + random.below((end - from) / 8) * 8;
                let old = u64::from_le_bytes(file.bytes(place, 8).try_into().unwrap());
                file.overwrite(place, &random.instead_of(old).to_le_bytes());
                for key in ["live", "once", "plain"] {
                    let found = Live::<Mixed, _>::find(&arena, key).map_err(|error| error.to_string());
                    if let Ok(Some(value)) = found {
                        use_mixed(&value, round);
                    }
                    if let Ok(Some(value)) = Live::<Dyn, _>::find(&arena, key) {
                        use_all(&value, round);
                        let _ = value.parts().load().map_err(|error| error.to_string());
                    }
                    let found = arena.get::<Mixed>(key).map_err(|error| error.to_string());
                    if let Ok(Some(value)) = found {
                        let _ = value.load().map_err(|error| error.to_string());
                        let _ = value.within(Duration::ZERO).set(MIXED).map_err(|error| error.to_string());
                    }
                }
                use_mixed(&live, round);
                use_mixed(&once, round);
                assert!(
                    arena.iter().count() < 1_000 && arena.iter().filter(shared_value::Entry::is_live).count() < 1_000
                );
            }
            drop((live, once, plain));
        }
    });
}

/// A lock that a peer has filled with an owner that does not exist is waited for with a limit.
#[test]
fn a_made_up_owner_is_waited_for_with_a_limit() {
    let name = SegmentName::new("live-made-up");
    let named = Live::create(&name, 1_u64).unwrap();
    let file = SegmentFile::open(name.path());
    file.overwrite(file.cell_offset(), &0x1234_5678_0000_0123_u64.to_le_bytes());
    assert!(named.lock_timeout(SHORT).is_err() && named.get() == 1);
    // After a second, the owner is known to be gone.
    assert!(named.lock_timeout(DEADLINE).unwrap().recovered());
}
