//! The listening sockets of a server: bound once, then shared among its threads.

use std::io;
use std::net::ToSocketAddrs;

use stelo_core::app::Address;
use stelo_runtime::{Bind, Runtime};

use crate::{Config, Listen, ServeError};

/// The sockets of one thread, with the addresses that were asked for.
pub(crate) type Sockets<R> = Vec<(Bind, <R as Runtime>::Socket)>;

/// Binds what the configuration names, for each of `threads`.
pub(crate) fn bind<R: Runtime>(
    runtime: &R,
    config: &Config,
    threads: usize,
) -> Result<Vec<Sockets<R>>, ServeError> {
    let mut all: Vec<Sockets<R>> = (0..threads).map(|_| Vec::new()).collect();
    for bind in binds(config)? {
        let fail = |source| ServeError::bind(&bind, source);
        let first = runtime.bind(&bind).map_err(fail)?;
        for sockets in all.iter_mut().skip(1) {
            sockets.push((bind.clone(), runtime.share(&first).map_err(fail)?));
        }
        if let Some(sockets) = all.first_mut() {
            sockets.push((bind, first));
        }
    }
    Ok(all)
}

/// Returns the addresses that sockets are bound to, with the ports that the system has chosen.
pub(crate) fn addresses<R: Runtime>(
    runtime: &R,
    sockets: &Sockets<R>,
) -> Result<Vec<(Bind, Address)>, ServeError> {
    let address = |(bind, socket): &(Bind, R::Socket)| match runtime.local_address(socket) {
        Ok(address) => Ok((bind.clone(), address)),
        Err(source) => Err(ServeError::Listen { address: bind.clone(), source }),
    };
    sockets.iter().map(address).collect()
}

/// Returns what to bind: for a host, each of its addresses.
fn binds(config: &Config) -> Result<Vec<Bind>, ServeError> {
    let mut binds: Vec<Bind> = Vec::new();
    for listen in &config.listen {
        match listen {
            Listen::Unix(path) => binds.push(Bind::Unix(path.clone())),
            Listen::Descriptor(fd) => binds.push(Bind::Fd(*fd)),
            Listen::Tcp { host, port } => {
                for bind in resolve(host, *port)? {
                    if !binds.contains(&bind) {
                        binds.push(bind);
                    }
                }
            }
        }
    }
    Ok(binds)
}

fn resolve(host: &str, port: u16) -> Result<Vec<Bind>, ServeError> {
    let fail = |source| ServeError::Resolve { host: host.into(), source };
    let addresses = (host, port).to_socket_addrs().map_err(fail)?;
    let binds: Vec<_> = addresses.map(Bind::Tcp).collect();
    if binds.is_empty() { Err(fail(io::ErrorKind::NotFound.into())) } else { Ok(binds) }
}
