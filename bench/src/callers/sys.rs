//! The system calls the callers live on: batches of datagrams with the kernel's time of arrival, sleeping to the
//! microsecond, a core of one's own.
#![expect(unsafe_code, reason = "these system calls take raw pointers; every block says why its pointers hold")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

/// Datagrams read or written in one system call.
pub const BATCH: usize = 32;
/// Longest datagram that is taken whole.
pub const DATAGRAM_BYTES_MAX: usize = 1_536;

/// Room for one batch of received datagrams. The pointers are laid once: what is read from often must be cheap to ask.
pub struct Inbox {
    bytes: Vec<[u8; DATAGRAM_BYTES_MAX]>,
    names: Vec<libc::sockaddr_in>,
    controls: Vec<[u64; CONTROL_WORDS]>,
    _parts: Vec<libc::iovec>,
    heads: Vec<libc::mmsghdr>,
}

// SAFETY: the pointers in `heads` and `_parts` lead into vectors of the same value, which never grow and so never move.
unsafe impl Send for Inbox {}

/// One datagram that came in.
pub struct Arrival<'a> {
    /// The sender.
    pub from: SocketAddrV4,
    /// When the kernel took it in, in nanoseconds of the wall clock; 0 if it did not say.
    pub at_ns: u64,
    /// What it holds.
    pub bytes: &'a mut [u8],
}

impl Inbox {
    /// Room for [`BATCH`] datagrams.
    pub fn new() -> Self {
        let mut bytes = vec![[0; DATAGRAM_BYTES_MAX]; BATCH];
        // SAFETY: all-zero bytes are valid for these plain C structures.
        let (mut names, mut heads) = unsafe {
            (vec![zeroed::<libc::sockaddr_in>(); BATCH], std::iter::repeat_with(|| zeroed()).take(BATCH).collect())
        };
        let mut controls = vec![[0; CONTROL_WORDS]; BATCH];
        let part = |room: &mut [u8; DATAGRAM_BYTES_MAX]| libc::iovec {
            iov_base: room.as_mut_ptr().cast(),
            iov_len: DATAGRAM_BYTES_MAX,
        };
        let mut parts: Vec<libc::iovec> = bytes.iter_mut().map(part).collect();
        let heads_of: &mut Vec<libc::mmsghdr> = &mut heads;
        for (at, head) in heads_of.iter_mut().enumerate() {
            head.msg_hdr.msg_name = (&raw mut names[at]).cast();
            head.msg_hdr.msg_iov = &raw mut parts[at];
            head.msg_hdr.msg_iovlen = 1;
            head.msg_hdr.msg_control = controls[at].as_mut_ptr().cast();
            reset(head);
        }
        Self { bytes, names, controls, _parts: parts, heads }
    }

    /// Reads at most [`BATCH`] datagrams from a non-blocking IPv4 socket and hands each to `take`. Gives how many;
    /// nothing there is no error.
    ///
    /// # Errors
    /// As `recvmmsg`.
    pub fn read(&mut self, socket: RawFd, mut take: impl FnMut(Arrival<'_>)) -> io::Result<usize> {
        // SAFETY: every pointer in `heads` leads into a vector of `self`, all of which live and stay where they are; the
        // lengths are theirs.
        let read = unsafe {
            libc::recvmmsg(socket, self.heads.as_mut_ptr(), BATCH as u32, libc::MSG_DONTWAIT, std::ptr::null_mut())
        };
        let Ok(read) = usize::try_from(read) else {
            let why = io::Error::last_os_error();
            return if why.kind() == io::ErrorKind::WouldBlock { Ok(0) } else { Err(why) };
        };
        for at in 0..read {
            let head = &mut self.heads[at];
            let name = &self.names[at];
            let from =
                SocketAddrV4::new(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr)), u16::from_be(name.sin_port));
            let at_ns = arrived(&head.msg_hdr);
            let length = (head.msg_len as usize).min(DATAGRAM_BYTES_MAX);
            reset(head);
            take(Arrival { from, at_ns, bytes: &mut self.bytes[at][..length] });
        }
        debug_assert!(self.controls.len() == BATCH, "the control room is the kernel's to fill");
        Ok(read)
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

fn reset(head: &mut libc::mmsghdr) {
    head.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    head.msg_hdr.msg_controllen = size_of::<[u64; CONTROL_WORDS]>() as _;
}

fn arrived(head: &libc::msghdr) -> u64 {
    // SAFETY: the system filled the control buffer of `head` and set its length; CMSG_FIRSTHDR stays inside it, and the
    // data is a timespec because level and type say so. It may be unaligned, so it is copied.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(head);
        match control.as_ref() {
            Some(first) if first.cmsg_level == libc::SOL_SOCKET && first.cmsg_type == libc::SCM_TIMESTAMPNS => {
                nanos(std::ptr::read_unaligned(libc::CMSG_DATA(control).cast::<libc::timespec>()))
            }
            _ => 0,
        }
    }
}

/// One batch of datagrams to leave by one socket.
pub struct Outbox {
    bytes: Vec<[u8; OUT_BYTES_MAX]>,
    names: Vec<libc::sockaddr_in>,
    parts: Vec<libc::iovec>,
    heads: Vec<libc::mmsghdr>,
    len: usize,
}

// SAFETY: as for `Inbox`.
unsafe impl Send for Outbox {}

impl Outbox {
    /// Room for [`BATCH`] datagrams of at most [`OUT_BYTES_MAX`] bytes.
    pub fn new() -> Self {
        let mut bytes = vec![[0; OUT_BYTES_MAX]; BATCH];
        // SAFETY: all-zero bytes are valid for these plain C structures.
        let (mut names, mut heads): (Vec<libc::sockaddr_in>, Vec<libc::mmsghdr>) =
            unsafe { (vec![zeroed(); BATCH], std::iter::repeat_with(|| zeroed()).take(BATCH).collect()) };
        let mut parts: Vec<libc::iovec> =
            bytes.iter_mut().map(|room| libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: 0 }).collect();
        for (at, head) in heads.iter_mut().enumerate() {
            head.msg_hdr.msg_name = (&raw mut names[at]).cast();
            head.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            head.msg_hdr.msg_iov = &raw mut parts[at];
            head.msg_hdr.msg_iovlen = 1;
        }
        Self { bytes, names, parts, heads, len: 0 }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether no more fits.
    pub fn is_full(&self) -> bool {
        self.len == BATCH
    }

    /// Adds one: `write` fills the room and gives the length.
    pub fn add(&mut self, to: SocketAddrV4, write: impl FnOnce(&mut [u8; OUT_BYTES_MAX]) -> usize) {
        if self.is_full() {
            return;
        }
        let at = self.len;
        let length = write(&mut self.bytes[at]).min(OUT_BYTES_MAX);
        if length == 0 {
            return;
        }
        self.parts[at].iov_len = length;
        self.names[at] = name_of(to);
        self.len += 1;
    }

    /// Sends what waits. Gives how many the system took.
    pub fn flush(&mut self, socket: RawFd) -> usize {
        let (mut at, mut sent) = (0, 0);
        while at < self.len {
            // SAFETY: every pointer in `heads` leads into a vector of `self`, all of which live and stay where they are.
            // The system does not write through `iov_base`.
            let took = unsafe {
                libc::sendmmsg(socket, self.heads[at..].as_mut_ptr(), (self.len - at) as u32, libc::MSG_DONTWAIT)
            };
            match usize::try_from(took) {
                Ok(took) if took > 0 => {
                    sent += took;
                    at += took;
                }
                // One that cannot be sent must not keep the others.
                _ => at += 1,
            }
        }
        self.len = 0;
        sent
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes a socket's reads say when each datagram came, and gives it room for bursts.
///
/// # Errors
/// As `setsockopt`.
pub fn prepare(socket: &UdpSocket, stamps: bool) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    if stamps {
        set_option(socket.as_raw_fd(), libc::SO_TIMESTAMPNS, 1)?;
    }
    // The system grants what its limits allow; less is no error.
    let _ = set_option(socket.as_raw_fd(), libc::SO_RCVBUF, SOCKET_BUFFER_BYTES);
    let _ = set_option(socket.as_raw_fd(), libc::SO_SNDBUF, SOCKET_BUFFER_BYTES);
    Ok(())
}

/// Waits for any of many sockets.
pub struct Watch {
    epoll: RawFd,
    events: Vec<libc::epoll_event>,
}

impl Watch {
    /// Watches sockets `0, 1, 2 …` of `sockets` for something to read.
    ///
    /// # Errors
    /// As `epoll_create1` and `epoll_ctl`.
    pub fn over(sockets: &[UdpSocket]) -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        for (at, socket) in sockets.iter().enumerate() {
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: at as u64 };
            // SAFETY: `event` is whole and outlives the call.
            if unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &raw mut event) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX] })
    }

    /// The sockets that can be read; waits at most `wait_ms`.
    pub fn ready(&mut self, wait_ms: i32) -> impl Iterator<Item = usize> + '_ {
        // SAFETY: `events` has room for EVENTS_MAX and outlives the call.
        let count = unsafe { libc::epoll_wait(self.epoll, self.events.as_mut_ptr(), EVENTS_MAX as i32, wait_ms) };
        let count = usize::try_from(count).unwrap_or(0);
        self.events[..count].iter().map(|event| event.u64 as usize)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours and is not used again.
        unsafe { libc::close(self.epoll) };
    }
}

/// Nanoseconds of the wall clock, the one the kernel stamps arrivals with.
pub fn wall_ns() -> u64 {
    read_clock(libc::CLOCK_REALTIME)
}

/// Nanoseconds of the clock that never jumps.
pub fn steady_ns() -> u64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

/// CPU time this thread has had, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time this process has had, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    read_clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Sleeps until that moment of the steady clock.
pub fn sleep_until(steady_ns: u64) {
    let at = libc::timespec {
        tv_sec: (steady_ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (steady_ns % 1_000_000_000) as _,
    };
    // SAFETY: `at` is whole and outlives the call; the rest of a broken sleep is not asked for.
    unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &raw const at, std::ptr::null_mut()) };
}

/// Lets timers of this thread fire when they are due, not up to 50 µs later.
pub fn want_exact_timers() {
    // SAFETY: takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1u64, 0u64, 0u64, 0u64) };
}

/// Binds this thread, and what it starts from now on, to one core.
///
/// # Errors
/// As `sched_setaffinity`.
pub fn pin_to(core: usize) -> io::Result<()> {
    // SAFETY: all-zero bytes are an empty set; CPU_SET stays inside it for a core below its size.
    let set = unsafe {
        let mut set = zeroed::<libc::cpu_set_t>();
        if core < libc::CPU_SETSIZE as usize {
            libc::CPU_SET(core, &mut set);
        }
        set
    };
    // SAFETY: `set` is whole and outlives the call.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs this thread, and what it starts from now on, before ordinary work (`SCHED_FIFO`) at a rank, or as ordinary work.
///
/// # Errors
/// As `sched_setscheduler`: it wants CAP_SYS_NICE.
pub fn run_first(rank: Option<i32>) -> io::Result<()> {
    let (policy, level) = rank.map_or((libc::SCHED_OTHER, 0), |rank| (libc::SCHED_FIFO, rank));
    let param = libc::sched_param { sched_priority: level };
    // SAFETY: `param` is whole and outlives the call.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const param) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How many files this process may hold open; raised to what the system allows.
pub fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is whole and outlives both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
    limit.rlim_cur
}

fn set_option(socket: RawFd, name: i32, value: i32) -> io::Result<()> {
    let len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: `value` is an int that outlives the call, and `len` is its size.
    let done = unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, name, (&raw const value).cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `at` is whole and outlives the call, which cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &raw mut at) };
    nanos(at)
}

fn nanos(at: libc::timespec) -> u64 {
    (at.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(at.tv_nsec as u64)
}

fn name_of(to: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    }
}

/// Longest datagram the callers send in a batch: a voice packet with its header and tag.
pub const OUT_BYTES_MAX: usize = 512;
/// One header of 16 bytes with a timespec of 16, and to spare.
const CONTROL_WORDS: usize = 8;
const EVENTS_MAX: usize = 256;
const SOCKET_BUFFER_BYTES: i32 = 8 * 1024 * 1024;
