//! The listening sockets of a server: bound once, then shared among its threads.
//!
//! A host may be a name with several addresses, and there may be several hosts. Each address has its own socket, except
//! that `::` also accepts IPv4. Where the system chooses the port, all addresses get the same port.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv6Addr, ToSocketAddrs};

use stelo_core::app::Address;
use stelo_os::socket::Socket;
use stelo_runtime::{Bind, Runtime};

use crate::{Config, ConfigError, Listen, ServeError, messages};

/// The sockets of an old supervisor, with what its settings call them.
pub(crate) type HandedOver = Vec<(Bind, Socket)>;

/// A socket, with the address that was asked for.
pub(crate) struct Bound<S> {
    pub(crate) bind: Bind,
    pub(crate) socket: S,
    /// Whether its connections begin with TLS.
    pub(crate) secure: bool,
}

/// The sockets of one thread.
pub(crate) type Sockets<R> = Vec<Bound<<R as Runtime>::Socket>>;

/// The address of a socket, as asked for and as it is, and whether its connections begin with TLS.
pub(crate) type Listening = (Bind, Address, bool);

/// The part of a runtime that opens sockets.
trait Opens {
    type Socket;

    fn bind(&self, bind: &Bind) -> io::Result<Self::Socket>;
    fn local_address(&self, socket: &Self::Socket) -> io::Result<Address>;
}

/// Sockets of an executor.
struct Of<'a, R>(&'a R);

impl<R: Runtime> Opens for Of<'_, R> {
    type Socket = R::Socket;

    fn bind(&self, bind: &Bind) -> io::Result<R::Socket> {
        self.0.bind(bind)
    }

    fn local_address(&self, socket: &R::Socket) -> io::Result<Address> {
        self.0.local_address(socket)
    }
}

/// Sockets without an executor: those of an old supervisor, or else new ones.
struct Plain(RefCell<HandedOver>);

impl Opens for Plain {
    type Socket = Socket;

    fn bind(&self, bind: &Bind) -> io::Result<Socket> {
        let mut handed_over = self.0.borrow_mut();
        match handed_over.iter().position(|(old, _)| old == bind) {
            Some(i) => Ok(handed_over.swap_remove(i).1),
            None => Socket::bind(bind),
        }
    }

    fn local_address(&self, socket: &Socket) -> io::Result<Address> {
        socket.local_address()
    }
}

/// The number of ports that the system chooses before the server gives up. A port that is free at one address may be
/// in use at another.
const ATTEMPTS: usize = 32;

/// Binds what the configuration names, for each of `threads`.
pub(crate) fn bind<R: Runtime>(
    runtime: &R,
    config: &Config,
    threads: usize,
) -> Result<Vec<Sockets<R>>, ServeError> {
    let mut all: Vec<Sockets<R>> = (0..threads).map(|_| Vec::new()).collect();
    let keep_alive = config.tcp_keepalive.options();
    for Bound { bind, socket: first, secure } in bind_both(&Of(runtime), config)? {
        let set = |socket: &R::Socket| match keep_alive {
            Some(keep_alive) => runtime.set_keep_alive(socket, keep_alive),
            None => Ok(()),
        };
        let fail = |source| ServeError::bind(&bind, source);
        set(&first).map_err(fail)?;
        for sockets in all.iter_mut().skip(1) {
            let shared = runtime.share(&first).map_err(fail)?;
            set(&shared).map_err(fail)?;
            sockets.push(Bound { bind: bind.clone(), socket: shared, secure });
        }
        if let Some(sockets) = all.first_mut() {
            sockets.push(Bound { bind, socket: first, secure });
        }
    }
    Ok(all)
}

/// Binds what the configuration names, for worker processes, which share each socket. Takes the sockets of an old supervisor
/// that it names, too, and closes the others.
pub(crate) fn bind_plain(config: &Config, handed_over: HandedOver) -> Result<Vec<Bound<Socket>>, ServeError> {
    bind_both(&Plain(RefCell::new(handed_over)), config)
}

/// Binds the socket of `--admin`: the first address of its host that can be had. Takes that of an old supervisor, if it is
/// the same.
pub(crate) fn bind_admin(
    listen: &Listen,
    handed_over: Option<(Bind, Socket)>,
) -> Result<(Bind, Socket), ServeError> {
    if let Listen::Descriptor(fd) = listen {
        return Err(ServeError::bind(&Bind::Fd(*fd), ErrorKind::Unsupported.into()));
    }
    let opens = Plain(RefCell::new(handed_over.into_iter().collect()));
    let mut failed = None;
    for bind in hosts(std::slice::from_ref(listen), false)?.into_iter().flatten() {
        match opens.bind(&bind) {
            Ok(socket) => return Ok((bind, socket)),
            Err(source) => failed = failed.or(Some(ServeError::bind(&bind, source))),
        }
    }
    // A host has an address, or has been refused.
    Err(failed.unwrap_or(ConfigError::NoListener.into()))
}

/// Binds the sockets of the server, and those that speak plain HTTP beside TLS.
fn bind_both<O: Opens>(opens: &O, config: &Config) -> Result<Vec<Bound<O::Socket>>, ServeError> {
    let mut all = Vec::new();
    for (listen, secure) in [(&config.listen, config.ssl.is_on()), (&config.ssl.insecure, false)] {
        let sockets = bind_all(opens, &hosts(listen, config.ipv6_only)?)?;
        all.extend(sockets.into_iter().map(|(bind, socket)| Bound { bind, socket, secure }));
    }
    Ok(all)
}

/// Returns the addresses that sockets are bound to, with the ports that the system has chosen.
pub(crate) fn addresses<R: Runtime>(runtime: &R, sockets: &Sockets<R>) -> Result<Vec<Listening>, ServeError> {
    let address = |Bound { bind, socket, secure }: &Bound<R::Socket>| match runtime.local_address(socket) {
        Ok(address) => Ok((bind.clone(), address, *secure)),
        Err(source) => Err(ServeError::Listen { address: bind.clone(), source }),
    };
    sockets.iter().map(address).collect()
}

/// Binds one socket for each address. Tries further ports if the system chooses one that some address cannot have.
fn bind_all<O: Opens>(opens: &O, hosts: &[Vec<Bind>]) -> Result<Vec<(Bind, O::Socket)>, ServeError> {
    let open = hosts.iter().flatten().filter(|bind| port(bind) == Some(0)).count();
    let mut attempts = if open > 1 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_once(opens, hosts) {
            Err(ServeError::Bind { source, .. }) if source.kind() == ErrorKind::AddrInUse && attempts > 0 => {
            }
            result => return result,
        }
    }
}

fn bind_once<O: Opens>(opens: &O, hosts: &[Vec<Bind>]) -> Result<Vec<(Bind, O::Socket)>, ServeError> {
    let mut sockets = Vec::new();
    let mut chosen = 0;
    for binds in hosts {
        let bound = sockets.len();
        let mut skipped = None;
        for bind in binds {
            let bind = with_port(bind, chosen);
            match opens.bind(&bind) {
                Ok(socket) => {
                    if port(&bind) == Some(0)
                        && let Ok(Address::Ip(address)) = opens.local_address(&socket)
                    {
                        chosen = address.port();
                    }
                    sockets.push((bind, socket));
                }
                // `localhost` often has an IPv6 address on machines without IPv6.
                Err(source) if source.kind() == ErrorKind::AddrNotAvailable && binds.len() > 1 => {
                    skipped = Some(ServeError::bind(&bind, source));
                }
                Err(source) => return Err(ServeError::bind(&bind, source)),
            }
        }
        match skipped {
            Some(error) if sockets.len() == bound => return Err(error),
            Some(error) => messages::address_skipped(&error),
            None => {}
        }
    }
    Ok(sockets)
}

/// Returns what to bind: for each host its addresses.
fn hosts(listens: &[Listen], ipv6_only: bool) -> Result<Vec<Vec<Bind>>, ServeError> {
    let mut hosts: Vec<Vec<Bind>> = Vec::new();
    for listen in listens {
        let mut binds = match listen {
            Listen::Unix(path) => vec![Bind::Unix(path.clone())],
            Listen::Descriptor(fd) => vec![Bind::Fd(*fd)],
            Listen::Tcp { host, port } => resolve(host, *port, ipv6_only)?,
        };
        binds.retain(|bind| !hosts.iter().flatten().any(|other| other == bind));
        hosts.push(binds);
    }
    // Systems refuse an address beside one that includes it.
    let all: Vec<Bind> = hosts.iter().flatten().cloned().collect();
    for binds in &mut hosts {
        binds.retain(|bind| !all.iter().any(|other| other != bind && includes(other, bind)));
    }
    Ok(hosts)
}

/// Whether a socket accepts all that another one would.
fn includes(wide: &Bind, narrow: &Bind) -> bool {
    match (wide, narrow) {
        (Bind::DualStack(port), Bind::Tcp(address)) => address.port() == *port,
        (Bind::Tcp(wide), Bind::Tcp(narrow)) => {
            wide.ip().is_unspecified() && wide.is_ipv4() == narrow.is_ipv4() && wide.port() == narrow.port()
        }
        _ => false,
    }
}

fn resolve(host: &str, port: u16, ipv6_only: bool) -> Result<Vec<Bind>, ServeError> {
    let fail = |source| ServeError::Resolve { host: host.into(), source };
    // An IPv6 address may have brackets, as in a URL.
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let addresses = (bare, port).to_socket_addrs().map_err(fail)?;
    let mut binds: Vec<Bind> = Vec::new();
    for address in addresses {
        let bind = match address.ip().to_canonical() {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) if !ipv6_only => Bind::DualStack(port),
            // An IPv6 socket that does not accept IPv4 cannot have an IPv4-mapped address.
            ip @ IpAddr::V4(_) => Bind::Tcp((ip, port).into()),
            IpAddr::V6(_) => Bind::Tcp(address),
        };
        if !binds.contains(&bind) {
            binds.push(bind);
        }
    }
    if binds.is_empty() { Err(fail(ErrorKind::NotFound.into())) } else { Ok(binds) }
}

/// Returns the port of a TCP socket.
fn port(bind: &Bind) -> Option<u16> {
    match bind {
        Bind::Tcp(address) => Some(address.port()),
        Bind::DualStack(port) => Some(*port),
        Bind::Unix(_) | Bind::Fd(_) => None,
    }
}

/// Returns what to bind once the system has chosen a port, if it has.
fn with_port(bind: &Bind, chosen: u16) -> Bind {
    match *bind {
        Bind::Tcp(mut address) if address.port() == 0 => {
            address.set_port(chosen);
            Bind::Tcp(address)
        }
        Bind::DualStack(0) => Bind::DualStack(chosen),
        ref other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binds(config: &Config) -> Vec<Bind> {
        hosts(&config.listen, config.ipv6_only).unwrap().into_iter().flatten().collect()
    }

    #[test]
    fn an_address_that_another_one_includes_has_no_socket_of_its_own() {
        let tcp = |address: &str| Bind::Tcp(address.parse().unwrap());
        let on = |hosts: &[&str]| Config::new().hosts(hosts.iter().copied()).port(80);
        for (config, expected) in [
            (on(&["::"]), vec![Bind::DualStack(80)]),
            (on(&["127.0.0.1", "[::]", "::1", "0.0.0.0"]), vec![Bind::DualStack(80)]),
            (on(&["::", "::1"]).ipv6_only(true), vec![tcp("[::]:80")]),
            (on(&["0.0.0.0", "::"]).ipv6_only(true), vec![tcp("0.0.0.0:80"), tcp("[::]:80")]),
            (on(&["127.0.0.1", "0.0.0.0", "::1"]), vec![tcp("0.0.0.0:80"), tcp("[::1]:80")]),
            (on(&["127.0.0.1", "127.0.0.2"]), vec![tcp("127.0.0.1:80"), tcp("127.0.0.2:80")]),
            (on(&["::ffff:127.0.0.1", "127.0.0.1"]), vec![tcp("127.0.0.1:80")]),
            (on(&["::1"]), vec![tcp("[::1]:80")]),
        ] {
            assert_eq!(binds(&config), expected, "{:?}", config.listen);
        }
    }
}
