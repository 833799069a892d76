//! The names that other servers have for settings of this one. They are accepted on the command line and in a file.

/// A name of another server, and the setting that means the same.
pub(crate) const ALIASES: &[(&str, &str, &str)] = &[
    ("access-log-fmt", "access-log-format", "Granian"),
    ("access-logformat", "access-log-format", "Gunicorn, Hypercorn"),
    ("ca-certs", "ssl-ca-certs", "Gunicorn, Hypercorn"),
    ("cert-reqs", "ssl-cert-reqs", "Gunicorn, Hypercorn"),
    ("certfile", "ssl-certfile", "Gunicorn, Hypercorn"),
    ("ciphers", "ssl-ciphers", "Gunicorn, Hypercorn"),
    ("graceful-timeout", "timeout-graceful-shutdown", "Gunicorn, Hypercorn"),
    ("h11-max-incomplete-event-size", "limit-head", "Uvicorn"),
    ("h2_max_concurrent_streams", "http2-max-concurrent-streams", "Hypercorn"),
    ("h2_max_header_list_size", "http2-max-header-list-size", "Hypercorn"),
    ("h2_max_inbound_frame_size", "http2-max-frame-size", "Hypercorn"),
    ("http2-initial-stream-window-size", "http2-initial-window-size", "Granian"),
    ("http2-max-headers-size", "http2-max-header-list-size", "Granian"),
    ("keep-alive", "timeout-keep-alive", "Gunicorn, Hypercorn"),
    ("keyfile", "ssl-keyfile", "Gunicorn, Hypercorn"),
    ("keyfile-password", "ssl-keyfile-password", "Hypercorn"),
    ("limit-request-field_size", "limit-field-line", "Gunicorn"),
    ("limit-request-fields", "limit-fields", "Gunicorn"),
    ("log-file", "error-logfile", "Gunicorn, Hypercorn"),
    ("max-requests", "limit-max-requests", "Gunicorn, Hypercorn"),
    ("max-requests-jitter", "limit-max-requests-jitter", "Gunicorn, Hypercorn"),
    ("pid-file", "pid", "Granian"),
    ("ssl-ca", "ssl-ca-certs", "Granian"),
    ("ssl-certificate", "ssl-certfile", "Granian"),
    ("ssl-protocol-min", "ssl-version", "Granian"),
    ("unix-socket", "uds", "Daphne"),
    ("url-path-prefix", "root-path", "Granian"),
    ("websocket-ping-interval", "ws-ping-interval", "Hypercorn"),
    ("workers-lifetime", "limit-max-lifetime", "Granian"),
    ("working-dir", "chdir", "Granian"),
];

/// Switches of other servers that give a setting one value.
pub(crate) const SWITCHES: &[(&str, &str, &str)] = &[("http2", "http", "auto"), ("no-http2", "http", "1")];

/// Returns the setting that a name of another server means.
pub(super) fn meaning(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(alias, ..)| *alias == name).map(|(_, setting, _)| *setting)
}

#[cfg(test)]
mod tests {
    use super::super::table::{Setting, all};
    use super::*;

    #[test]
    fn an_alias_is_another_name_of_a_setting() {
        for (alias, name, _) in ALIASES {
            assert!(all().all(|setting| setting.name != *alias), "{alias} is a setting");
            assert_eq!(Setting::named(alias).map(|setting| setting.name), Some(*name));
        }
        assert!(ALIASES.is_sorted());
    }
}
