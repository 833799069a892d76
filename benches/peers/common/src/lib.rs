//! Code shared by the peers: settings from the environment, the global allocator, responses, the table of routes, and
//! listening sockets with `SO_REUSEPORT`.
pub mod kit;

use std::net::TcpListener;
use std::os::fd::FromRawFd;

#[global_allocator]
static ALLOC: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub const HELLO: &str = "Hello, World!";

/// The number of middleware around `/layered/plaintext`: each checks the response and marks it if it is a 5xx.
pub const LAYERS: usize = 10;

/// The patterns of the table of 200 routes, two parameters each, in the notation of a framework.
pub fn table(id: &str, slug: &str) -> Vec<String> {
    (0..200).map(|n| format!("/table{n}/{id}/posts/{slug}")).collect()
}

#[derive(serde::Serialize, Clone, Copy)]
pub struct Message {
    pub message: &'static str,
}

impl Message {
    pub fn hello() -> Self {
        Self { message: HELLO }
    }
}

fn env(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

pub fn port() -> u16 {
    env("PORT", 8080) as u16
}

pub fn threads() -> usize {
    env("THREADS", 1)
}

pub fn addr() -> String {
    format!("127.0.0.1:{}", port())
}

/// The files of the certificate and its key, for servers that speak TLS.
pub fn certificate() -> Option<(String, String)> {
    Some((std::env::var("TLS_CERT").ok()?, std::env::var("TLS_KEY").ok()?))
}

pub fn static_dir() -> String {
    std::env::var("STATIC_DIR").unwrap_or_else(|_| "static".into())
}

/// A non-blocking listener on 127.0.0.1:$PORT with SO_REUSEPORT and a backlog of 4096.
pub fn listener() -> TcpListener {
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0);
        let one = 1i32;
        for opt in [libc::SO_REUSEADDR, libc::SO_REUSEPORT] {
            libc::setsockopt(fd, libc::SOL_SOCKET, opt, (&raw const one).cast(), 4);
        }
        let mut a: libc::sockaddr_in = std::mem::zeroed();
        a.sin_family = libc::AF_INET as u16;
        a.sin_port = port().to_be();
        a.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let bound = libc::bind(fd, (&raw const a).cast(), size_of_val(&a) as u32);
        assert!(bound == 0 && libc::listen(fd, 4096) == 0, "cannot listen on {}", addr());
        TcpListener::from_raw_fd(fd)
    }
}

/// Run `serve` on tokio. RT=tpc (the default): one current_thread runtime and one SO_REUSEPORT
/// listener a thread. RT=mt: the multi-thread runtime that `#[tokio::main]` gives.
#[cfg(feature = "tokio")]
pub fn run_tokio<F, Fut>(serve: F)
where
    F: Fn(tokio::net::TcpListener) -> Fut + Copy + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    use tokio::runtime::Builder;
    let start = move || async move {
        let listener = tokio::net::TcpListener::from_std(listener()).unwrap();
        serve(listener).await
    };
    if std::env::var("RT").is_ok_and(|v| v == "mt") {
        let rt = Builder::new_multi_thread().worker_threads(threads()).enable_all().build().unwrap();
        rt.block_on(async { tokio::spawn(start()).await.unwrap() });
        return;
    }
    let one = move || Builder::new_current_thread().enable_all().build().unwrap().block_on(start());
    let others: Vec<_> = (1..threads()).map(|_| std::thread::spawn(one)).collect();
    one();
    others.into_iter().for_each(|t| t.join().unwrap());
}
