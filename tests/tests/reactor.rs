//! Tasks that wait for changes: one thread waits for all of them, on any runtime, and nothing remains of those that are dropped.

use std::fs;
use std::future::poll_fn;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use shared_value::{Arena, Changes, Error, Synchronized};
use shared_value_tests::{
    DEADLINE, SegmentName, When, block_on, eventually, fork, in_time, processor_time_of_all, refuse,
};

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Returns how many threads of the library wait for changes in this process.
fn reactors() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    threads.flatten().map(name).filter(|name| name.trim() == "shared-value").count()
}

/// A waker whose panic has a payload that panics too.
struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic_any(Payload);
    }
}

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("the payload of this panic panics");
    }
}

/// Waits for the changes in one task each, on a tokio runtime of one thread. Another thread then changes the values with these
/// numbers, one after the other. Returns how long after each change its task runs.
fn delays(values: &[Synchronized<u64>], waiters: usize, changed: &[usize]) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = fs::read_dir("/proc/self/task").unwrap().count();
    runtime.block_on(async {
        let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let waiting: Vec<_> = (0..waiters)
            .map(|number| {
                let (mut own, sender) = (values[number % values.len()].changes(), sender.clone());
                tokio::spawn(async move {
                    while own.changed().await.is_ok() {
                        let _ = sender.send((number, Instant::now()));
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(reactors(), 1);
        assert!(fs::read_dir("/proc/self/task").unwrap().count() <= before + 1, "one thread for all");
        let mut delays = Vec::new();
        for number in changed {
            let start = Instant::now();
            values[*number].update(|value| *value += 1).unwrap();
            // All tasks of this value.
            for _ in (*number..waiters).step_by(values.len()) {
                let (_, at) = tokio::time::timeout(DEADLINE, seen.recv()).await.expect("no change is lost").unwrap();
                delays.push(at - start);
            }
        }
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        delays
    })
}

/// Prints the median and the longest.
fn report(what: &str, mut delays: Vec<Duration>) {
    delays.sort();
    println!("{what}: median {:?}, longest {:?}", delays[delays.len() / 2], delays[delays.len() - 1]);
}

/// If each wait took a thread, ten thousand of them would take the machine's.
#[test]
fn one_thread_waits_for_ten_thousand_tasks() {
    const TASKS: usize = 10_000;
    let child = fork(|| {
        let value = [Synchronized::new(0_u64).unwrap()];
        report("10,000 tasks, one value", delays(&value, TASKS, &[0; 5]));

        let arena = Arena::new(1 << 24).unwrap();
        let values: Vec<_> = (0..TASKS).map(|number| arena.insert(&format!("key.{number}"), 0_u64).unwrap()).collect();
        let some: Vec<_> = (0..200).map(|number| number * 7919 % TASKS).collect();
        report("10,000 tasks, as many values of an arena", delays(&values, TASKS, &some));

        let values: Vec<_> = (0..100).map(|_| Synchronized::new(0_u64).unwrap()).collect();
        let some: Vec<_> = (0..200).map(|number| number * 7919 % 100).collect();
        report("100 tasks, as many values", delays(&values, 100, &some));

        // More than the kernel takes in one call.
        let values: Vec<_> = (0..300).map(|_| Synchronized::new(0_u64).unwrap()).collect();
        let some: Vec<_> = (0..200).map(|number| number * 7919 % 300).collect();
        report("300 tasks, as many values", delays(&values, 300, &some));
    });
    child.finish();
}

/// The thread is not needed any more when no task waits.
#[test]
fn the_thread_ends_when_no_task_waits() {
    let child = fork(|| {
        let value = Synchronized::new(0_u64).unwrap();
        let mut changes = value.changes();
        {
            let mut waiting = pin!(changes.changed());
            assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
            eventually("the thread starts", || reactors() == 1);
        }
        eventually("the thread ends", || reactors() == 0);
        let waiting = std::thread::spawn(move || block_on(changes.changed()).unwrap());
        eventually("another one starts", || reactors() == 1);
        value.set(1).unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
    child.finish();
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A registration that stayed behind would keep the value mapped, or be woken for nothing; one that was lost with its neighbour
/// would wait forever.
#[test]
fn nothing_remains_of_a_dropped_wait() {
    let child = fork(|| {
        let kept = Synchronized::new(0_u64).unwrap();
        let mut others: Vec<_> = (0..40).map(|_| kept.changes()).collect();
        let counts: Vec<_> = (0..40).map(|_| Arc::new(Count::default())).collect();
        let mut waiting: Vec<_> = others.iter_mut().map(|changes| Box::pin(changes.changed())).collect();
        for (waiting, count) in waiting.iter_mut().zip(&counts) {
            assert!(poll(waiting.as_mut(), &Waker::from(Arc::clone(count))).is_pending());
        }
        for round in 0..200 {
            let name = SegmentName::new("dropped");
            let value = Synchronized::create(&name, 0_u64).unwrap();
            let count = Arc::new(Count::default());
            {
                let mut changes = value.changes();
                let mut dropped = pin!(changes.changed());
                assert!(poll(dropped.as_mut(), &Waker::from(Arc::clone(&count))).is_pending());
                if round % 2 == 0 {
                    // The reactor sleeps on the word by now.
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            assert_eq!(Arc::strong_count(&count), 1, "the waker is dropped");
            drop(value);
            let maps = fs::read_to_string("/proc/self/maps").unwrap();
            assert!(!maps.contains(&*name.path().to_string_lossy()), "the value is unmapped at once");
            assert_eq!(count.0.load(Relaxed), 0);
        }
        // Every third one goes: the others move.
        let mut number = 0;
        waiting.retain(|_| {
            number += 1;
            number % 3 != 0
        });
        kept.set(1).unwrap();
        eventually("the others are woken", || {
            counts.iter().enumerate().all(|(number, count)| count.0.load(Relaxed) == usize::from(number % 3 != 2))
        });
        for waiting in &mut waiting {
            assert!(matches!(poll(waiting.as_mut(), Waker::noop()), Poll::Ready(Ok(1))));
        }
    });
    child.finish();
}

/// A task may move to another thread, or be polled for another reason, and then has another waker.
#[test]
fn the_last_waker_is_woken_and_a_panicking_one_harms_no_other() {
    let value = Synchronized::new(0_u64).unwrap();
    let (mut first, mut second) = (value.changes(), value.changes());
    let (old, new) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let (mut first, mut second) = (pin!(first.changed()), pin!(second.changed()));
    assert!(poll(first.as_mut(), &Waker::from(Arc::clone(&old))).is_pending());
    assert!(poll(second.as_mut(), &Waker::from(Arc::new(Panicking))).is_pending());
    assert!(poll(first.as_mut(), &Waker::from(Arc::clone(&new))).is_pending());
    assert_eq!(Arc::strong_count(&old), 1);
    value.set(1).unwrap();
    eventually("the new waker is woken", || new.0.load(Relaxed) == 1);
    assert_eq!(old.0.load(Relaxed), 0);
    let mut third = value.changes();
    let waiting = std::thread::spawn(move || block_on(third.changed()).unwrap());
    eventually("the wait ends", || {
        value.update(|value| *value += 1).unwrap();
        waiting.is_finished()
    });
    waiting.join().unwrap();
}

/// The thread of the parent does not exist in a child. The child must not call the wakers of the parent's tasks either: they may
/// need locks that no thread of the child will ever release.
#[test]
fn a_forked_child_waits_with_a_thread_of_its_own() {
    let value = Synchronized::new(0_u64).unwrap();
    let answer = Synchronized::new(0_u64).unwrap();
    let mut changes = value.changes();
    let count = Arc::new(Count::default());
    let mut waiting = pin!(changes.changed());
    assert!(poll(waiting.as_mut(), &Waker::from(Arc::clone(&count))).is_pending());
    eventually("the thread starts", || reactors() == 1);
    let child = fork(|| {
        assert_eq!(reactors(), 0);
        let mut own = value.changes();
        {
            let mut own = pin!(own.changed());
            assert!(poll(own.as_mut(), Waker::noop()).is_pending());
            eventually("a thread of its own starts", || reactors() == 1);
            answer.set(1).unwrap();
            assert_eq!(block_on(own.as_mut()).unwrap(), 1);
        }
        assert_eq!(count.0.load(Relaxed), 0, "the parent's waker");
        // The child may go on with what its parent has begun.
        assert!(matches!(poll(waiting.as_mut(), Waker::noop()), Poll::Ready(Ok(1))));
        answer.set(2).unwrap();
        assert_eq!(block_on(own.changed()).unwrap(), 2);
    });
    answer.wait_for(|answer| *answer == 1, DEADLINE).unwrap();
    value.set(1).unwrap();
    answer.wait_for(|answer| *answer == 2, DEADLINE).unwrap();
    value.set(2).unwrap();
    child.finish();
    eventually("the parent's task is woken too", || count.0.load(Relaxed) == 1);
    assert!(matches!(poll(waiting.as_mut(), Waker::noop()), Poll::Ready(Ok(2))));
}

/// If wake-ups were lost, each round would take up to 50 milliseconds.
#[test]
fn tasks_of_two_processes_wake_each_other() {
    in_time(|| {
        const ROUNDS: u32 = 300;
        let ball = Synchronized::new(0_u64).unwrap();
        let play = |ball: &Synchronized<u64>, turn: u64| {
            let mut changes: Changes<u64> = ball.changes();
            let mut now = ball.get();
            block_on(async {
                for _ in 0..ROUNDS {
                    while now % 2 != turn {
                        now = changes.changed().await?;
                    }
                    // These releases of the lock take the announcement back, although there is no new version.
                    for _ in 0..2 {
                        drop(ball.lock()?);
                        std::thread::yield_now();
                    }
                    now += 1;
                    ball.set(now)?;
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        };
        let child = fork(|| play(&ball, 1));
        let start = Instant::now();
        play(&ball, 0);
        child.finish();
        let elapsed = start.elapsed();
        assert!(elapsed < Duration::from_millis(25) * ROUNDS, "{elapsed:?}");
        println!("{ROUNDS} rounds between two processes: {:?} each", elapsed / ROUNDS);
    });
}

/// On kernels before 5.16, and where the call is forbidden, the reactor looks every two milliseconds.
#[test]
fn it_works_without_the_call_that_waits_for_several_words() {
    let value = Synchronized::new(0_u64).unwrap();
    let child = fork(|| {
        refuse(libc::SYS_futex_waitv, When::Above(1, 0), libc::ENOSYS);
        let mut changes = value.changes();
        let start = Instant::now();
        for number in 0..20 {
            let waiting = pin!(changes.changed());
            let (mut waiting, value) = (waiting, &value);
            let mut is_first = true;
            let seen = block_on(poll_fn(|context| {
                let polled = waiting.as_mut().poll(context);
                if std::mem::take(&mut is_first) {
                    value.set(number + 1).unwrap();
                }
                polled
            }));
            assert_eq!(seen.unwrap(), number + 1);
        }
        println!("20 changes without `futex_waitv`: {:?}", start.elapsed());
        let before = processor_time_of_all();
        let mut idle = pin!(changes.changed());
        assert!(poll(idle.as_mut(), Waker::noop()).is_pending());
        std::thread::sleep(Duration::from_millis(500));
        let used = processor_time_of_all().saturating_sub(before);
        assert!(used < Duration::from_millis(250), "it does not spin: {used:?}");
    });
    child.finish();
}
