//! The options of Uvicorn that are not implemented. They are refused by name, not as a typing mistake.

/// Their names, without the dashes.
pub(super) const NAMES: [&str; 26] = [
    "app-dir",
    "factory",
    "forwarded-allow-ips",
    "h11-max-incomplete-event-size",
    "http",
    "interface",
    "lifespan",
    "limit-max-requests-jitter",
    "log-config",
    "proxy-headers",
    "reload",
    "reload-delay",
    "reload-dir",
    "reload-exclude",
    "reload-include",
    "reset-contextvars",
    "ssl-ca-certs",
    "ssl-cert-reqs",
    "ssl-certfile",
    "ssl-ciphers",
    "ssl-keyfile",
    "ssl-keyfile-password",
    "ssl-version",
    "timeout-worker-healthcheck",
    "use-colors",
    "workers",
];

/// Whether an option is one of them.
pub(super) fn contains(option: &str) -> bool {
    NAMES.contains(&option)
}
