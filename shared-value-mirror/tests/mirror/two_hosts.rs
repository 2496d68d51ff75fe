//! The example configuration for two hosts: TLS and access control.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use shared_value::{Synchronized, inspect};
use shared_value_mirror::Settings;
use shared_value_tests::{DEADLINE, Process, SegmentName, eventually};
use tempfile::TempDir;
use zenoh::Wait;

use crate::certificates::Authority;
use crate::proxy::Proxy;
use crate::support::{Names, Words, endpoint, mirror, reader, replica, status, status_name};

const EXAMPLE: &str = include_str!("../../config/two-hosts.json5");

/// A host: the directory that is `/etc/mirror` there.
struct Host {
    directory: TempDir,
}

impl Host {
    /// Makes a host of this common name, with a certificate of one authority and trust in another.
    fn new(name: &str, signer: &Authority, trusted: &Authority) -> Self {
        let directory = TempDir::new().expect("there is room");
        signer.equip(name, trusted, directory.path());
        Self { directory }
    }

    /// Returns the example for a host that listens there, as the example tells its reader to change it.
    fn listening(&self, endpoint: &str) -> PathBuf {
        self.configuration(endpoint, None)
    }

    /// Returns the example for a host that connects there.
    fn connecting(&self, endpoint: &str) -> PathBuf {
        self.configuration("", Some(endpoint))
    }

    fn configuration(&self, listen: &str, connect: Option<&str>) -> PathBuf {
        let quoted = |endpoint: &str| if endpoint.is_empty() { String::new() } else { format!("\"{endpoint}\"") };
        let directory = self.directory.path().to_str().expect("it is a text");
        let mut text = EXAMPLE.to_owned();
        for (example, own) in [
            ("/etc/mirror", directory.to_owned()),
            ("\"tls/0.0.0.0:7447\"", quoted(listen)),
            ("\"tls/writer.example:7447\"", quoted(connect.unwrap_or_default())),
        ] {
            assert!(text.contains(example), "the example has `{example}`");
            text = text.replace(example, &own);
        }
        let path = self.directory.path().join("two-hosts.json5");
        fs::write(&path, text).expect("the directory is there");
        path
    }
}

fn publish(host: &Host, endpoint: &str, name: &str) -> Process {
    let file = host.listening(endpoint);
    mirror(&["publish", name, "--config", file.to_str().expect("it is a text")])
}

fn follow(host: &Host, proxy: &Proxy, prefix: &str, name: &str) -> Process {
    let file = host.connecting(&proxy.endpoint("tls"));
    mirror(&["follow", name, "--prefix", prefix, "--config", file.to_str().expect("it is a text")])
}

/// Returns a free endpoint of the loopback interface, over TLS.
fn tls_endpoint() -> String {
    endpoint().replace("tcp/", "tls/")
}

/// Without TLS, each program between both hosts could read the value.
#[test]
fn two_hosts_share_a_value_over_tls() {
    let names = Names::new("tls");
    let secret = 0x5ec2_e700_5ec2_e701_u64;
    let value = Synchronized::create(&*names.origin, Words::of(secret)).expect("the name is free");
    let authority = Authority::new("authority");
    let [writer, other] = ["writer.example", "other.example"].map(|name| Host::new(name, &authority, &authority));
    let endpoint = tls_endpoint();
    let _publisher = publish(&writer, &endpoint, &names.origin);
    let proxy = Proxy::start(&endpoint, Duration::ZERO);
    let _follower = follow(&other, &proxy, "r1-", &names.origin);
    let copy = reader::<Words>(&names.replica);
    assert_eq!(copy.get().number(), Some(secret));
    value.set(Words::of(secret + 1)).expect("the lock is free");
    copy.wait_for(|words| words.number() == Some(secret + 1), DEADLINE).expect("it comes");
    let bytes = proxy.bytes();
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(bytes.len() > 2 * size_of::<Words>(), "the value came another way: {} bytes", bytes.len());
    assert!(!has(&secret.to_le_bytes()) && !has(names.origin.as_bytes()), "the value can be read on its way");
}

/// One host shows a certificate of an authority that the writer does not trust, and another host does not trust the writer's.
#[test]
fn hosts_of_another_authority_get_nothing() {
    let names = Names::new("foreign");
    let others = ["r2-", "r3-"];
    let replicas = others.map(|prefix| replica(prefix, &names.origin));
    let _statuses = others.map(|prefix| status_name(prefix, &names.origin));
    let value = Synchronized::create(&*names.origin, 1_u64).expect("the name is free");
    let (own, foreign) = (Authority::new("own"), Authority::new("foreign"));
    let writer = Host::new("writer.example", &own, &own);
    let strangers = [Host::new("other.example", &foreign, &own), Host::new("other.example", &own, &foreign)];
    let endpoint = tls_endpoint();
    let proxies = [(); 2].map(|()| Proxy::start(&endpoint, Duration::ZERO));
    let _publisher = publish(&writer, &endpoint, &names.origin);
    let mut followers = Vec::new();
    for ((host, proxy), prefix) in strangers.iter().zip(&proxies).zip(others) {
        followers.push(follow(host, proxy, prefix, &names.origin));
    }

    // A host of the same authority gets it meanwhile.
    let friend = Host::new("other.example", &own, &own);
    let _follower = follow(&friend, &Proxy::start(&endpoint, Duration::ZERO), "r1-", &names.origin);
    let copy = reader::<u64>(&names.replica);
    value.set(2).expect("the lock is free");
    copy.wait_for(|value| *value == 2, DEADLINE).expect("it comes");

    let tried: Vec<_> = proxies.iter().map(Proxy::connections).collect();
    eventually("both hosts have tried again", || {
        for name in &replicas {
            assert!(inspect(&**name).is_err(), "`{}` was made", &**name);
        }
        proxies.iter().zip(&tried).all(|(proxy, tried)| proxy.connections() >= tried + 3)
    });
    for (name, follower) in replicas.iter().zip(&mut followers) {
        assert!(follower.try_wait().expect("it is a child").is_none(), "the follower of `{}` has ended", &**name);
        assert!(!status(name).expect("the follower has made it").is_reachable);
    }
}

/// Follows a name of a host with this common name, which has a certificate, and would answer. Returns how many requests it has
/// got within a second, or until the first.
fn asks_to(host: &str) -> u32 {
    let (name, authority) = (SegmentName::new("impostor"), Authority::new("authority"));
    let (_replica, _status) = (replica("r1-", &name), status_name("r1-", &name));
    let (answering, asking) = (Host::new(host, &authority, &authority), Host::new("b", &authority, &authority));
    let endpoint = tls_endpoint();
    let settings = Settings { file: Some(answering.listening(&endpoint)), ..Settings::default() };
    let session = zenoh::open(settings.config().expect("it is a configuration")).wait().expect("the port is free");
    let requests = Arc::new(AtomicU32::new(0));
    let counter = requests.clone();
    let queryable = session.declare_queryable(format!("shared-value/mirror/1/{}", &*name));
    let queryable = queryable.complete(true).callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let _queryable = queryable.wait().expect("the session is open");
    let _follower = follow(&asking, &Proxy::start(&endpoint, Duration::ZERO), "r1-", &name);
    eventually("they are connected", || session.info().peers_zid().wait().next().is_some());
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(100));
        if requests.load(Ordering::Relaxed) > 0 {
            break;
        }
    }
    requests.load(Ordering::Relaxed)
}

/// Each host with a certificate could say what the replicas show.
#[test]
fn only_the_writer_is_asked() {
    assert!(asks_to("writer.example") > 0, "the writer was not asked");
    assert_eq!(asks_to("impostor.example"), 0);
}
