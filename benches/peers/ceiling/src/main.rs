//! The ceiling: no HTTP parse, one thread. The first request of a connection is taken to end with
//! its first blank line; every later one is assumed to be as long, and each gets the same fixed
//! response. IO=epoll (the default) or IO=uring.
use std::os::fd::{AsRawFd, RawFd};

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\ndate: Fri, 20 Nov 2026 22:55:06 GMT\r\n\r\nHello, World!";
/// As many responses as one read of requests can ask for.
const MANY: usize = 1024;

#[derive(Clone, Copy, Default)]
struct Conn {
    request: usize,
    partial: usize,
}

impl Conn {
    /// The number of requests that are complete with these bytes.
    fn count(&mut self, bytes: &[u8]) -> usize {
        if self.request == 0 {
            self.request = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        }
        let have = self.partial + bytes.len();
        self.partial = have % self.request;
        have / self.request
    }
}

fn epoll(listener: RawFd, responses: &[u8]) {
    let mut conns = vec![Conn::default(); 65536];
    let mut buf = vec![0u8; 32768];
    let mut events: [libc::epoll_event; 512] = unsafe { std::mem::zeroed() };
    unsafe {
        let ep = libc::epoll_create1(0);
        let watch = |fd: RawFd| {
            let mut e = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd as u64 };
            libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, fd, &mut e);
        };
        watch(listener);
        loop {
            let n = libc::epoll_wait(ep, events.as_mut_ptr(), 512, -1);
            for e in &events[..n.max(0) as usize] {
                let fd = e.u64 as RawFd;
                if fd == listener {
                    let fd = libc::accept4(
                        listener,
                        std::ptr::null_mut(),
                        std::ptr::null_mut(),
                        libc::SOCK_NONBLOCK,
                    );
                    if fd >= 0 {
                        conns[fd as usize] = Conn::default();
                        watch(fd);
                    }
                    continue;
                }
                let n = libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), 0);
                if n <= 0 {
                    libc::close(fd);
                    continue;
                }
                let count = conns[fd as usize].count(&buf[..n as usize]);
                if count > 0 {
                    libc::send(fd, responses.as_ptr().cast(), count * RESPONSE.len(), libc::MSG_NOSIGNAL);
                }
            }
        }
    }
}

/// Multishot accept and receive into a ring of provided buffers; one `io_uring_enter` per iteration.
fn uring(listener: RawFd, responses: &[u8]) {
    use io_uring::{IoUring, cqueue, opcode, squeue, types};
    const ACCEPT: u64 = 1 << 32;
    const SEND: u64 = 2 << 32;
    const RECV: u64 = 3 << 32;
    const BUFS: u16 = 1024;
    const SIZE: usize = 4096;
    let mut ring: IoUring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_cqsize(8192)
        .build(1024)
        .expect("io_uring");
    let mut conns = vec![Conn::default(); 65536];
    let mut bufs = vec![0u8; BUFS as usize * SIZE];
    let push = |ring: &mut IoUring, e: squeue::Entry| unsafe {
        while ring.submission().push(&e).is_err() {
            ring.submit().unwrap();
        }
    };
    // the ring of buffers: page-aligned entries, the tail lies in the first one
    let entries = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            BUFS as usize * size_of::<types::BufRingEntry>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_ANONYMOUS | libc::MAP_PRIVATE,
            -1,
            0,
        ) as *mut types::BufRingEntry
    };
    unsafe { ring.submitter().register_buf_ring_with_flags(entries as u64, BUFS, 0, 0).unwrap() };
    let tail = unsafe { types::BufRingEntry::tail(entries) as *const std::sync::atomic::AtomicU16 };
    let mut free = 0u16;
    let mut give = |bid: u16, bufs: &mut [u8]| unsafe {
        let e = &mut *entries.add((free % BUFS) as usize);
        e.set_addr(bufs.as_mut_ptr().add(bid as usize * SIZE) as u64);
        e.set_len(SIZE as u32);
        e.set_bid(bid);
        free = free.wrapping_add(1);
        (*tail).store(free, std::sync::atomic::Ordering::Release);
    };
    (0..BUFS).for_each(|bid| give(bid, &mut bufs));
    let recv = |fd: i32| opcode::RecvMulti::new(types::Fd(fd), 0).build().user_data(RECV | fd as u64);
    push(&mut ring, opcode::AcceptMulti::new(types::Fd(listener)).build().user_data(ACCEPT));
    let mut done: Vec<cqueue::Entry> = Vec::new();
    loop {
        ring.submit_and_wait(1).unwrap();
        done.extend(ring.completion());
        for c in done.drain(..) {
            let (kind, fd, result) = (c.user_data() & !0xFFFF_FFFF, c.user_data() as i32, c.result());
            match kind {
                ACCEPT if result >= 0 => {
                    conns[result as usize] = Conn::default();
                    push(&mut ring, recv(result));
                }
                RECV => {
                    if let Some(bid) = cqueue::buffer_select(c.flags()) {
                        if result > 0 {
                            let at = bid as usize * SIZE;
                            let count = conns[fd as usize].count(&bufs[at..at + result as usize]);
                            let len = (count * RESPONSE.len()) as u32;
                            let send = opcode::Send::new(types::Fd(fd), responses.as_ptr(), len);
                            push(
                                &mut ring,
                                send.flags(libc::MSG_NOSIGNAL)
                                    .build()
                                    .user_data(SEND)
                                    .flags(squeue::Flags::SKIP_SUCCESS),
                            );
                        }
                        give(bid, &mut bufs);
                    }
                    if result == 0 || (result < 0 && result != -libc::ENOBUFS) {
                        unsafe { libc::close(fd) };
                    } else if !cqueue::more(c.flags()) {
                        push(&mut ring, recv(fd));
                    }
                }
                _ => {}
            }
        }
    }
}

fn main() {
    let listener = common::listener();
    let responses = RESPONSE.repeat(MANY);
    match std::env::var("IO").as_deref() {
        Ok("uring") => uring(listener.as_raw_fd(), &responses),
        _ => epoll(listener.as_raw_fd(), &responses),
    }
}
