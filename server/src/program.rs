//! A program that is a server, from its command line to its exit code.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use stelo_core::app::App;
use stelo_os::output::columns;
use stelo_os::process::{set_name, set_umask};
use stelo_os::signals::end_by;
use stelo_runtime::Signal;

use crate::directory::Start;
use crate::process::{self, Link, Notify, PidFile, Supervision, Upgrade};
use crate::settings::{self, Inputs, Notice, Outcome, Positional};
use crate::{Apps, Config, ConfigError, Exit, Runner, ServeError, Server, Stopped, log, messages};

/// A program that is a server, with Uvicorn's command line on top of a [`Config`].
///
/// ```
/// use stelo_server::{Config, Listen, Program};
///
/// let program = Program::new(Config::new().port(3000), &[]);
/// let none: [(&str, &str); 0] = [];
/// let parsed = program.parse(["shop", "--host", "::1"], none)?;
/// assert_eq!(parsed.config.listen, [Listen::Tcp { host: "::1".into(), port: 3000 }]);
///
/// let parsed = program.parse(["shop"], [("STELO_PORT", "80")])?;
/// assert_eq!(parsed.config.listen, [Listen::Tcp { host: "127.0.0.1".into(), port: 80 }]);
///
/// let exit = program.parse(["shop", "--port", "high"], none).unwrap_err();
/// assert_eq!(exit.code(), 2);
/// # Ok::<(), stelo_server::Exit>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    defaults: Config,
    runners: &'static [Runner],
    positional: Positional,
    apps: Vec<String>,
}

/// The settings of a program, read from its command line, its environment and files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// The settings of the server.
    pub config: Config,
    /// The FOLDER, if the program [takes one](Program::folder).
    pub folder: Option<PathBuf>,
    /// The variables that look like settings and have no effect.
    notices: Vec<Notice>,
}

/// The choice of an application on the command line.
struct Chosen {
    folder: Option<PathBuf>,
    app: Option<String>,
}

impl Program {
    /// Creates a program that runs on one of `runners`. Its options change `defaults`.
    pub fn new(defaults: Config, runners: &'static [Runner]) -> Self {
        Self { defaults, runners, positional: Positional::None, apps: Vec::new() }
    }

    /// Accepts a FOLDER as an argument.
    #[must_use]
    pub fn folder(self) -> Self {
        Self { positional: Positional::Folder, ..self }
    }

    /// Accepts the name of one of these applications as an argument. It ends up in
    /// [`Process::app`](crate::config::Process::app).
    #[must_use]
    pub fn apps<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let apps: Vec<_> = names.into_iter().map(Into::into).collect();
        let positional = if apps.is_empty() { self.positional } else { Positional::App };
        Self { apps, positional, ..self }
    }

    /// Reads these arguments, the name of the program first, and this environment, and the files that they name.
    ///
    /// # Errors
    /// The program has to end: see [`Exit`].
    pub fn parse(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Result<Parsed, Exit> {
        self.read(arguments, environment, None)
    }

    /// As [`parse`](Self::parse), for a terminal with this number of columns.
    fn read(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
        columns: Option<usize>,
    ) -> Result<Parsed, Exit> {
        let executors: Vec<_> = self.runners.iter().map(Runner::name).collect();
        let apps: Vec<_> = self.apps.iter().map(String::as_str).collect();
        let Outcome { config, folder, notices } = settings::read(Inputs {
            defaults: &self.defaults,
            executors: &executors,
            positional: self.positional,
            apps: &apps,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            columns,
        })?;
        Ok(Parsed { config, folder, notices })
    }

    /// Serves one of `apps`, as [`main`](Self::main) does. The command line names it, unless there is only one.
    pub fn run(self, apps: Apps) -> ExitCode {
        let program = self.apps(apps.names());
        program.end_with(|Chosen { app, .. }| {
            apps.make(app.as_deref()).ok_or_else(|| ConfigError::App { known: Vec::new() }.into())
        })
    }

    /// Reads the arguments and the environment of the process, makes the application, given the FOLDER, and serves it
    /// until the server stops.
    ///
    /// With several [workers](crate::config::Process::workers), this process starts and supervises them, and does not
    /// make the application. Each worker runs the program again, with the same arguments. So does a new supervisor
    /// (`SIGUSR2`).
    ///
    /// The exit code is 0 after an ordinary end, 2 if the settings cannot be used, 3 if the server did not start. After
    /// a graceful stop by `SIGTERM` the process ends by that signal, so that a shell shows 143; process 1 of a container,
    /// which the signal does not end, returns that code. `SIGINT` is an ordinary end.
    pub fn main(&self, app: impl FnOnce(Option<PathBuf>) -> Arc<dyn App>) -> ExitCode {
        self.end_with(|Chosen { folder, .. }| Ok(app(folder)))
    }

    /// Runs the program until it ends.
    fn end_with(&self, app: impl FnOnce(Chosen) -> Result<Arc<dyn App>, ServeError>) -> ExitCode {
        let upgrade = Upgrade::inherited(env::var_os(Upgrade::VARIABLE).as_deref());
        let mut program = self.clone();
        // The sockets of systemd are not passed to a new process again.
        if let Some(listen) = upgrade.as_ref().and_then(Upgrade::descriptors) {
            program.defaults.listen = listen;
        }
        let Parsed { config, folder, notices } = match program.read(env::args_os(), env::vars_os(), columns())
        {
            Ok(parsed) => parsed,
            Err(exit) => return exit.end(),
        };
        let folder = folder.map(|path| std::path::absolute(&path).unwrap_or(path));
        let chosen = Chosen { folder, app: config.process.app.clone() };
        let start = Start::here();
        let entered = start.leave(&config.process);
        config.process.umask.into_iter().for_each(set_umask);
        if let Err(error) = log::init(&config).and(entered) {
            messages::failed(&error);
            return error.exit_code().into();
        }
        let link = Link::inherited(env::var_os(Link::VARIABLE).as_deref());
        let stopped = match link {
            Some(link) => {
                if let Some(name) = program_name() {
                    set_name(&name, ":worker");
                }
                let notice = config.reload.on.then(|| link.notice());
                let server = Server::new(config).supervised(link).owning_process();
                app(chosen).and_then(|app| {
                    let app = match notice {
                        Some(notice) => notice.around(app),
                        None => app,
                    };
                    server.run_on_any(self.runners, app)
                })
            }
            None => {
                notices.iter().for_each(messages::notice);
                if config.reload.on && config.process.workers.get() > 1 {
                    messages::workers_ignored();
                }
                program.start(config, &start, upgrade, || app(chosen))
            }
        };
        match stopped {
            Ok(Stopped::Signal(Signal::Terminate)) => {
                log::flush();
                // Lets the parent process see which signal it was. Process 1 of a container goes on.
                end_by(Signal::Terminate).map_or(ExitCode::SUCCESS, ExitCode::from)
            }
            Ok(_) => ExitCode::SUCCESS,
            Err(ServeError::Config(error)) => Exit::from(error).end(),
            Err(error) => {
                messages::failed(&error);
                error.exit_code().into()
            }
        }
    }

    /// Serves, or supervises processes that serve.
    fn start(
        &self,
        config: Config,
        start: &Start,
        upgrade: Option<Upgrade>,
        app: impl FnOnce() -> Result<Arc<dyn App>, ServeError>,
    ) -> Result<Stopped, ServeError> {
        let pid_file = config.process.pid.as_deref().map(|path| PidFile::create(path, upgrade.is_some()));
        let pid_file = pid_file.transpose()?;
        let notify = Notify::new(|name| env::var_os(name), std::process::id());
        if upgrade.is_some() || config.is_supervised() {
            let read = || start.within(|| self.read_again(start));
            return process::supervise(Supervision {
                config: &config,
                start,
                read: &read,
                upgrade,
                pid_file,
                notify,
            });
        }
        // Removed when the server has stopped.
        let _pid_file = pid_file;
        Server::new(config).owning_process().notifying(notify).run_on_any(self.runners, app()?)
    }

    /// Reads the settings of a running supervisor again, in the directory of the start.
    fn read_again(&self, start: &Start) -> Result<Config, String> {
        let parsed = self.parse(env::args_os(), env::vars_os()).map_err(|exit| match exit {
            Exit::Refusal(error) => error.to_string(),
            Exit::Answer(text) => text,
        })?;
        start
            .leave(&parsed.config.process)
            .and_then(|()| process::check(&parsed.config))
            .map_err(|error| error.to_string())?;
        Ok(parsed.config)
    }
}

/// Returns the name of the file of this program.
fn program_name() -> Option<String> {
    let name = PathBuf::from(env::args_os().next()?);
    Some(name.file_name()?.to_string_lossy().into_owned())
}
