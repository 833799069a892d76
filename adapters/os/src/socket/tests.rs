use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::*;
use stelo_runtime::check::Folder;

fn unix(path: &Path) -> io::Result<Socket> {
    Socket::bind(&Bind::Unix(path.to_path_buf()))
}

fn tcp(address: &str) -> Socket {
    Socket::bind(&Bind::Tcp(address.parse().unwrap())).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn reason(result: io::Result<Socket>) -> (ErrorKind, Option<SocketError>) {
    let error = result.unwrap_err();
    (error.kind(), error.get_ref().and_then(|inner| inner.downcast_ref()).copied())
}

#[test]
fn the_file_is_writable_by_every_user_and_removed_with_its_socket() {
    let folder = Folder::new();
    let socket = unix(&folder.socket()).unwrap();
    assert_eq!(mode(&folder.socket()), 0o666);
    assert_eq!(socket.local_address().unwrap(), Address::Unix(folder.socket().to_string_lossy().into()));
    drop(socket);
    assert!(!folder.socket().exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_after_an_at_sign_has_no_file() {
    let name = format!("@stelo-os-{}", std::process::id());
    let socket = unix(Path::new(&name)).unwrap();
    let address = Address::Unix(name.as_str().into());
    assert_eq!(socket.local_address().unwrap(), address);
    assert!(!Path::new(&name).exists());
    assert_eq!(unix(Path::new(&name)).unwrap_err().kind(), ErrorKind::AddrInUse);
    let listener = socket.share().unwrap().listen(8).unwrap();
    assert!(connect(&address).is_ok());
    drop((socket, listener));
    assert!(unix(Path::new(&name)).is_ok());
}

#[test]
fn the_file_is_removed_with_the_last_listener() {
    let folder = Folder::new();
    let socket = unix(&folder.socket()).unwrap();
    let other = socket.share().unwrap().listen(8).unwrap();
    drop(socket.listen(8).unwrap());
    assert!(UnixStream::connect(folder.socket()).is_ok());
    drop(other);
    assert!(!folder.socket().exists());
}

#[test]
fn an_abandoned_file_is_replaced_and_its_mode_kept() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.socket()).unwrap());
    fs::set_permissions(folder.socket(), Permissions::from_mode(0o640)).unwrap();
    let _socket = unix(&folder.socket()).unwrap();
    assert_eq!(mode(&folder.socket()), 0o640);
}

#[test]
fn a_socket_with_a_listener_is_not_replaced() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    assert_eq!(reason(unix(&folder.socket())), (ErrorKind::AddrInUse, Some(SocketError::InUse)));
    drop(listener);

    // A listener whose queue is full gives `WouldBlock` instead.
    let busy = unix(&folder.socket()).unwrap().listen(0).unwrap();
    let _queued = UnixStream::connect(folder.socket()).unwrap();
    assert_eq!(reason(unix(&folder.socket())), (ErrorKind::AddrInUse, Some(SocketError::InUse)));
    drop(busy);
}

#[test]
fn a_file_that_is_not_a_socket_is_not_replaced() {
    let folder = Folder::new();
    fs::write(folder.socket(), "precious").unwrap();
    let refused = (ErrorKind::AlreadyExists, Some(SocketError::NotASocket));
    assert_eq!(reason(unix(&folder.socket())), refused);
    assert_eq!(fs::read_to_string(folder.socket()).unwrap(), "precious");
    assert_eq!(reason(unix(folder.path())), refused);

    // A symbolic link may point to any file.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
    assert_eq!(reason(unix(&link)), refused);
}

#[test]
fn a_file_that_has_replaced_the_socket_file_is_not_removed() {
    let folder = Folder::new();
    let socket = unix(&folder.socket()).unwrap();
    fs::remove_file(folder.socket()).unwrap();
    let _other = UnixListener::bind(folder.socket()).unwrap();
    drop(socket);
    assert!(folder.socket().exists());
}

#[test]
fn a_missing_folder_is_an_error() {
    let folder = Folder::new();
    assert_eq!(reason(unix(&folder.path().join("none/socket"))).0, ErrorKind::NotFound);
    // Longer than `sun_path`.
    assert_eq!(reason(unix(&folder.path().join("x".repeat(200)))).0, ErrorKind::InvalidInput);
}

#[test]
fn a_taken_port_is_noticed_before_it_is_shared() {
    let first = tcp("127.0.0.1:0");
    let Address::Ip(address) = first.local_address().unwrap() else { panic!() };
    let _shared = first.share().unwrap();
    let _listener = first.listen(8).unwrap();
    // A socket without SO_REUSEPORT cannot bind the address.
    assert_eq!(reason(Socket::bind(&Bind::Tcp(address))).0, ErrorKind::AddrInUse);
}

#[test]
fn inherited_sockets_keep_their_address() {
    let folder = Folder::new();
    let bound = tcp("127.0.0.1:0");
    let Socket::Tcp(original) = &bound else { panic!() };
    let adopted = Socket::bind(&Bind::Fd(original.as_raw_fd())).unwrap();
    assert_eq!(adopted.local_address().unwrap(), bound.local_address().unwrap());
    assert!(matches!(adopted.share().unwrap().listen(8).unwrap(), Listener::Tcp(..)));

    let original = UnixListener::bind(folder.socket()).unwrap();
    let adopted = Socket::bind(&Bind::Fd(original.as_raw_fd())).unwrap();
    assert!(matches!(adopted.listen(8).unwrap(), Listener::Unix(None, _)));
    assert!(folder.socket().exists());
}

#[test]
fn descriptors_that_cannot_listen_are_rejected() {
    let refused = |fd| reason(Socket::bind(&Bind::Fd(fd)));
    for fd in [-1, i32::MIN, i32::MAX, 999_999] {
        assert_eq!(refused(fd), (ErrorKind::InvalidInput, Some(SocketError::NotOpen)));
    }
    let file = File::open("/dev/null").unwrap();
    assert_eq!(refused(file.as_raw_fd()).1, Some(SocketError::NotAStream));
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(refused(datagrams.as_raw_fd()).1, Some(SocketError::NotAStream));
    let (nameless, _peer) = UnixStream::pair().unwrap();
    assert_eq!(refused(nameless.as_raw_fd()).1, Some(SocketError::Unbound));
    let unbound = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    assert_eq!(refused(unbound.as_raw_fd()).1, Some(SocketError::Unbound));
}

#[test]
fn accepted_connections_have_nodelay() {
    let address = "127.0.0.1:0".parse().unwrap();
    let socket = Socket::bind(&Bind::Tcp(address)).unwrap();
    let Listener::Tcp(listener, Some(address)) = socket.listen(8).unwrap() else { panic!() };
    listener.set_nonblocking(false).unwrap();
    let _client = TcpStream::connect(*address).unwrap();
    let (connection, _) = listener.accept().unwrap();
    set_nodelay(&connection).unwrap();
    assert!(connection.nodelay().unwrap());
}

#[test]
fn accepted_connections_inherit_tcp_keep_alive_from_their_listener() {
    let seconds = Duration::from_secs;
    let keep_alive = KeepAlive { idle: Duration::from_millis(59_001), interval: seconds(10), probes: 3 };
    let bound = tcp("127.0.0.1:0");
    bound.set_keep_alive(keep_alive).unwrap();
    // The option belongs to one socket; a second one at the same address does not have it.
    let bare = bound.share().unwrap();
    let set = bound.share().unwrap();
    set.set_keep_alive(keep_alive).unwrap();
    drop(bare);
    for socket in [bound, set] {
        let Listener::Tcp(listener, Some(address)) = socket.listen(8).unwrap() else { panic!() };
        listener.set_nonblocking(false).unwrap();
        let _client = TcpStream::connect(*address).unwrap();
        let (connection, _) = listener.accept().unwrap();
        let accepted = SockRef::from(&connection);
        assert!(accepted.keepalive().unwrap());
        let times = (accepted.tcp_keepalive_time().unwrap(), accepted.tcp_keepalive_interval().unwrap());
        assert_eq!(times, (seconds(60), seconds(10)));
        assert_eq!(accepted.tcp_keepalive_retries().unwrap(), 3);
    }
}

#[test]
fn tcp_keep_alive_does_not_concern_unix_sockets() {
    let keep_alive = KeepAlive { idle: Duration::from_secs(1), interval: Duration::from_secs(1), probes: 1 };
    let folder = Folder::new();
    unix(&folder.socket()).unwrap().set_keep_alive(keep_alive).unwrap();
    let zero = KeepAlive { idle: Duration::ZERO, ..keep_alive };
    assert!(tcp("127.0.0.1:0").set_keep_alive(zero).is_err());
}

#[test]
fn a_listener_at_every_address_does_not_know_the_address_of_a_connection() {
    let address = "0.0.0.0:0".parse().unwrap();
    let socket = Socket::bind(&Bind::Tcp(address)).unwrap();
    assert!(matches!(socket.listen(8).unwrap(), Listener::Tcp(_, None)));
}

#[test]
fn a_socket_that_is_handed_over_keeps_its_file() {
    let folder = Folder::new();
    let bind = Bind::Unix(folder.socket());
    let old = Socket::bind(&bind).unwrap();
    let new = Socket::adopt(&bind, old.as_fd().try_clone_to_owned().unwrap()).unwrap();
    // The new process fails, and the old one goes on.
    drop(new);
    assert!(folder.socket().exists());
    let new = Socket::adopt(&bind, old.as_fd().try_clone_to_owned().unwrap()).unwrap();
    new.set_file_removed(true);
    old.set_file_removed(false);
    drop(old);
    assert!(folder.socket().exists());
    assert_eq!(new.local_address().unwrap(), Address::Unix(folder.socket().to_string_lossy().into()));
    drop(new);
    assert!(!folder.socket().exists());

    let null = File::open("/dev/null").unwrap();
    assert_eq!(reason(Socket::adopt(&bind, null.into())).1, Some(SocketError::NotAStream));
}
