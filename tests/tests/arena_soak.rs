//! An arena that lives long: six processes change it, two read it, and all are killed at random moments and started again, for 3
//! seconds or `SHARED_VALUE_SOAK_SECONDS`. `SHARED_VALUE_SEED` makes another soak. `tests/soak.sh` runs it for ten minutes.

use std::env;
use std::time::{Duration, Instant};

use shared_value::{Arena, ArenaStats};
use shared_value_tests::{DEADLINE, SegmentName, Worker, eventually, in_time};

const WRITERS: usize = 6;
const PROCESSES: usize = WRITERS + 2;

/// Much more than the values take: space that does not come back shows as used space, and not as an error.
const CAPACITY: usize = 256 << 20;

/// Four hundred values have this many bytes at most, twice as long ones as usual included, with all that are open besides.
const MOST: usize = 12 << 20;

fn start(name: &SegmentName, number: usize, seed: u64) -> Worker {
    let mut arguments = vec![String::from(&**name), seed.to_string()];
    if number >= WRITERS {
        arguments.push("--read-only".to_owned());
    }
    Worker::start(env!("CARGO_BIN_EXE_worker"), "soak", arguments)
}

/// If a claim were missed, a process would find another value under its handle; if one stayed, the used space would grow.
#[test]
fn the_used_space_stays_flat_and_no_handle_leads_to_another_value() {
    let duration = Duration::from_secs(number_of("SHARED_VALUE_SOAK_SECONDS", 3));
    let mut random = fastrand::Rng::with_seed(number_of("SHARED_VALUE_SEED", 1));
    let name = SegmentName::new("soak");
    let arena = Arena::create(&name, CAPACITY).unwrap();
    let mut workers: Vec<_> = (0..PROCESSES).map(|number| Some(start(&name, number, random.u64(..)))).collect();
    let (mut kills, mut own) = (0_u64, 0_u64);
    let (begun, mut shown) = (Instant::now(), Instant::now());
    while begun.elapsed() < duration || kills < 20 {
        assert!(begun.elapsed() < duration + DEADLINE, "processes do not get ready");
        let number = random.usize(..PROCESSES);
        workers[number].take().expect("all processes live").kill();
        kills += 1;
        let mut successor = start(&name, number, random.u64(..));
        // One in four is killed while it opens the arena.
        if random.u32(..4) > 0 {
            successor.expect("ready");
        }
        workers[number] = Some(successor);
        // This process adds and removes too: no process is stuck.
        own += 1;
        let (adding, number) = (arena.clone(), own);
        in_time(move || {
            let value = adding.insert("key of the parent", [number; 9]).unwrap();
            assert!(adding.remove("key of the parent").unwrap());
            assert_eq!(value.get(), [number; 9]);
        });
        let stats = arena.stats();
        assert!(arena.used() < MOST, "{} bytes are used: {stats:?}", arena.used());
        if shown.elapsed() > Duration::from_secs(5) {
            println!("{:4} s  {}", begun.elapsed().as_secs(), show(&arena));
            shown = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(random.u64(..20_000)));
    }
    println!("{kills} kills  {}", show(&arena));
    workers.into_iter().flatten().for_each(Worker::kill);
    // All are dead, so nothing is claimed any more. Their children live on for less than a second, and still add values.
    eventually("everything comes back", || {
        let ids: Vec<_> = arena.iter().map(|entry| entry.id::<[u64]>()).collect();
        for id in ids {
            arena.remove(id).unwrap();
        }
        arena.insert("last", 1_u64).unwrap();
        arena.remove("last").unwrap();
        let ArenaStats { live, removed, reusable_bytes, overhead_bytes, .. } = arena.stats();
        (live, removed, reusable_bytes + overhead_bytes) == (0, 0, arena.used())
    });
}

fn show(arena: &Arena) -> String {
    let ArenaStats { live, removed, live_bytes, removed_bytes, reusable_bytes, overhead_bytes, .. } = arena.stats();
    format!(
        "used {}: {live} values {live_bytes}, {removed} removed {removed_bytes}, reusable {reusable_bytes}, overhead \
         {overhead_bytes}",
        arena.used()
    )
}

fn number_of(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |number| number.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}
