//! Health, readiness and metrics.

use super::table::{Group, Kind, Setting, Value, single};
use super::{Config, Listen};

impl Config {
    /// Sets [`Config::admin`].
    #[must_use]
    pub fn admin(mut self, listen: Listen) -> Self {
        self.admin = Some(listen);
        self
    }
}

pub(super) const GROUP: Group = Group {
    title: "Metrics and health",
    settings: &[Setting {
        name: "admin",
        help: "Answer /health, /ready and /metrics on HOST:PORT or unix:PATH",
        kind: Kind::Text("SOCKET"),
        excludes: &[],
        get: |config| match &config.admin {
            Some(listen) => Value::Text(listen.to_string()),
            None => Value::Unset,
        },
        set: |config, values| {
            config.admin = Some(single(values, str::parse)?);
            Ok(())
        },
    }],
};
