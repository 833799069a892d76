//! The lines of the log while a server starts and stops, in Uvicorn's words.
//!
//! The server decides when to log each; [`log`](crate::log) formats them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus};
use std::time::Duration;

use stelo_core::app::Address;
use stelo_runtime::{Bind, Signal};
use tracing::{error, info, warn};

use crate::ServeError;
use crate::log::SERVER;
use crate::settings::Notice;

/// The server has begun to start.
pub(crate) fn started() {
    info!(target: SERVER, "Started server process [{}]", process::id());
}

/// The start-up hook of the application runs.
pub(crate) fn startup_waiting() {
    info!(target: SERVER, "Waiting for application startup.");
}

/// The start-up hook has succeeded.
pub(crate) fn startup_complete() {
    info!(target: SERVER, "Application startup complete.");
}

/// Connections are accepted on `address`, to which the system has bound `bind`. With `secure`, they begin with TLS.
pub(crate) fn running(bind: &Bind, address: &Address, secure: bool) {
    let url = Url { bind, address, secure };
    info!(target: SERVER, "Stelo running on {url} (Press CTRL+C to quit)");
}

/// Health, readiness and metrics are answered at this address.
pub(crate) fn admin(address: &dyn fmt::Display) {
    info!(target: SERVER, "Answering /health, /ready and /metrics on {address}");
}

/// One address of a host name is not available, and the server listens on the others.
pub(crate) fn address_skipped(error: &ServeError) {
    warn!(target: SERVER, "Ignored an address of the host: {error}");
}

/// A signal or a limit has asked the server to stop.
pub(crate) fn shutting_down() {
    info!(target: SERVER, "Shutting down");
}

/// Some connections have not ended yet.
pub(crate) fn waiting_for_connections() {
    info!(target: SERVER, "Waiting for connections to close. (CTRL+C to force quit)");
}

/// Some background tasks have not ended yet.
pub(crate) fn waiting_for_tasks() {
    info!(target: SERVER, "Waiting for background tasks to complete. (CTRL+C to force quit)");
}

/// The shutdown hook of the application runs.
pub(crate) fn shutdown_waiting() {
    info!(target: SERVER, "Waiting for application shutdown.");
}

/// The shutdown hook has succeeded.
pub(crate) fn shutdown_complete() {
    info!(target: SERVER, "Application shutdown complete.");
}

/// The server has ended.
pub(crate) fn finished() {
    info!(target: SERVER, "Finished server process [{}]", process::id());
}

/// `--limit-max-requests` has been reached.
pub(crate) fn request_limit(limit: u64) {
    info!(target: SERVER, "Maximum request limit of {limit} exceeded. Terminating process.");
}

/// The process has reached its age.
pub(crate) fn lifetime_limit(limit: Duration) {
    info!(target: SERVER, "Maximum lifetime of {limit:?} reached. Terminating process.");
}

/// The process uses too much memory.
pub(crate) fn memory_limit(bytes: u64, limit: u64) {
    warn!(target: SERVER, "Resident memory of {bytes} bytes is above the limit of {limit}. Terminating process.");
}

/// A handler blocks a thread, for this time up to now.
pub(crate) fn thread_blocked(thread: &dyn fmt::Display, time: Duration) {
    warn!(target: SERVER, "A handler has blocked thread {thread} for {time:.1?}: call blocking code with `run_blocking`");
}

/// A handler has blocked a thread for longer than the limit. A supervisor ends the process.
pub(crate) fn thread_over(thread: &dyn fmt::Display, time: Duration, limit: Duration, supervised: bool) {
    let effect = if supervised { "; asking the supervisor to end this process" } else { "" };
    error!(
        target: SERVER,
        "A handler has blocked thread {thread} for {time:.1?}, longer than --timeout {limit:?}{effect}"
    );
}

/// The service manager cannot be told.
pub(crate) fn notify_failed(error: &std::io::Error) {
    warn!(target: SERVER, "Cannot notify the service manager (NOTIFY_SOCKET): {error}");
}

/// `--limit-concurrency` has been reached: a connection gets 503.
pub(crate) fn concurrency_limit() {
    warn!(target: SERVER, "Exceeded concurrency limit.");
}

/// The graceful shutdown has timed out: `tasks` connections and background tasks are dropped.
pub(crate) fn graceful_timeout(tasks: usize) {
    error!(target: SERVER, "Cancel {tasks} running task(s), timeout graceful shutdown exceeded");
}

/// Accepting failed, usually because the process has no descriptors left. The next attempt is after `pause`.
pub(crate) fn accept_failed(error: &std::io::Error, pause: Duration) {
    error!(target: SERVER, "Cannot accept connections: {error}; trying again in {pause:?}");
}

/// The server ends because of this error.
pub(crate) fn failed(error: &dyn fmt::Display) {
    error!(target: SERVER, "{error}");
}

/// The supervisor has begun to start the workers.
pub(crate) fn parent_started() {
    info!(target: SERVER, "Started parent process [{}]", process::id());
}

/// All workers have ended.
pub(crate) fn parent_finished(reloads: bool) {
    let role = if reloads { "reloader" } else { "parent" };
    info!(target: SERVER, "Stopping {role} process [{}]", process::id());
}

/// The supervisor looks at the source files from now on.
pub(crate) fn watching(dirs: &[PathBuf]) {
    let dirs: Vec<_> = dirs.iter().map(|dir| format!("'{}'", dir.display())).collect();
    info!(target: SERVER, "Will watch for changes in these directories: [{}]", dirs.join(", "));
    info!(target: SERVER, "Started reloader process [{}] using StatReload", process::id());
}

/// Source files have changed.
pub(crate) fn changed(paths: &[PathBuf]) {
    let here = std::env::current_dir().unwrap_or_default();
    let name = |path: &PathBuf| format!("'{}'", path.strip_prefix(&here).unwrap_or(path).display());
    let names: Vec<_> = paths.iter().map(name).collect();
    warn!(target: SERVER, "StatReload detected changes in {}. Reloading...", names.join(", "));
}

/// The program cannot be built.
pub(crate) fn build_failed() {
    error!(target: SERVER, "The build has failed; the old process goes on, and shows browsers the output above.");
}

/// The settings ask for several workers and for reloading.
pub(crate) fn workers_ignored() {
    warn!(target: SERVER, "\"workers\" flag is ignored when reloading is enabled.");
}

/// The system refused to start a worker.
pub(crate) fn child_refused(program: &Path, error: &std::io::Error) {
    error!(target: SERVER, "Cannot start {}: {error}", program.display());
}

/// A worker has ended without a request of the supervisor. Another one starts after `pause`, if one has to.
pub(crate) fn child_died(id: u32, status: ExitStatus, pause: Option<Duration>) {
    let next = |pause: Duration| match pause.is_zero() {
        true => "; starting another".to_owned(),
        false => format!("; starting another in {pause:.1?}"),
    };
    let next = pause.map(next).unwrap_or_default();
    match status.success() {
        // As after `--limit-max-requests`.
        true => info!(target: SERVER, "Child process [{id}] ended{next}"),
        false => error!(target: SERVER, "Child process [{id}] died ({status}){next}"),
    }
}

/// A worker has given no sign of life for this time and is ended.
pub(crate) fn child_silent(id: u32, limit: Duration) {
    error!(
        target: SERVER,
        "Child process [{id}] has given no sign of life for {limit:?} (--timeout-worker-healthcheck); replacing it"
    );
}

/// A worker with a blocked thread is ended.
pub(crate) fn child_blocked(id: u32) {
    error!(target: SERVER, "Child process [{id}] has a blocked thread; replacing it");
}

/// The replacement of a worker at a limit could not start. The worker goes on, and the next starts after `pause`.
pub(crate) fn replacement_failed(pause: Duration) {
    error!(target: SERVER, "New child process was not ready; keeping the old one and trying again in {pause:?}");
}

/// A worker has to be killed, because it has not started in time.
pub(crate) fn child_not_ready(id: u32, limit: Duration) {
    error!(target: SERVER, "Child process [{id}] was not ready within {limit:?} (--timeout-worker-startup)");
}

/// A worker has to be killed, because it has not stopped in time.
pub(crate) fn child_not_stopped(id: u32, limit: Duration) {
    error!(target: SERVER, "Child process [{id}] has not stopped within {limit:?}");
}

/// The supervisor has received a signal.
pub(crate) fn received(signal: Signal, effect: &str) {
    info!(target: SERVER, "Received {signal}, {effect}.");
}

/// All workers have been replaced.
pub(crate) fn restarted() {
    info!(target: SERVER, "Restarted all processes.");
}

/// A new worker could not start, so the restart ends.
pub(crate) fn restart_failed() {
    error!(target: SERVER, "New child process was not ready; keeping the old ones and aborting the restart.");
}

/// `SIGHUP` has found settings that are invalid.
pub(crate) fn settings_refused(reason: &str) {
    error!(target: SERVER, "Received SIGHUP, but the new settings are invalid; keeping the old ones: {reason}");
}

/// `SIGHUP` has found other sockets to listen on.
pub(crate) fn sockets_kept() {
    warn!(target: SERVER, "Other sockets to listen on take effect with SIGUSR2, not with SIGHUP.");
}

/// `SIGUSR2` in process 1 of a container.
pub(crate) fn upgrade_refused() {
    warn!(
        target: SERVER,
        "Received SIGUSR2, which has no effect in process 1: its end would end the container. Use SIGHUP."
    );
}

/// A new supervisor has a ready worker.
pub(crate) fn upgraded(id: u32) {
    info!(target: SERVER, "New parent process [{id}] has taken over. Stopping the old processes.");
}

/// A new supervisor has ended.
pub(crate) fn successor_ended(id: u32, status: ExitStatus) {
    error!(target: SERVER, "New parent process [{id}] has ended ({status})");
}

/// A new supervisor had no ready worker when it ended.
pub(crate) fn upgrade_failed() {
    error!(target: SERVER, "New parent process was not ready; keeping the old one and aborting the upgrade.");
}

/// A new supervisor has no ready worker in time.
pub(crate) fn upgrade_late(id: u32, limit: Duration) {
    error!(
        target: SERVER,
        "New parent process [{id}] was not ready within {limit:?}; keeping the old one and aborting the upgrade."
    );
}

/// A hook of the supervisor has panicked.
pub(crate) fn hook_panicked(name: &str, message: &str) {
    error!(target: SERVER, "Panic in the hook {name}: {message}");
}

/// A file cannot be given to the user of `--user`.
pub(crate) fn not_owned(path: &Path, error: &std::io::Error) {
    warn!(target: SERVER, "Cannot give {} to the user or the group: {error}", path.display());
}

/// A new supervisor cannot give its file of `--pid` the name that it belongs to.
pub(crate) fn pid_file_not_moved(error: &std::io::Error) {
    error!(target: SERVER, "Cannot rename the file of --pid: {error}");
}

/// `SIGTTOU` has no effect on the last worker.
pub(crate) fn last_child() {
    info!(target: SERVER, "Already reached one process, cannot decrease the number of processes anymore.");
}

/// A variable that looks like a setting has no effect.
pub(crate) fn notice(notice: &Notice) {
    match notice.is_warning() {
        true => warn!(target: SERVER, "{notice}"),
        false => info!(target: SERVER, "{notice}"),
    }
}

/// Displays the address of a running server as a URL or a path.
struct Url<'a> {
    bind: &'a Bind,
    address: &'a Address,
    secure: bool,
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        match (self.bind, self.address) {
            (Bind::Tcp(_) | Bind::DualStack(_), Address::Ip(address)) => write!(f, "{scheme}://{address}"),
            (Bind::Unix(path), _) => write!(f, "unix socket {}", path.display()),
            (_, address) => write!(f, "socket {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tcp_address_is_a_url() {
        let ip = |text: &str| Address::Ip(text.parse().unwrap());
        let tcp = |text| (Bind::Tcp(([0; 4], 0).into()), ip(text));
        for ((bind, address), line) in [
            (tcp("127.0.0.1:8000"), "http://127.0.0.1:8000"),
            (tcp("[::1]:80"), "http://[::1]:80"),
            ((Bind::DualStack(0), ip("[::]:80")), "http://[::]:80"),
            ((Bind::Unix("/tmp/x".into()), Address::Unix("/tmp/x".into())), "unix socket /tmp/x"),
            ((Bind::Fd(3), ip("127.0.0.1:8000")), "socket 127.0.0.1:8000"),
            ((Bind::Fd(3), Address::Unix("/tmp/x".into())), "socket /tmp/x"),
        ] {
            assert_eq!(Url { bind: &bind, address: &address, secure: false }.to_string(), line);
        }
    }
}
