//! The user, the group, the directory and the mask of new files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use stelo_tests::{Client, On, cases};

use crate::program::{Process, Temporary, command, get};
use crate::workers::{kill, number, running, serve_by};

cases!(
    a_single_process_changes_to_the_user,
    workers_change_to_the_user_and_the_supervisor_stays_root,
    an_unknown_user_is_code_3,
    a_user_who_is_not_root_cannot_change,
    the_mask_concerns_unix_sockets_and_other_files,
    paths_are_relative_to_the_directory,
    a_missing_directory_is_code_3,
);

/// The user and the group that every Debian has, with its primary group.
const NOBODY: (&str, u32, u32) = ("nobody", 65534, 65534);

/// Whether the tests run as root. Otherwise a case cannot run, which a line says.
fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        eprintln!("not run: only root can change the user");
    }
    root
}

/// Returns the values of a field of `/proc/PID/status`.
#[track_caller]
fn status(id: u32, field: &str) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("Linux has the field");
    line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Checks that every thread of a process is that of a user and a group, for good.
#[track_caller]
fn assert_identity(id: u32, user: u32, group: u32) {
    for thread in fs::read_dir(format!("/proc/{id}/task")).expect("the process runs") {
        let name = thread.expect("Linux").file_name();
        let thread = name.to_str().and_then(|name| name.parse().ok()).expect("a number");
        assert_eq!((status(thread, "Uid:"), status(thread, "Gid:")), (vec![user; 4], vec![group; 4]));
        assert_eq!(status(thread, "Groups:"), [group]);
    }
}

fn a_single_process_changes_to_the_user(on: On) {
    if !is_root() {
        return;
    }
    let (name, user, group) = NOBODY;
    let log = Temporary::new(on, "user.log");
    let args = ["--user", name, "--threads", "2", "--access-logfile", log.path()];
    let (process, address) = Process::serve(on, &args);
    assert_eq!(get(address, "/plaintext").0, 200);
    assert_identity(process.id(), user, group);
    // The user can open the log again, although root has created it.
    process.signal("USR1");
    process.expect_line(&format!("Reopened {}", log.path()));
}

fn workers_change_to_the_user_and_the_supervisor_stays_root(on: On) {
    if !is_root() {
        return;
    }
    let (log, moved) = (Temporary::new(on, "users.log"), Temporary::new(on, "users.log.1"));
    let args = ["--port", "0", "-u", "65534", "-g", "12345", "--access-logfile", log.path()];
    let (process, address, workers) = serve_by(&mut command(on), 2, &args);
    workers.iter().for_each(|id| assert_identity(*id, 65534, 12345));
    assert_eq!(status(process.id(), "Uid:"), [0; 4]);
    assert_eq!(get(address, "/plaintext").0, 200);
    // The workers open a new file that the supervisor has created for them.
    fs::rename(log.path(), moved.path()).expect("the log is there");
    process.signal("USR1");
    for _ in 0..3 {
        process.expect_line(&format!("Reopened {}", log.path()));
    }
    let owner = fs::metadata(log.path()).expect("a new file");
    assert_eq!((owner.uid(), owner.gid()), (65534, 12345));
    // A worker that is replaced starts as root, too.
    kill("KILL", *workers.first().expect("there are workers"));
    let new = number(&process.expect_line("Started server process"));
    process.expect_line("startup complete");
    assert_identity(new, 65534, 12345);
}

fn an_unknown_user_is_code_3(on: On) {
    for (option, workers) in [("--user", "1"), ("--group", "1"), ("--user", "2"), ("--group", "2")] {
        let args = ["--port", "0", option, "no such name", "--workers", workers];
        let (status, log, _) = Process::start(command(on).args(args)).wait();
        assert_eq!(status.code(), Some(3), "{log:#?}");
        let line = format!("ERROR:    this system does not know no such name: check {option}");
        assert!(log.iter().any(|logged| logged.starts_with(&line)), "{log:#?}");
    }
}

fn a_user_who_is_not_root_cannot_change(on: On) {
    if !is_root() {
        return;
    }
    // Root without its capabilities may not change users, but can read the program of the tests.
    let mut other = std::process::Command::new("setpriv");
    other.args(["--inh-caps=-all", "--bounding-set=-all"]).arg(command(on).get_program());
    other.args(command(on).get_args()).args(["--port", "0", "--user", NOBODY.0]);
    other.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let (status, log, _) = Process::start(&mut other).wait();
    assert_eq!(status.code(), Some(3), "{log:#?}");
    let last = log.last().expect("a line");
    assert!(last.contains("cannot change the user or the group (Operation not permitted"), "{log:#?}");
    assert!(last.ends_with("start as root, or leave --user and --group out"), "{log:#?}");
}

fn the_mask_concerns_unix_sockets_and_other_files(on: On) {
    for workers in ["1", "2"] {
        let socket = Temporary::new(on, &format!("mask-{workers}.sock"));
        let log = Temporary::new(on, &format!("mask-{workers}.log"));
        let args = ["--uds", socket.path(), "--umask", "027", "--access-logfile", log.path()];
        let process = Process::start(command(on).args(args).args(["--workers", workers]));
        process.expect_line("Stelo running on unix socket");
        let mode = |path: &str| fs::metadata(path).expect("the file is there").permissions().mode() & 0o777;
        assert_eq!((mode(socket.path()), mode(log.path())), (0o640, 0o640));
        let mut client = Client::new(UnixStream::connect(socket.path()).expect("a worker listens"));
        assert_eq!(client.get("/plaintext").status, 200);
    }
}

fn paths_are_relative_to_the_directory(on: On) {
    for workers in ["1", "2"] {
        let directory =
            std::env::temp_dir().join(format!("stelo-chdir-{}-{on:?}-{workers}", std::process::id()));
        fs::create_dir_all(directory.join("inside")).expect("the temporary directory is writable");
        fs::create_dir_all(directory.join("other")).expect("the temporary directory is writable");
        let config = directory.join("shop.toml");
        fs::write(&config, "chdir = \"inside\"\nport = 0\naccess-logfile = \"access.log\"\n")
            .expect("writable");
        let mut server = command(on);
        server.current_dir(&directory).args([
            "--config",
            "shop.toml",
            "--pid",
            "shop.pid",
            "--workers",
            workers,
        ]);
        let process = Process::start(&mut server);
        let address = running(&process);
        assert_eq!(get(address, "/plaintext").0, 200);
        let inside = directory.canonicalize().expect("the directory is there").join("inside");
        assert_eq!(fs::read_link(format!("/proc/{}/cwd", process.id())).expect("Linux"), inside);
        assert!(inside.join("shop.pid").exists() && inside.join("access.log").exists());
        if workers == "2" {
            // The file is read in the directory of the start again, by the supervisor and by new workers.
            fs::write(&config, "chdir = \"other\"\nport = 0\n").expect("writable");
            process.signal("HUP");
            process.expect_line("Restarted all processes.");
            let cwd = fs::read_link(format!("/proc/{}/cwd", process.id())).expect("Linux");
            assert_eq!(cwd, inside.with_file_name("other"));
            fs::write(&config, "chdir = \"none\"\nport = 0\n").expect("writable");
            process.signal("HUP");
            process.expect_line("keeping the old ones: cannot change to none (No such file or directory");
            assert_eq!(get(address, "/plaintext").0, 200);
            let cwd = fs::read_link(format!("/proc/{}/cwd", process.id())).expect("Linux");
            assert_eq!(cwd, inside.with_file_name("other"));
        }
        drop(process);
        // A directory that stays behind does not make the case fail.
        let _ = fs::remove_dir_all(&directory);
    }
}

fn a_missing_directory_is_code_3(on: On) {
    let (status, log, _) = Process::start(command(on).args(["--port", "0", "--chdir", "/no/such"])).wait();
    assert_eq!(status.code(), Some(3), "{log:#?}");
    let line = "ERROR:    cannot change to /no/such (No such file or directory (os error 2)): check --chdir";
    assert_eq!(log, [line]);
}
