//! Two network namespaces with a cable between them: two hosts on one machine.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// Two hosts. Dropping this removes them.
pub(crate) struct Hosts {
    origin: String,
    follower: String,
}

/// How the names of all namespaces begin; the number of the process follows.
const PREFIX: &str = "svmirror";

/// The address of the host of the origin.
pub(crate) const ORIGIN: &str = "10.213.7.1";
const FOLLOWER: &str = "10.213.7.2";

impl Hosts {
    /// Makes two hosts.
    ///
    /// # Panics
    /// If this process may not, or `iproute2` is not installed.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        remove_left();
        let id = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let hosts = Self { origin: format!("{PREFIX}-{id}-a"), follower: format!("{PREFIX}-{id}-b") };
        let Self { origin, follower } = &hosts;
        for host in [origin, follower] {
            run(&format!("ip netns add {host}"));
            run(&format!("ip -n {host} link set lo up"));
        }
        run(&format!("ip -n {origin} link add cable type veth peer name cable netns {follower}"));
        for (host, address) in [(origin, ORIGIN), (follower, FOLLOWER)] {
            run(&format!("ip -n {host} address add {address}/24 dev cable"));
            run(&format!("ip -n {host} link set cable up"));
        }
        hosts
    }

    /// Returns a command that runs a program on the host of the origin.
    pub(crate) fn on_origin(&self, program: &str) -> Command {
        on(&self.origin, program)
    }

    /// Returns a command that runs a program on the host of the follower.
    pub(crate) fn on_follower(&self, program: &str) -> Command {
        on(&self.follower, program)
    }

    /// Loses this share of the packets that reach either host, in percent; 100 is a partition.
    #[allow(dead_code, reason = "each program that uses these hosts needs some of the faults")]
    pub(crate) fn lose(&self, percent: u32) {
        for host in [&self.origin, &self.follower] {
            run(&format!("ip netns exec {host} nft add table inet lossy"));
            run(&format!(
                "ip netns exec {host} nft add chain inet lossy input {{ type filter hook input priority 0 ; }}"
            ));
            let which = if percent < 100 { format!("numgen random mod 100 < {percent}") } else { String::new() };
            run(&format!("ip netns exec {host} nft add rule inet lossy input iifname cable {which} drop"));
        }
    }

    /// Loses nothing any more.
    #[allow(dead_code, reason = "each program that uses these hosts needs some of the faults")]
    pub(crate) fn heal(&self) {
        for host in [&self.origin, &self.follower] {
            run(&format!("ip netns exec {host} nft delete table inet lossy"));
        }
    }

    /// Lets the host of the origin send this many kilobits a second.
    #[allow(dead_code, reason = "each program that uses these hosts needs some of the faults")]
    pub(crate) fn slow_down(&self, kilobits: u32) {
        let host = &self.origin;
        run(&format!("tc -n {host} qdisc add dev cable root tbf rate {kilobits}kbit burst 32kbit latency 100ms"));
    }

    /// Pulls the cable, or puts it back.
    #[allow(dead_code, reason = "each program that uses these hosts needs some of the faults")]
    pub(crate) fn plug(&self, is_plugged: bool) {
        run(&format!("ip -n {} link set cable {}", self.origin, if is_plugged { "up" } else { "down" }));
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in [&self.origin, &self.follower] {
            remove(host);
        }
    }
}

fn on(host: &str, program: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", host, program]).stdin(Stdio::null());
    command
}

/// Removes the namespaces of processes that were killed.
fn remove_left() {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if process.is_some_and(|process| !fs::exists(format!("/proc/{process}")).unwrap_or(true)) {
            remove(&name);
        }
    }
}

fn remove(host: &str) {
    // It may be gone, and a drop cannot tell.
    let _ = output(&format!("ip netns delete {host}"));
}

fn run(line: &str) {
    let done = output(line).unwrap_or_else(|error| panic!("`{line}`: {error}: install iproute2 and nftables"));
    assert!(done.status.success(), "`{line}`: {}: run as root", String::from_utf8_lossy(&done.stderr));
}

fn output(line: &str) -> io::Result<std::process::Output> {
    let mut words = line.split_whitespace();
    Command::new(words.next().unwrap_or_default()).args(words).stdin(Stdio::null()).output()
}
