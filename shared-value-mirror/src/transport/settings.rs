//! `Settings`: the endpoints to listen on and to connect to.

use std::path::PathBuf;

use zenoh::Config;

use crate::error::MirrorError;

/// How [`Zenoh`](super::Zenoh) reaches other machines.
///
/// By default it listens on the loopback interface only, and looks for no other hosts: `listen` and `connect` name the endpoints, such as
/// `tcp/192.0.2.1:7447`. A file of zenoh's configuration gives the rest, such as TLS and access control; what it says of listening,
/// connecting and scouting counts, unless these settings say otherwise.
///
/// ```
/// use shared_value_mirror::Settings;
///
/// let settings = Settings { connect: vec!["tcp/127.0.0.1:7447".to_owned()], ..Settings::default() };
/// assert!(settings.config().is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The endpoints to listen on. Without any, and without a file, it listens on a free port of the loopback interface.
    pub listen: Vec<String>,
    /// The endpoints to connect to. It tries again until they answer.
    pub connect: Vec<String>,
    /// A file of zenoh's configuration, in JSON5.
    pub file: Option<PathBuf>,
    /// The size of the largest message that is received, in bytes; `None` for 256 MiB.
    pub limit: Option<usize>,
}

/// Followers learn within two seconds that a link is down, and try again each half second.
const DEFAULTS: [(&str, &str); 8] = [
    ("listen/endpoints", r#"["tcp/127.0.0.1:0"]"#),
    ("scouting/multicast/enabled", "false"),
    ("scouting/gossip/enabled", "false"),
    ("transport/link/tx/lease", "2000"),
    ("transport/unicast/open_timeout", "1000"),
    ("connect/retry", r#"{"period_init_ms": 250, "period_max_ms": 500, "period_increase_factor": 2.0}"#),
    ("connect/timeout_ms", "-1"),
    ("connect/exit_on_failure", "false"),
];

/// The size of the largest message, unless the settings give another.
pub(crate) const LIMIT: usize = 256 << 20;

impl Settings {
    /// Returns zenoh's configuration.
    ///
    /// # Errors
    /// `Transport` if the file cannot be read, or if it or an endpoint is not of zenoh's form.
    pub fn config(&self) -> Result<Config, MirrorError> {
        let mut config = match &self.file {
            Some(path) => Config::from_file(path).map_err(|error| failed(&error))?,
            None => Config::default(),
        };
        let mut set = |key: &str, value: &str| config.insert_json5(key, value).map_err(|error| failed(&error));
        if self.file.is_none() {
            for (key, value) in DEFAULTS {
                set(key, value)?;
            }
        }
        for (key, endpoints) in [("listen/endpoints", &self.listen), ("connect/endpoints", &self.connect)] {
            if !endpoints.is_empty() {
                set(key, &format!("{endpoints:?}"))?;
            }
        }
        // The envelope, keys and schemas need room too.
        let most = self.limit.unwrap_or(LIMIT).saturating_add(1 << 20);
        set("transport/link/rx/max_message_size", &most.to_string())?;
        Ok(config)
    }
}

fn failed(error: &zenoh::Error) -> MirrorError {
    MirrorError::Transport { what: "read its configuration", reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: Option<&str>) -> Config {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/");
        let file = file.map(|file| PathBuf::from(format!("{folder}{file}")));
        Settings { file, ..Settings::default() }.config().expect("it is of zenoh's form")
    }

    fn get(config: &Config, key: &str) -> String {
        config.get_json(key).expect("there is such a setting")
    }

    /// A value would be open to the whole network.
    #[test]
    fn by_default_it_listens_on_the_loopback_interface_and_looks_for_nobody() {
        let config = of(None);
        assert!(get(&config, "listen/endpoints").contains("tcp/127.0.0.1:0"));
        assert_eq!(get(&config, "scouting/multicast/enabled"), "false");
        assert_eq!(get(&config, "scouting/gossip/enabled"), "false");
        assert_eq!(get(&config, "transport/link/rx/max_message_size"), (LIMIT + (1 << 20)).to_string());
    }

    /// Users copy it.
    #[test]
    fn the_example_for_two_hosts_is_a_configuration() {
        let config = of(Some("two-hosts.json5"));
        assert_eq!(get(&config, "access_control/enabled"), "true");
        assert_eq!(get(&config, "transport/link/tls/enable_mtls"), "true");
        assert_eq!(get(&config, "scouting/multicast/enabled"), "false");
        assert!(get(&config, "access_control/policies").contains("hear the writer"));
    }

    #[test]
    fn a_wrong_endpoint_or_file_is_refused() {
        let wrong = Settings { listen: vec!["nowhere".to_owned()], ..Settings::default() };
        assert!(matches!(wrong.config(), Err(MirrorError::Transport { .. })));
        let absent = Settings { file: Some("/nonexistent/mirror.json5".into()), ..Settings::default() };
        assert!(matches!(absent.config(), Err(MirrorError::Transport { .. })));
    }
}
