//! Processes: values that they inherit, that are handed to them, and that outlive them.

use std::fs;
use std::process::Command;
use std::thread;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use shared_value::{Error, FixedStr, Source, Synchronized};
use shared_value_tests::{AT_ONCE, DEADLINE, SegmentName, end_now, eventually, fork};

/// (37) A value is shared with processes that are forked after its creation, and with others only by a token or the like.
#[test]
fn a_value_made_after_a_fork_is_not_the_parents() {
    let before = Synchronized::new(1_u64).unwrap();
    let token = Synchronized::new(FixedStr::<255>::default()).unwrap();
    let (is_written, is_done) = (Synchronized::new(false).unwrap(), Synchronized::new(false).unwrap());
    let child = fork(|| {
        before.set(2).unwrap();
        let after = Synchronized::new(10_u64).unwrap();
        token.set(FixedStr::new(&after.token().unwrap().to_string()).unwrap()).unwrap();
        is_written.wait_for(|is_written| *is_written, DEADLINE).unwrap();
        assert_eq!(after.get(), 11, "the parent has the token");
        is_done.set(true).unwrap();
    });
    let token = token.wait_for(|token| !token.is_empty(), DEADLINE).unwrap();
    assert_eq!(before.get(), 2);
    let own = Synchronized::new(10_u64).unwrap();
    own.set(20).unwrap();
    Synchronized::<u64>::open(Source::token(&*token)).unwrap().update(|number| *number += 1).unwrap();
    is_written.set(true).unwrap();
    child.finish();
    assert!(is_done.get());
    assert_eq!(own.get(), 20);
}

/// (38) A program that inherited a value must be able to pass it on, and all must write to one value.
#[test]
fn a_program_hands_a_value_on_to_the_program_that_it_starts() {
    let value = Synchronized::new(5_u64).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_partner"));
    command.args(["pass-on", "VALUE", "1000"]);
    value.pass_to(&mut command, "VALUE").unwrap();
    assert!(command.status().unwrap().success());
    assert_eq!(value.get(), 5 + 1000 + 1000, "from the child and from the grandchild");
}

/// (42) The memory of a value must not be reused while any process has the value open.
#[test]
fn memory_is_not_used_again_while_a_child_uses_the_value() {
    let value = Synchronized::new([7_u64; 8]).unwrap();
    let is_dropped = Synchronized::new(false).unwrap();
    let child = fork(|| {
        is_dropped.wait_for(|is_dropped| *is_dropped, DEADLINE).unwrap();
        assert_eq!(value.get(), [7; 8]);
        value.set([8; 8]).unwrap();
        assert_eq!(value.get(), [8; 8]);
    });
    drop(value);
    let others: Vec<_> = (0..50).map(|_| Synchronized::new([1_u64; 8]).unwrap()).collect();
    is_dropped.set(true).unwrap();
    child.finish();
    assert!(others.iter().all(|other| other.get() == [1; 8]));
}

/// (43) A value must outlive its creator as long as another process has it open.
#[test]
fn a_child_goes_on_when_the_creator_has_ended() {
    let result = Synchronized::new(0_u64).unwrap();
    let creator = fork(|| {
        let value = Synchronized::new(1_u64).unwrap();
        let is_alone = Synchronized::new(false).unwrap();
        let creator = getpid();
        std::mem::forget(fork(|| {
            // No other child of the tests outlives its parent.
            set_parent_process_death_signal(None).unwrap();
            is_alone.set(true).unwrap();
            eventually("the creator ends", || getppid() != Some(creator));
            for _ in 0..100 {
                value.update(|number| *number += 1).unwrap();
            }
            result.set(value.get()).unwrap();
        }));
        is_alone.wait_for(|is_alone| *is_alone, DEADLINE).unwrap();
        end_now(0);
    });
    creator.finish();
    assert_eq!(result.wait_for(|result| *result != 0, DEADLINE).unwrap(), 101);
}

/// (44) A value without a name must leave nothing behind, because there is no name, not even while the value exists.
#[test]
fn nothing_is_left_of_a_killed_creator() {
    let token = Synchronized::new(FixedStr::<255>::default()).unwrap();
    let creator = fork(|| {
        let values: Vec<_> = (0..20).map(|number| Synchronized::new(number).unwrap()).collect();
        token.set(FixedStr::new(&values[19].token().unwrap().to_string()).unwrap()).unwrap();
        thread::sleep(DEADLINE);
    });
    let token = token.wait_for(|token| !token.is_empty(), DEADLINE).unwrap();
    let maps = fs::read_to_string(format!("/proc/{}/maps", creator.process_id().as_raw_pid())).unwrap();
    let values = maps.lines().filter(|line| line.ends_with("/memfd:shared-value (deleted)")).count();
    assert!(values >= 20, "{maps}");
    assert!(!maps.contains("/dev/shm/"), "{maps}");
    assert_eq!(Synchronized::<i32>::open(Source::token(&*token)).unwrap().get(), 19);
    creator.signal(Signal::KILL);
    creator.finish_killed();
    assert!(matches!(Synchronized::<i32>::open(Source::token(&*token)), Err(Error::StaleToken { .. })));
}

/// (45) A name must stay until it is unlinked, also when its creator is killed, with the last committed value and a free
/// lock.
#[test]
fn a_name_stays_until_it_is_unlinked() {
    let name = SegmentName::new("stays");
    let creator = fork(|| {
        let value = Synchronized::create(&name, 1_u64).unwrap();
        value.set(2).unwrap();
        let guard = value.lock().unwrap();
        guard.set(3).unwrap();
        thread::sleep(DEADLINE);
    });
    eventually("the creator writes", || Synchronized::<u64>::open(&name).is_ok_and(|value| value.version() == 1));
    creator.signal(Signal::KILL);
    creator.finish_killed();
    let value = Synchronized::<u64>::open(&name).unwrap();
    drop(value.lock_timeout(AT_ONCE).unwrap());
    assert_eq!(value.get(), 2);
    shared_value::unlink(&name).unwrap();
    assert!(matches!(Synchronized::<u64>::open(&name), Err(Error::NotFound { .. })));
    assert!(!name.path().exists());
}
