//! Two hosts, a writer on one and a reader on the other, and a cable between them that is pulled and put back. Run it as root:
//!
//! ```text
//! cargo build -p shared-value-mirror --bins && cargo run -p shared-value-mirror --example cable
//! ```

#[path = "../tests/network/hosts.rs"]
mod hosts;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::{Hosts, ORIGIN};
use shared_value::{SharedValue, Synchronized, Timestamp};
use shared_value_mirror::SynchronizedMirrorStatus;
use shared_value_tests::{Process, SegmentName};

/// The value of the writer. The reader has this struct of its own, and no other knowledge.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pose {
    written: Timestamp,
    steps: u64,
    x: f64,
    y: f64,
}

const NAME: &str = "cable-demonstration";
const REPLICA: &str = "operator-cable-demonstration";

fn main() -> Result<()> {
    let mirror = mirror()?;
    let hosts = Hosts::new();
    let _names = [NAME, REPLICA, "operator-cable-demonstration.mirror"].map(|name| SegmentName::of(name.to_owned()));
    let pose = Synchronized::create(NAME, Pose { written: Timestamp::now(), steps: 0, x: 0.0, y: 0.0 })?;
    let endpoint = format!("tcp/{ORIGIN}:7447");
    let _publisher = Process::start(hosts.on_origin(&mirror).args(["publish", "--listen", &endpoint, NAME]));
    let follow = ["follow", "--connect", &endpoint, "--prefix", "operator-", NAME];
    let _follower = Process::start(hosts.on_follower(&mirror).args(follow));
    let wait = Duration::from_secs(20);
    let shown = Synchronized::<Pose>::options().read_only().wait(wait).open(REPLICA)?;
    let status = SynchronizedMirrorStatus::open_read_only(&*format!("{REPLICA}.mirror"))?;

    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let stepped = pose.update(|pose| {
                    let angle = f64::from(u32::try_from(pose.steps % 6283).unwrap_or_default()) / 1000.0;
                    *pose = Pose { written: Timestamp::now(), steps: pose.steps + 1, x: angle.cos(), y: angle.sin() };
                });
                stepped.expect("nobody else writes");
                thread::sleep(Duration::from_millis(1));
            }
        });
        println!("  s  cable    origin  replica  behind      age  origin is");
        for second in 0..18 {
            match second {
                5 => hosts.plug(false),
                11 => hosts.plug(true),
                _ => {}
            }
            thread::sleep(Duration::from_secs(1));
            let (now, then, status) = (pose.get(), shown.get(), status.get());
            println!(
                "{second:>3}  {:<6} {:>8} {:>8} {:>7} {:>6} ms  {}",
                if (5..11).contains(&second) { "pulled" } else { "in" },
                now.steps,
                then.steps,
                now.steps.saturating_sub(then.steps),
                then.written.elapsed().as_nanos() / 1_000_000,
                if status.is_fresh() { "reachable" } else { "not reachable" },
            );
        }
        stop.store(true, Ordering::Relaxed);
    });
    thread::sleep(Duration::from_secs(1));
    ensure!(pose.get().steps == shown.get().steps, "the replica does not show the last state");
    println!("the replica shows the last state: {} steps", shown.get().steps);
    Ok(())
}

/// Returns the path of the command, which lies beside the examples.
fn mirror() -> Result<String> {
    let path: PathBuf = std::env::current_exe()?;
    let folder = path.parent().and_then(|examples| examples.parent()).context("an example lies in a folder")?;
    let command = folder.join("mirror");
    ensure!(command.exists(), "build the command first: cargo build -p shared-value-mirror --bins");
    Ok(command.to_string_lossy().into_owned())
}
