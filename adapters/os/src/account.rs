//! Users and groups of the system, and changing to them.

// Calls of the C library that have no safe form: look-ups that write to a buffer, and changes that concern all threads.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::ptr;

/// The first size of the buffer for an entry, and the largest: a group has the names of all its members.
const FIRST: usize = 1024;
const LAST: usize = 1024 * 1024;

/// A user of the system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The number of the user.
    pub id: u32,
    /// The number of its primary group.
    pub group: u32,
    name: CString,
}

/// Returns the user of this name or number; `None` if the system knows none.
///
/// ```
/// let root = stelo_os::account::user("root")?.unwrap();
/// assert_eq!((root.id, root.group), (0, 0));
/// assert_eq!(stelo_os::account::user("0")?, Some(root));
/// assert_eq!(stelo_os::account::user("no such user")?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Returns the errors of the system.
pub fn user(name: &str) -> io::Result<Option<User>> {
    let Ok(c_name) = CString::new(name) else { return Ok(None) };
    let number = name.parse::<u32>().ok();
    let call = |entry: *mut libc::passwd, buffer: &mut [libc::c_char], found: *mut *mut libc::passwd| {
        let (start, len) = (buffer.as_mut_ptr(), buffer.len());
        // SAFETY: the name ends with a zero, the other pointers are valid for writes, and the length is that of the buffer.
        unsafe {
            match number {
                Some(number) => libc::getpwuid_r(number, entry, start, len, found),
                None => libc::getpwnam_r(c_name.as_ptr(), entry, start, len, found),
            }
        }
    };
    look_up(call, |entry| User {
        id: entry.pw_uid,
        group: entry.pw_gid,
        // SAFETY: an entry that was found has a name, which ends with a zero, in the buffer, which still exists.
        name: unsafe { CStr::from_ptr(entry.pw_name) }.into(),
    })
}

/// Returns the number of the group of this name; `None` if the system knows none. A number is itself.
///
/// # Errors
/// Returns the errors of the system.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let Ok(name) = CString::new(name) else { return Ok(None) };
    let call = |entry: *mut libc::group, buffer: &mut [libc::c_char], found: *mut *mut libc::group| {
        // SAFETY: the name ends with a zero, the other pointers are valid for writes, and the length is that of the buffer.
        unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found) }
    };
    look_up(call, |entry| entry.gr_gid)
}

/// Calls a function that fills an entry and its buffer, with larger buffers until the entry fits.
fn look_up<E, T>(
    call: impl Fn(*mut E, &mut [libc::c_char], *mut *mut E) -> libc::c_int,
    read: impl FnOnce(&E) -> T,
) -> io::Result<Option<T>> {
    let mut buffer: Vec<libc::c_char> = vec![0; FIRST];
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = ptr::null_mut();
        match call(entry.as_mut_ptr(), &mut buffer, &raw mut found) {
            0 if found.is_null() => return Ok(None),
            // SAFETY: the function has found an entry, so it has filled it; it borrows from the buffer, which still exists.
            0 => return Ok(Some(read(unsafe { entry.assume_init_ref() }))),
            libc::ERANGE if buffer.len() < LAST => buffer.resize(buffer.len() * 2, 0),
            libc::EINTR => {}
            // Some systems say this for an unknown name.
            libc::ENOENT | libc::ESRCH => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Changes all threads of the process to a user and a group, for good, with the further groups of the user. Does nothing if
/// the process has both already.
///
/// # Errors
/// Returns `PermissionDenied` unless the process belongs to root.
pub fn assume(user: Option<&User>, group: Option<u32>) -> io::Result<()> {
    let group = group.or(user.map(|user| user.group));
    let has_user = user.is_none_or(|user| rustix::process::geteuid().as_raw() == user.id);
    let has_group = group.is_none_or(|group| rustix::process::getegid().as_raw() == group);
    if has_user && has_group {
        return Ok(());
    }
    if let Some(group) = group {
        // The type of the second argument of `initgroups` differs between systems.
        #[allow(clippy::useless_conversion)]
        let number = group.try_into().map_err(|_| ErrorKind::InvalidInput)?;
        let changed = match user {
            // SAFETY: the name ends with a zero.
            Some(user) => unsafe { libc::initgroups(user.name.as_ptr(), number) },
            // SAFETY: the pointer is valid for the one group.
            None => unsafe { libc::setgroups(1, &raw const group) },
        };
        done(changed)?;
        // SAFETY: the call takes no pointer. The C library changes all threads.
        done(unsafe { libc::setgid(group) })?;
    }
    match user {
        // Last, because the new user may not change groups.
        // SAFETY: as above.
        Some(user) => done(unsafe { libc::setuid(user.id) }),
        None => Ok(()),
    }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_number() {
        assert_eq!(group("0").unwrap(), Some(0));
        assert_eq!(group("12345").unwrap(), Some(12345));
        assert!(group("no such group").unwrap().is_none() && group("a\0b").unwrap().is_none());
        assert!(user("a\0b").unwrap().is_none() && user("4294967294").unwrap().is_none());
    }

    #[test]
    fn a_process_may_become_what_it_is() {
        let own = user(&rustix::process::geteuid().as_raw().to_string()).unwrap();
        assume(own.as_ref(), Some(rustix::process::getegid().as_raw())).unwrap();
        assume(None, None).unwrap();
    }
}
