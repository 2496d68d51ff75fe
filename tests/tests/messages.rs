//! Handles and locks in messages to other programs, serialized by serde.

use std::io::Write;
use std::process::{Command, Stdio};

use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use shared_value::{RLock, Synchronized};
use shared_value_tests::job::Job;
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{SegmentName, in_time};

/// The values of a job, and the job.
struct Sender {
    guarded: Synchronized<u64>,
    job: Job,
}

impl Sender {
    fn new(account: SynchronizedAccount) -> Self {
        let lock = RLock::new().unwrap();
        let guarded = Synchronized::options().lock(&lock).new(0_u64).unwrap();
        let job = Job {
            account,
            amount: Synchronized::new(5_i64).unwrap().read_only().unwrap(),
            raw: Synchronized::options().unlocked().new(0_u32).unwrap(),
            lock,
            guarded: guarded.token().unwrap().to_string(),
        };
        Self { guarded, job }
    }

    #[track_caller]
    fn assert_done(&self, times: u32) {
        let balance = Account::after(1).balance + i64::from(times) * 5;
        assert_eq!(self.job.account.balance(), balance);
        assert_eq!((self.job.raw.get(), self.guarded.get()), (times, times.into()));
    }
}

fn partner() -> Command {
    Command::new(env!("CARGO_BIN_EXE_partner"))
}

/// A handle in a message must lead another program to the value, whether it has a name or not.
#[test]
fn values_travel_in_json() {
    in_time(|| {
        let name = SegmentName::new("json");
        let anonymous = Synchronized::new(Account::after(1)).unwrap();
        let named = Synchronized::create(&name, Account::after(1)).unwrap();
        for account in [anonymous, named] {
            let sender = Sender::new(account);
            let mut child = partner().arg("work-by-json").stdin(Stdio::piped()).spawn().unwrap();
            let message = serde_json::to_vec(&sender.job).unwrap();
            child.stdin.take().unwrap().write_all(&message).unwrap();
            assert!(child.wait().unwrap().success());
            sender.assert_done(1);
        }
    });
}

/// A message may be sent more than once, and each copy must lead to the value.
#[test]
fn values_travel_through_channels() {
    in_time(|| {
        let (server, name) = IpcOneShotServer::<IpcSender<Job>>::new().unwrap();
        let mut child = partner().arg("work-by-channel").arg(name).spawn().unwrap();
        let (_, jobs) = server.accept().unwrap();
        let sender = Sender::new(Synchronized::new(Account::after(1)).unwrap());
        for _ in 0..3 {
            // The sender keeps the values: the receiver finds those without a name by the sender's descriptors.
            jobs.send(sender.job.clone()).unwrap();
        }
        drop(jobs);
        assert!(child.wait().unwrap().success());
        sender.assert_done(3);
    });
}

/// Any program may have written a message: its text must not become a handle of another type.
#[test]
fn a_message_that_leads_to_another_value_is_refused() {
    let value = Synchronized::new(1_u64).unwrap();
    let message = serde_json::to_string(&value).unwrap();
    for (refused, expected) in [
        (serde_json::from_str::<Synchronized<i64>>(&message).map(drop), "holds another layout"),
        (serde_json::from_str::<RLock>(&message).map(drop), "holds another layout"),
        (serde_json::from_str::<Synchronized<u64>>("\"shared-value:nonsense\"").map(drop), "leads to no shared value"),
        (serde_json::from_str::<Synchronized<u64>>("7").map(drop), "expected a string"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    drop(value);
    let error = serde_json::from_str::<Synchronized<u64>>(&message).unwrap_err().to_string();
    assert!(error.contains("leads to no shared value"), "{error}");
}
