//! Decides between the sources of settings, and builds a configuration.
//!
//! From the strongest to the weakest: command line, environment, `--env-file`, the file of `--config`, the program. The
//! strongest source that gives a value to a setting decides it. Weaker values are not read, so they may be invalid.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use stelo_core::dotenv;

use super::env::{self, Notice, Variable, Variables};
use super::line::{Command, Line, Positional};
use super::origin::{Given, Location, Origin, Source};
use super::{Exit, SettingsError, activation, completions, file, help, man, print};
use crate::config::table::Setting;
use crate::{Config, ConfigError};

/// The settings that say where to listen. Without them, the sockets of systemd replace those of the program.
const LISTEN: [&str; 5] = ["host", "port", "uds", "fd", "bind"];

/// The sources of settings.
pub(crate) struct Inputs<'a> {
    /// The settings of the program.
    pub(crate) defaults: &'a Config,
    /// The names of the executors that are compiled in.
    pub(crate) executors: &'a [&'static str],
    /// The argument that is not an option.
    pub(crate) positional: Positional,
    /// The names of the applications; none for a single one without a name.
    pub(crate) apps: &'a [&'a str],
    /// The arguments, the name of the program first.
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The width of the terminal that shows the help, if there is one.
    pub(crate) columns: Option<usize>,
}

/// The settings that the sources give.
pub(crate) struct Outcome {
    pub(crate) config: Config,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) notices: Vec<Notice>,
}

/// Reads settings.
///
/// # Errors
/// The program has to end: see [`Exit`].
pub(crate) fn read(inputs: Inputs<'_>) -> Result<Outcome, Exit> {
    let line = Line::read(inputs.arguments.iter().cloned(), inputs.positional)?;
    let name = line.program.as_deref().unwrap_or("stelo");
    match line.command {
        Some(Command::Help) => {
            return Err(Exit::Answer(help::text(name, &inputs)));
        }
        Some(Command::Version) => return Err(Exit::Answer(help::version())),
        Some(Command::Completions(shell)) => {
            return Err(Exit::Answer(completions::script(shell, name, &inputs)));
        }
        Some(Command::Man) => return Err(Exit::Answer(man::page(name, &inputs))),
        Some(Command::PrintConfig) | None => {}
    }
    let mut environment = Variables::read(inputs.environment.iter().filter_map(|(name, value)| {
        Some(Variable { name: name.to_str()?.into(), value: value.clone(), source: Source::Environment })
    }));
    let mut env_file = match named("env-file", [line.env_file, environment.env_file.take()]) {
        Some(file) => env_file(file, &inputs.environment)?,
        None => Variables::default(),
    };
    let (file, file_notices) =
        match named("config", [line.config, environment.config.take().or(env_file.config.take())]) {
            Some(file) => file::read(&file.text()?, file.path)?,
            None => Default::default(),
        };
    let given = decide([line.given, environment.given, env_file.given, file])?;
    let mut defaults = inputs.defaults.clone();
    let is_told = given.iter().any(|given| LISTEN.contains(&given.origin.setting.name));
    let activated = activation::sockets(&inputs.environment, std::process::id());
    if !is_told && !activated.is_empty() {
        defaults.listen = activated;
    }
    let config = apply(&given, &defaults, inputs.executors)?;
    if line.command == Some(Command::PrintConfig) {
        return Err(Exit::Answer(print::text(&config, |setting| origin(setting, &given, inputs.defaults))));
    }
    check_app(&config, &given, inputs.apps)?;
    let notices = [line.notices, environment.notices, env_file.notices, file_notices].concat();
    Ok(Outcome { config, folder: line.folder, notices })
}

/// A file, with the option or the variable that names it.
struct File {
    path: PathBuf,
    named_by: String,
}

/// Returns the file of an option: from the command line, or else from a variable.
fn named(option: &str, [line, variable]: [Option<PathBuf>; 2]) -> Option<File> {
    let on_line = line.map(|path| File { path, named_by: format!("--{option}") });
    on_line.or_else(|| variable.map(|path| File { path, named_by: env::variable(option) }))
}

impl File {
    fn text(&self) -> Result<String, SettingsError> {
        let Self { path, named_by } = self;
        let fail = |source| SettingsError::Read { named_by: named_by.clone(), path: path.clone(), source };
        fs::read_to_string(path).map_err(fail)
    }
}

fn env_file(file: File, environment: &[(OsString, OsString)]) -> Result<Variables, SettingsError> {
    let text = file.text()?;
    let path = Arc::new(file.path);
    let location = |line| Location { path: path.clone(), line };
    let variable = |name: &str| {
        let (_, value) = environment.iter().find(|(key, _)| key == name)?;
        Some(value.to_string_lossy().into_owned())
    };
    let read = dotenv::parse(&text, variable);
    let read = read.map_err(|(line, fault)| SettingsError::syntax(&location(line), fault.into()))?;
    Ok(Variables::read(read.into_iter().map(|dotenv::Assignment { line, name, value }| Variable {
        name,
        value: value.into(),
        source: Source::EnvFile(location(line)),
    })))
}

/// Keeps the strongest value of each setting. Drops values that a stronger source excludes.
fn decide(sources: [Vec<Given>; 4]) -> Result<Vec<Given>, SettingsError> {
    let mut decided: Vec<Given> = Vec::new();
    for source in sources {
        let stronger = decided.len();
        for given in source {
            let setting = given.origin.setting;
            let decides = |other: &Given| {
                other.origin.setting == setting || setting.excludes.contains(&other.origin.setting.name)
            };
            match decided.iter().position(decides) {
                None => decided.push(given),
                Some(at) if at < stronger => {}
                Some(at) => {
                    let one = decided.swap_remove(at).origin;
                    return Err(SettingsError::Conflict { one, other: given.origin });
                }
            }
        }
    }
    Ok(decided)
}

fn apply(given: &[Given], defaults: &Config, executors: &[&'static str]) -> Result<Config, SettingsError> {
    let mut config = defaults.clone();
    for Given { origin, values } in given {
        (origin.setting.set)(&mut config, values).map_err(|(i, error)| invalid(origin, &values[i], error))?;
    }
    if let Some(wanted) = config.process.executor.as_deref().filter(|wanted| !executors.contains(wanted)) {
        let error = ConfigError::Executor { wanted: wanted.to_owned().into(), built: executors.into() };
        let is_loop = |given: &&Given| given.origin.setting.name == "loop";
        return Err(match given.iter().find(is_loop) {
            Some(Given { origin, values }) => invalid(origin, &values[0], error),
            None => error.into(),
        });
    }
    config.check()?;
    Ok(config)
}

/// Checks that the program has the application.
fn check_app(config: &Config, given: &[Given], apps: &[&str]) -> Result<(), SettingsError> {
    let is_clear = match config.process.app.as_deref() {
        Some(name) => apps.contains(&name),
        None => apps.len() < 2,
    };
    if is_clear {
        return Ok(());
    }
    let error = ConfigError::App { known: apps.iter().copied().map(Into::into).collect() };
    let is_app = |given: &&Given| given.origin.setting.name == "app";
    Err(match given.iter().find(is_app) {
        Some(Given { origin, values }) => invalid(origin, &values[0], error),
        None => error.into(),
    })
}

fn invalid(origin: &Origin, value: &OsString, error: ConfigError) -> SettingsError {
    SettingsError::Invalid { origin: origin.clone(), value: value.clone(), error }
}

/// Returns the source of the value of a setting.
fn origin(setting: &'static Setting, given: &[Given], defaults: &Config) -> Origin {
    let is_it = |given: &&Given| given.origin.setting == setting;
    match given.iter().find(is_it) {
        Some(given) => given.origin.clone(),
        None if (setting.get)(defaults) == (setting.get)(&Config::new()) => {
            Origin { setting, source: Source::Default }
        }
        None => Origin { setting, source: Source::Program },
    }
}
