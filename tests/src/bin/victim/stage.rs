//! `Stage`: the values and processes of an operation.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use shared_value::{Guard, Synchronized};
use shared_value_tests::stepper::{Death, Found, Harm, Scenario, Subject, robust_list};
use shared_value_tests::{AT_ONCE, Protocol, RobustMutexes, fork};

use crate::helper::Helper;
use crate::triple::{Number, SynchronizedTriple, Triple};

/// The processes besides the victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// None.
    Alone,
    /// An owner that was killed before, while it wrote.
    DeadOwner,
    /// The survivor, which holds the lock until the victim sleeps or is dead.
    Owner,
    /// As `Owner`, and a third process that waits for the lock when the survivor releases it.
    OwnerAndWaiter,
    /// A third process, which waits for the lock that the victim holds.
    Waiter,
    /// A third process, which waits for another value.
    Watcher,
    /// As `Watcher`, but a task waits.
    WatchingTask,
    /// The survivor, which commits another value when the victim sleeps.
    Changer,
    /// A third process, which holds the lock and is killed when the victim sleeps.
    DyingOwner,
    /// As `DyingOwner`, and another process that waits for the lock when the owner is killed.
    DyingOwnerAndWaiter,
    /// The survivor, which takes all free locks while the victim is stopped, and releases them when the victim is dead.
    Meddler,
}

impl Company {
    /// Returns whether a third process waits for another value.
    fn watches(self) -> bool {
        matches!(self, Self::Watcher | Self::WatchingTask)
    }
}

/// The victim's part of an operation.
pub(crate) type Victim<N, const BETWEEN: usize> = fn(&Stage<N, BETWEEN>);

/// The values and processes of an operation.
pub(crate) struct Stage<N: Number, const BETWEEN: usize> {
    subjects: Vec<Subject<Triple<N, BETWEEN>>>,
    handles: Vec<SynchronizedTriple<N, BETWEEN>>,
    /// The states of each value, from the one before the operation on.
    states: Vec<Vec<Triple<N, BETWEEN>>>,
    /// A value for the first lock of a thread.
    scratch: Synchronized<u64>,
    mutexes: RobustMutexes,
    company: Company,
    victim: Victim<N, BETWEEN>,
    guards: Vec<Guard<'static, Triple<N, BETWEEN>>>,
    owner: Option<Helper>,
    waiter: Option<Helper>,
    waiting: bool,
}

impl<N: Number, const BETWEEN: usize> Stage<N, BETWEEN> {
    /// Makes the stage of an operation that takes values through these states.
    pub(crate) fn new(company: Company, states: Vec<Vec<Triple<N, BETWEEN>>>, victim: Victim<N, BETWEEN>) -> Self {
        let subjects: Vec<_> = states.iter().map(|states| subject(states[0], company)).collect();
        Self {
            handles: subjects.iter().map(|subject| subject.value().clone()).collect(),
            subjects,
            states,
            scratch: Synchronized::new(0).expect("memory for a number"),
            mutexes: RobustMutexes::new(&[Protocol::Plain, Protocol::InheritPriority]),
            company,
            victim,
            guards: Vec::new(),
            owner: None,
            waiter: None,
            waiting: false,
        }
    }

    /// Returns the first value.
    pub(crate) fn value(&self) -> &SynchronizedTriple<N, BETWEEN> {
        &self.handles[0]
    }

    /// Returns the second value.
    pub(crate) fn other(&self) -> &SynchronizedTriple<N, BETWEEN> {
        &self.handles[1]
    }

    /// Returns two robust mutexes of the C library; the second one inherits priority.
    pub(crate) fn mutexes(&self) -> &RobustMutexes {
        &self.mutexes
    }

    /// Takes and releases a lock: the first lock of a thread does more than the later ones.
    pub(crate) fn get_ready(&self) {
        self.scratch.set(1).expect("only this thread uses it");
        self.use_mutexes();
    }

    fn use_mutexes(&self) {
        for mutex in 0..2 {
            self.mutexes.take(mutex);
            self.mutexes.release(mutex);
        }
    }

    fn start_waiting(&mut self) {
        let value = self.subjects[0].value();
        let waiter = self.waiter.get_or_insert_with(|| Helper::start(value));
        match self.company {
            Company::Watcher => waiter.wait_for_change(),
            Company::WatchingTask => waiter.wait_for_change_in_task(),
            _ => waiter.wait_for_lock(),
        }
        self.waiting = true;
    }

    /// Waits until the waiter, if there is one, has had the lock, and returns the time since the death.
    fn end_waiting(&mut self, death: &Death) -> Result<Duration, Harm> {
        if !self.waiting {
            return Ok(Duration::ZERO);
        }
        self.waiting = false;
        let subject = &mut self.subjects[0];
        let waiter = self.waiter.as_mut().expect("it waits");
        let Some(recovered) = waiter.end_of_wait(AT_ONCE) else {
            self.waiter = None;
            return Err(Harm::Stuck("the waiter did not get the lock, or was not woken for the change".to_owned()));
        };
        let took = death.at.elapsed();
        if self.company.watches() {
            return Ok(took);
        }
        let (expected, recoveries) = (subject.expects_recovery(), subject.recoveries());
        // The waiter has recovered the lock, which the next owner must not do again.
        subject.note(death.victim);
        let is_due = subject.expects_recovery();
        // If the waiter had the lock before the victim, it has left it to the victim, and the next owner must do so.
        let may_be_first = matches!(self.company, Company::OwnerAndWaiter | Company::DyingOwnerAndWaiter);
        let was_first = may_be_first && is_due == expected && subject.recoveries() == recoveries;
        let is_right = (recovered == expected && !is_due) || (was_first && (!recovered || recoveries > 0));
        if !is_right {
            return Err(Harm::Miscounted(format!(
                "the waiter recovered: {recovered}, and the lock was {subject:?}: expected {expected}, now due: {is_due}"
            )));
        }
        Ok(took)
    }
}

/// Makes a value whose other slot contains another value.
fn subject<N: Number, const BETWEEN: usize>(
    first: Triple<N, BETWEEN>,
    company: Company,
) -> Subject<Triple<N, BETWEEN>> {
    let mut subject = Subject::new("victim", Triple::of(7));
    let value = subject.value();
    // The number of the committed slot differs from size to size.
    if size_of::<Triple<N, BETWEEN>>() == 64 {
        value.set(Triple::of(8)).expect("the lock is free");
    }
    value.set(first).expect("the lock is free");
    if company == Company::DeadOwner {
        let handle = value.clone();
        fork(|| {
            let _guard = handle.lock().expect("the lock is free");
            handle.set_left(N::from(9)).expect("the lock is held");
            shared_value_tests::end_now(0);
        })
        .finish();
    }
    subject.keep();
    subject
}

impl<N: Number, const BETWEEN: usize> Scenario for Stage<N, BETWEEN> {
    fn reset(&mut self) {
        for subject in &self.subjects {
            subject.restore();
        }
        if mem::take(&mut self.waiting) {
            // It still waits, because `inspect` has found harm.
            self.waiter = None;
        }
        match self.company {
            Company::Owner | Company::OwnerAndWaiter => {
                self.guards.push(self.subjects[0].value().lock().expect("the lock is free"));
            }
            Company::DyingOwner | Company::DyingOwnerAndWaiter => {
                let mut owner = Helper::start(self.subjects[0].value());
                owner.hold();
                self.owner = Some(owner);
            }
            _ => {}
        }
    }

    fn victim(&self) {
        (self.victim)(self);
    }

    fn started(&mut self) {
        if matches!(self.company, Company::Waiter | Company::Watcher | Company::WatchingTask) {
            self.start_waiting();
        }
    }

    fn asleep(&mut self) {
        if matches!(self.company, Company::OwnerAndWaiter | Company::DyingOwnerAndWaiter) {
            self.start_waiting();
        }
        self.guards.clear();
        self.owner = None;
        if self.company == Company::Changer {
            self.value().set(self.states[0][1]).expect("the lock is free soon");
        }
    }

    fn stopped(&mut self, victim: u32) {
        for subject in &mut self.subjects {
            subject.note(victim);
        }
        if self.company == Company::Meddler {
            for subject in &self.subjects {
                self.guards.extend(subject.value().try_lock());
            }
        }
    }

    fn inspect(&mut self, death: &Death) -> Result<Found, Harm> {
        let died_holding = self.subjects.iter().any(Subject::is_held_by_victim);
        self.guards.clear();
        if self.owner.take().is_some() {
            self.subjects[0].note(death.victim);
        }
        // If the victim has committed nothing, the watcher is woken by the survey.
        let is_woken_later = self.company.watches() && self.value().load().ok() == Some(self.states[0][0]);
        let took = if is_woken_later { Duration::ZERO } else { self.end_waiting(death)? };
        let mut found = Found { took, died_holding, states: Vec::new() };
        for (subject, states) in self.subjects.iter().zip(&self.states) {
            let one = subject.survey(states, |value, copy| {
                value.clone().set_left(N::from(77)).expect("the lock is held");
                copy.left = N::from(77);
            })?;
            found.took = found.took.max(one.took);
            found.states.extend(one.states);
        }
        found.took = found.took.max(self.end_waiting(death)?);
        let used = panic::catch_unwind(AssertUnwindSafe(|| self.use_mutexes()));
        used.map_err(|_| Harm::Stuck("the mutex of the C library".to_owned()))?;
        Ok(found)
    }

    fn last_states(&self) -> Vec<usize> {
        self.states.iter().map(|states| states.len() - 1).collect()
    }

    fn shared(&self) -> Vec<u8> {
        self.subjects.iter().flat_map(Subject::control_line).collect()
    }

    fn watched(&self) -> Vec<Vec<u64>> {
        let [first, announced] = robust_list();
        let [word, version, draft] = self.subjects[0].addresses();
        let (last_word, last_version) = match self.subjects.as_slice() {
            [_, last] => (last.addresses()[0], last.addresses()[1]),
            _ => (word, version),
        };
        vec![vec![first, announced, word, last_word], vec![version, last_version, draft, word]]
    }

    fn starts_asleep(&self) -> bool {
        matches!(self.company, Company::OwnerAndWaiter | Company::DyingOwner | Company::DyingOwnerAndWaiter)
    }
}
