//! Processes whose surroundings are unusual: a filter of system calls, another user, locked memory. Errors name the cause.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, geteuid, setrlimit};
use shared_value::{Arena, Error, Filled, LockError, SharedArray, Synchronized};
use shared_value_tests::{DEADLINE, SegmentName, fork};

/// A user without rights.
const OTHER: libc::uid_t = 65_534;

/// Makes this process one of another user, if it may do that. Returns whether it has changed.
fn change_user() -> bool {
    // SAFETY: the call takes numbers only. It changes the users of all threads, and this process has one.
    geteuid().is_root() && unsafe { libc::setresuid(OTHER, OTHER, OTHER) } == 0
}

/// A filter of system calls that does not know `get_robust_list` makes locks impossible. The error must name the cause, and
/// reading must go on.
#[test]
fn a_refused_robust_list_is_named() {
    let value = Synchronized::new(1_u64).unwrap();
    fork(|| {
        refuse(libc::SYS_get_robust_list);
        for _ in 0..2 {
            let refused = value.set(2);
            let Err(Error::Lock(error @ LockError::Unsupported { .. })) = refused else { panic!("{refused:?}") };
            assert!(error.to_string().contains("the kernel refused `get_robust_list`"), "{error}");
        }
        assert_eq!((value.get(), value.version()), (1, 0));
    })
    .finish();
    value.set(2).unwrap();
}

/// A reader that can never have the lock must not keep a processor busy while commits overtake its copies: it sleeps in between.
#[test]
fn a_reader_that_can_never_have_the_lock_pauses() {
    let array = SharedArray::new(Filled(0_u64, 1 << 20)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            while !is_over.load(Relaxed) && start.elapsed() < 2 * DEADLINE {
                array.update_at(0, |word| *word += 1).unwrap();
            }
        });
        let reader = fork(|| {
            refuse(libc::SYS_get_robust_list);
            let (start, before) = (Instant::now(), sleeps());
            // On a busy machine, the writer may rest for the time of a copy. Then the next read is overtaken.
            while sleeps() == before {
                assert!(start.elapsed() < DEADLINE, "it does not sleep");
                let _ = array.load_timeout(Duration::from_millis(500));
            }
        });
        reader.finish();
        is_over.store(true, Relaxed);
    });
}

/// Returns how often this thread has slept so far.
fn sleeps() -> i64 {
    // SAFETY: numbers only, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to `usage`, which lives during the call.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) }, 0);
    usage.ru_nvcsw
}

/// Lets the kernel refuse a system call of this process, by `EPERM`.
fn refuse(number: libc::c_long) {
    let code = |bits: u32| u16::try_from(bits).expect("a small number");
    let step = |bits, jt, jf, k| libc::sock_filter { code: code(bits), jt, jf, k };
    let number = u32::try_from(number).expect("a small number");
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
    let mut steps = [
        // The number of the system call is the first field of `seccomp_data`.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refusal),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: u16::try_from(steps.len()).expect("a few"), filter: steps.as_mut_ptr() };
    // SAFETY: the call takes numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the kernel reads `program` and the steps that it points to, which live during the call.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// A process that has given up its rights can go on with its values, but not open their files again.
#[test]
fn a_process_that_has_changed_its_user_goes_on() {
    let name = SegmentName::new("setuid");
    let (value, named) = (Synchronized::new(1_u64).unwrap(), Synchronized::create(&name, 1_u64).unwrap());
    let reader = value.read_only().unwrap();
    fork(|| {
        if !change_user() {
            println!("skipped: only root can change its user");
            return;
        }
        value.set(2).unwrap();
        named.update(|value| *value += 1).unwrap();
        assert_eq!((value.get(), reader.get(), named.get()), (2, 2, 2));
        let refused = value.read_only().unwrap_err().to_string();
        assert!(refused.contains("has this process changed its user"), "{refused}");
        assert!(matches!(Synchronized::<u64>::open_read_only(&name), Err(Error::Io { .. })));
        let own = Synchronized::new(5_u64).unwrap();
        assert_eq!(own.read_only().unwrap().get(), 5, "a value of the new user is its own");
    })
    .finish();
}

/// If all new mappings are locked, an arena needs its whole capacity at once.
#[test]
fn a_mapping_that_may_not_be_locked_is_named() {
    fork(|| {
        let few = Some(1 << 20);
        setrlimit(Resource::Memlock, Rlimit { current: few, maximum: few }).expect("a limit may be lowered");
        change_user();
        // SAFETY: the call takes a number only.
        assert_eq!(unsafe { libc::mlockall(libc::MCL_FUTURE) }, 0);
        let refused = Arena::new(1 << 30).unwrap_err().to_string();
        assert!(refused.contains("`mlockall` locks"), "{refused}");
        let value = Synchronized::new(1_u64).unwrap();
        value.set(2).unwrap();
        assert_eq!(value.get(), 2);
    })
    .finish();
}
