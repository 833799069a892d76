//! The user, the group and the file mode of a server that has bound its sockets.
//!
//! A process starts as root to bind a port or to read a key, and continues as another user. With workers, the supervisor
//! stays root, so that it can start workers, and each worker changes before its application starts.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use stelo_os::account::{self, User};

use crate::config::Process;
use crate::{Config, Listen, ServeError, messages};

/// The mode of the file of a Unix socket, without the bits of `--umask`.
const SOCKET_MODE: u32 = 0o666;

/// The user and the group of `--user` and `--group`.
#[derive(Debug)]
pub(crate) struct Identity {
    user: Option<User>,
    group: Option<u32>,
}

impl Identity {
    /// Looks the user and the group up; `None` if the settings name neither.
    ///
    /// # Errors
    /// The system does not know them.
    pub(crate) fn of(process: &Process) -> Result<Option<Self>, ServeError> {
        let unknown = |option, name: &str| ServeError::Account { option, name: name.into() };
        let user = process.user.as_deref().map(|name| {
            let found = account::user(name).map_err(ServeError::Identity)?;
            found.ok_or_else(|| unknown("--user", name))
        });
        let group = process.group.as_deref().map(|name| {
            let found = account::group(name).map_err(ServeError::Identity)?;
            found.ok_or_else(|| unknown("--group", name))
        });
        let (user, group) = (user.transpose()?, group.transpose()?);
        let group = group.or(user.as_ref().map(|user| user.group));
        Ok((user.is_some() || group.is_some()).then_some(Self { user, group }))
    }

    /// Changes the process to the user and the group.
    ///
    /// # Errors
    /// The process does not belong to root.
    pub(crate) fn assume(&self) -> Result<(), ServeError> {
        account::assume(self.user.as_ref(), self.group).map_err(ServeError::Identity)
    }

    /// Gives a file to the user and the group.
    fn own(&self, path: &Path) {
        if let Err(error) = chown(path, self.user.as_ref().map(|user| user.id), self.group) {
            messages::not_owned(path, &error);
        }
    }

    /// Gives the files of the log to the user, who opens them again at `SIGUSR1`.
    pub(crate) fn own_logs(&self, config: &Config) {
        config.log.error_file.iter().chain(&config.log.access_file).for_each(|path| self.own(path));
    }
}

/// Gives the files of Unix sockets the mode of `--umask`, and to the user and the group.
///
/// # Errors
/// The system refuses.
pub(crate) fn prepare_sockets(config: &Config, identity: Option<&Identity>) -> Result<(), ServeError> {
    for listen in config.listen.iter().chain(&config.ssl.insecure).chain(&config.admin) {
        let Listen::Unix(path) = listen else { continue };
        if stelo_os::socket::is_abstract(path) {
            continue;
        }
        if let Some(umask) = config.process.umask {
            // No client can connect yet.
            let mode = Permissions::from_mode(SOCKET_MODE & !umask);
            fs::set_permissions(path, mode)
                .map_err(|source| ServeError::bind(&stelo_runtime::Bind::Unix(path.clone()), source))?;
        }
        identity.iter().for_each(|identity| identity.own(path));
    }
    Ok(())
}
