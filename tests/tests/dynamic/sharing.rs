//! Dynamic values in other processes, and what guards them.

use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

use serde_json::json;
use shared_value::{DynData, DynValue, Error, Lock, LockError, LockKind, ReadOnly, Source, Synchronized};
use shared_value_tests::values::{Account, SynchronizedAccount};
use shared_value_tests::{DEADLINE, SegmentName, Worker};

use super::printed;

/// Without this, a program that does not know the type would write under the wrong lock, or could not write.
#[test]
fn another_process_reads_and_writes() {
    let worker = |arguments: &[&str]| Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", arguments);
    let name = SegmentName::new("process");
    let account = SynchronizedAccount::create(&*name, Account::after(1)).unwrap();
    let mut reader = worker(&[&name]);
    let whole = |balance, limits: [u32; 4], requests| {
        json!({ "balance": balance, "frozen": false, "limits": limits, "deposits": 1, "requests": requests })
            .to_string()
    };
    // Fields come in the order of memory, which is not the alphabet's.
    let sorted = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap().to_string();
    assert_eq!(sorted(&reader.hear()), whole(10, [1; 4], 0));
    reader.finish();

    let changes = ["--", &name, "balance", "-7", "limits[2]", "9", "requests", "3"];
    let mut writer = worker(&changes);
    assert_eq!(sorted(&writer.hear()), whole(-7, [1, 1, 9, 1], 3));
    writer.finish();
    assert_eq!((account.balance(), account.limits(), account.requests().load()), (-7, [1, 1, 9, 1], 3));
    assert_eq!(account.version(), 1, "all in one commit");

    // Killed before the commit; the atomic field has been changed already.
    let mut writer = worker(&["--wait", "--", &name, "balance", "5", "requests", "4"]);
    assert_eq!(sorted(&writer.hear()), whole(5, [1, 1, 9, 1], 4));
    assert!(matches!(account.try_lock(), Err(Error::Lock(LockError::WouldBlock))), "it is the same lock");
    assert_eq!(account.balance(), -7);
    writer.kill();
    assert!(DynValue::open(&*name).unwrap().lock().unwrap().recovered());
    assert_eq!((account.balance(), account.requests().load(), account.version()), (-7, 4, 1));
}

/// Without this, other processes could not inspect a value without a name.
#[test]
fn values_without_a_name_are_handed_over() {
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let token = account.token().unwrap().to_string();
    let mut writer = Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", ["--token", &token, "limits[0]", "2"]);
    assert!(writer.hear().contains(r#""limits":[2,1,1,1]"#));
    writer.finish();
    let mut reader = Worker::start(env!("CARGO_BIN_EXE_worker"), "dynamic", ["--token", &token]);
    assert!(reader.hear().contains(r#""limits":[2,1,1,1]"#));
    reader.finish();

    let mut command = Command::new(env!("CARGO_BIN_EXE_partner"));
    account.pass_to(command.args(["change", "ACCOUNT", "limits[3]", "4"]), "ACCOUNT").unwrap();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), printed(&account).replace(", 4]", ", 1]"));
    assert_eq!((account.limits(), account.version()), ([2, 1, 1, 4], 2));
    let unlocked = Synchronized::options().unlocked().new([1_u8, 2]).unwrap();
    let token = unlocked.token().unwrap();
    DynValue::options().unlocked().open(&token).unwrap().set("[1]", 3_u8).unwrap();
    assert_eq!(DynValue::open_read_only(&token).unwrap().to_string(), "[1, 3]");
    assert!(matches!(DynValue::open(Source::token("nonsense")), Err(Error::StaleToken { .. })));
    assert!(matches!(DynValue::open(Source::inherited("NO_SUCH_VALUE")), Err(Error::NotPassed { .. })));
}

/// Without this, a read-only handle would fault on a write, and a value without a lock could not be read.
#[test]
fn what_guards_a_value_decides_how_it_is_opened() {
    let name = SegmentName::new("guarded");
    let plain = Synchronized::create(&*name, [1_u16, 2, 3]).unwrap();
    let reader = DynValue::open_read_only(&*name).unwrap();
    let writer = DynValue::open(&*name).unwrap();
    writer.set("[1]", 9_u8).unwrap();
    assert_eq!((plain.get(), reader.to_string()), ([1, 9, 3], "[1, 9, 3]".to_owned()));
    assert_eq!(writer.read_only().unwrap().to_string(), "[1, 9, 3]");

    let name = SegmentName::new("unlocked");
    let unlocked = Synchronized::options().unlocked().create(&*name, [1_u16, 2, 3]).unwrap();
    let error = DynValue::open(&*name).unwrap_err().to_string();
    assert!(error.contains("unlocked"), "{error}");
    let writer = DynValue::options().unlocked().open(&*name).unwrap();
    writer.set("[1]", 9_u8).unwrap();
    writer.update("[2]", |element| *element = (element.as_u64().unwrap() + 1).into()).unwrap();
    assert!(writer.update("[2]", |element| *element = true.into()).is_err());
    let reader = DynValue::open_read_only(&*name).unwrap();
    assert_eq!((unlocked.get(), reader.to_string(), reader.version()), ([1, 9, 4], "[1, 9, 4]".to_owned(), 0));

    let name = SegmentName::new("object");
    let lock = Lock::new().unwrap();
    let guarded = Synchronized::options().lock(&lock).create(&*name, 1_u64).unwrap();
    let error = DynValue::open(&*name).unwrap_err().to_string();
    assert!(error.contains("open that one first"), "{error}");
    let writer = DynValue::options().lock(&lock).open(&*name).unwrap();
    writer.set("", 2_u64).unwrap();
    assert_eq!((guarded.get(), DynValue::open_read_only(&*name).unwrap().to_string()), (2, "2".to_owned()));

    let name = SegmentName::new("pthread");
    let guarded = Synchronized::options().lock_kind(LockKind::Pthread).create(&*name, 1_u64).unwrap();
    let error = DynValue::open(&*name).unwrap_err().to_string();
    assert!(error.contains("Options::lock_kind"), "{error}");
    let writer = DynValue::options().lock_kind(LockKind::Pthread).open(&*name).unwrap();
    writer.set("", 2_u64).unwrap();
    assert_eq!((guarded.get(), DynValue::open_read_only(&*name).unwrap().to_string()), (2, "2".to_owned()));
}

/// Without this, a program that does not know the type could neither wait for a change nor hand the value on.
#[test]
fn dynamic_values_are_waited_for_and_handed_over() {
    let account = SynchronizedAccount::new(Account::after(1)).unwrap();
    let value = DynValue::open(account.token().unwrap()).unwrap();
    let mut changes = value.changes();
    thread::scope(|scope| {
        scope.spawn(|| account.set_balance(11).unwrap());
        let balance = |data: &DynData| data.part("balance").and_then(DynData::as_i64);
        let seen = value.wait_for(|data| balance(data) == Some(11), DEADLINE).unwrap();
        assert_eq!(balance(&seen), Some(11));
    });
    assert_eq!(changes.next_timeout(DEADLINE).unwrap().to_string(), printed(&account));

    let (here, there) = UnixStream::pair().unwrap();
    value.send_to(&here).unwrap();
    let received = SynchronizedAccount::open(&there).unwrap();
    received.set_balance(12).unwrap();
    account.send_to(&here).unwrap();
    assert_eq!(DynValue::open(&there).unwrap().get("balance").unwrap(), DynData::Signed(12));

    // Handles serialize as tokens, as those of programs that know the type.
    let reader = value.read_only().unwrap();
    let text = serde_json::to_string(&reader).unwrap();
    let again: DynValue<ReadOnly> = serde_json::from_str(&text).unwrap();
    assert_eq!(again.get("balance").unwrap(), DynData::Signed(12));
    assert_eq!(value.clone().to_string(), printed(&account));
}
