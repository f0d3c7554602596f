//! The system calls the standard library has no words for: batches of datagrams, an absolute timer, signals, a peer's uid.
#![expect(unsafe_code, reason = "these system calls take raw pointers; every block says why its pointers hold")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use crate::base::outbox::Path;
use crate::base::packet::{PACKET_BYTES_MAX, Packet};

/// Datagrams read in one system call.
pub const BATCH: usize = 32;

/// Room for one batch of received datagrams.
pub struct Inbox {
    packets: Vec<Packet>,
    names: [libc::sockaddr_in; BATCH],
    controls: [[u64; CONTROL_WORDS]; BATCH],
}

/// One datagram that came in: from whom, to which of our addresses, and whether it was cut.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// The sender.
    pub from: SocketAddr,
    /// Our address it was sent to, if the system said.
    pub to: Option<IpAddr>,
    /// Longer than a packet holds.
    pub cut: bool,
}

impl Inbox {
    /// Room for [`BATCH`] datagrams.
    pub fn new() -> Self {
        // SAFETY: all-zero bytes are a valid `sockaddr_in`.
        let name = unsafe { zeroed::<libc::sockaddr_in>() };
        Self { packets: vec![Packet::new(); BATCH], names: [name; BATCH], controls: [[0; CONTROL_WORDS]; BATCH] }
    }

    /// Reads at most [`BATCH`] datagrams from a non-blocking IPv4 socket and hands each to `take`. Gives how many.
    ///
    /// # Errors
    /// As `recvmmsg`; `WouldBlock` when there is none.
    pub fn read(&mut self, socket: RawFd, mut take: impl FnMut(Arrival, &mut Packet)) -> io::Result<usize> {
        // SAFETY: all-zero bytes are valid for both plain C structures.
        let mut parts: [libc::iovec; BATCH] = unsafe { zeroed() };
        let mut heads: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for (at, packet) in self.packets.iter_mut().enumerate() {
            let buffer = packet.buffer_mut();
            parts[at] = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: PACKET_BYTES_MAX };
            let head = &mut heads[at].msg_hdr;
            head.msg_name = (&raw mut self.names[at]).cast();
            head.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            head.msg_iov = &raw mut parts[at];
            head.msg_iovlen = 1;
            head.msg_control = self.controls[at].as_mut_ptr().cast();
            head.msg_controllen = size_of::<[u64; CONTROL_WORDS]>() as _;
        }
        // SAFETY: every pointer in `heads` leads into `parts`, `self.names`, `self.controls` or `self.packets`, which
        // live and do not move until the call has returned; the lengths are theirs.
        let read = unsafe {
            libc::recvmmsg(socket, heads.as_mut_ptr(), BATCH as u32, libc::MSG_DONTWAIT, std::ptr::null_mut())
        };
        let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
        for ((head, packet), name) in heads.iter().zip(&mut self.packets).zip(&self.names).take(read) {
            packet.set_len(head.msg_len as usize);
            let from =
                SocketAddrV4::new(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr)), u16::from_be(name.sin_port));
            let cut = head.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            take(Arrival { from: SocketAddr::V4(from), to: destination(&head.msg_hdr), cut }, packet);
        }
        Ok(read)
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends datagrams of one socket, each from the address its path names. Gives how many the system took.
pub fn send_batch(socket: RawFd, datagrams: &[(Path, &[u8])]) -> usize {
    let mut sent = 0;
    for chunk in datagrams.chunks(BATCH) {
        // SAFETY: all-zero bytes are valid for these plain C structures.
        let mut parts: [libc::iovec; BATCH] = unsafe { zeroed() };
        let mut heads: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        let mut names: [libc::sockaddr_in; BATCH] = unsafe { zeroed() };
        let mut controls = [[0u64; CONTROL_WORDS]; BATCH];
        let mut count = 0;
        for (path, bytes) in chunk {
            let SocketAddr::V4(to) = path.remote else { continue };
            names[count] = name_of(to);
            parts[count] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            let head = &mut heads[count].msg_hdr;
            head.msg_name = (&raw mut names[count]).cast();
            head.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            head.msg_iov = &raw mut parts[count];
            head.msg_iovlen = 1;
            if let IpAddr::V4(from) = path.local.ip()
                && !from.is_unspecified()
            {
                write_source(head, &mut controls[count], from);
            }
            count += 1;
        }
        let mut at = 0;
        while at < count {
            // SAFETY: `heads[at..count]` were filled above; every pointer in them leads into arrays of this frame or
            // into `datagrams`, all of which outlive the call. The system does not write through `iov_base`.
            let took =
                unsafe { libc::sendmmsg(socket, heads[at..].as_mut_ptr(), (count - at) as u32, libc::MSG_DONTWAIT) };
            match usize::try_from(took) {
                Ok(took) if took > 0 => {
                    sent += took;
                    at += took;
                }
                // One that cannot be sent (no route, full buffer) must not keep the others.
                _ => at += 1,
            }
        }
    }
    sent
}

/// Asks for the destination address of each datagram, and for room for bursts.
///
/// # Errors
/// As `setsockopt`.
pub fn prepare_socket(socket: RawFd) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
    // The system grants what its limits allow; less is no error.
    let _ = set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, SOCKET_BUFFER_BYTES);
    let _ = set_option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF, SOCKET_BUFFER_BYTES);
    Ok(())
}

/// One timer that is armed to a moment, not to a span: it fires when it should, not up to a millisecond later.
pub struct Alarm {
    fd: OwnedFd,
}

impl Alarm {
    /// An unarmed timer.
    ///
    /// # Errors
    /// As `timerfd_create`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        Ok(Self { fd: own(fd)? })
    }

    /// Fires `after` from now; at once if that is nothing.
    pub fn arm(&self, after: Duration) {
        let now = monotonic();
        // A zero would disarm it.
        let at = now + after.max(Duration::from_nanos(1));
        let value = libc::timespec { tv_sec: at.as_secs() as libc::time_t, tv_nsec: i64::from(at.subsec_nanos()) as _ };
        let spec = libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // SAFETY: `spec` is a whole itimerspec that outlives the call; the old value is not asked for.
        unsafe {
            libc::timerfd_settime(self.fd.as_raw_fd(), libc::TFD_TIMER_ABSTIME, &raw const spec, std::ptr::null_mut())
        };
    }

    /// Takes note that it fired.
    pub fn clear(&self) {
        read_word(self.fd.as_raw_fd());
    }
}

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Ctrl-C and SIGTERM as something the loop can wait for. Threads started later inherit the block.
pub struct Signals {
    fd: OwnedFd,
}

impl Signals {
    /// Blocks both signals and listens for them.
    ///
    /// # Errors
    /// As `sigprocmask` and `signalfd`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: `set` is initialised by sigemptyset before use, and outlives the calls that read it.
        let fd = unsafe {
            let mut set = zeroed::<libc::sigset_t>();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGINT);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC)
        };
        Ok(Self { fd: own(fd)? })
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// The uid of the process at the other end of a Unix socket, as it was when it connected.
///
/// # Errors
/// As `getsockopt`.
pub fn peer_uid(socket: RawFd) -> io::Result<u32> {
    let mut who = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `who` and `len` are whole and outlive the call; `len` is the size of `who`.
    let done =
        unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut who).cast(), &raw mut len) };
    if done == 0 { Ok(who.uid) } else { Err(io::Error::last_os_error()) }
}

/// The uid of this process.
pub fn own_uid() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// Makes what is created from now on readable by its owner only.
pub fn keep_files_private() {
    // SAFETY: takes no pointers, cannot fail.
    unsafe { libc::umask(0o077) };
}

/// The IPv4 addresses of this machine's interfaces that are up, loopback last.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `list` is written by the call and freed below; on failure it is not touched.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return found;
    }
    let mut at = list;
    // SAFETY: the list ends in null, its nodes live until `freeifaddrs`; an address is read as `sockaddr_in` only after
    // its family said that it is one.
    unsafe {
        while let Some(interface) = at.as_ref() {
            let up = interface.ifa_flags & (libc::IFF_UP as u32) != 0;
            if let Some(address) = interface.ifa_addr.as_ref().filter(|_| up)
                && i32::from(address.sa_family) == libc::AF_INET
            {
                let name = &*interface.ifa_addr.cast::<libc::sockaddr_in>();
                found.push(IpAddr::V4(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr))));
            }
            at = interface.ifa_next;
        }
        libc::freeifaddrs(list);
    }
    found.sort_by_key(|ip| (ip.is_loopback(), *ip));
    found.dedup();
    found
}

fn destination(head: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the system filled the control buffer of `head` and set its length; CMSG_FIRSTHDR and CMSG_NXTHDR stay
    // inside it, and the data is an `in_pktinfo` because level and type say so. It may be unaligned, so it is copied.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(head);
        while let Some(control) = at.as_ref() {
            if control.cmsg_level == libc::IPPROTO_IP && control.cmsg_type == libc::IP_PKTINFO {
                let info = std::ptr::read_unaligned(libc::CMSG_DATA(at).cast::<libc::in_pktinfo>());
                return Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr))));
            }
            at = libc::CMSG_NXTHDR(head, at);
        }
    }
    None
}

fn write_source(head: &mut libc::msghdr, control: &mut [u64; CONTROL_WORDS], from: Ipv4Addr) {
    let source = libc::in_addr { s_addr: u32::from(from).to_be() };
    let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: libc::in_addr { s_addr: 0 } };
    head.msg_control = control.as_mut_ptr().cast();
    // SAFETY: takes no pointers.
    head.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<libc::in_pktinfo>() as u32) } as _;
    // SAFETY: `control` has room for one header with an `in_pktinfo` (asserted below), is aligned for the header, and
    // outlives its use in the caller's frame.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(head);
        if let Some(first) = first.as_mut() {
            first.cmsg_level = libc::IPPROTO_IP;
            first.cmsg_type = libc::IP_PKTINFO;
            first.cmsg_len = libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as _;
            std::ptr::write_unaligned(libc::CMSG_DATA(first).cast::<libc::in_pktinfo>(), info);
        }
    }
}

fn name_of(to: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    }
}

fn set_option(socket: RawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: `value` is an int that outlives the call, and `len` is its size.
    let done = unsafe { libc::setsockopt(socket, level, name, (&raw const value).cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn monotonic() -> Duration {
    let mut at = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `at` is whole and outlives the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut at) };
    Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
}

fn read_word(fd: RawFd) {
    let mut word = 0u64;
    // SAFETY: `word` has the eight bytes a timerfd gives, and outlives the call.
    unsafe { libc::read(fd, (&raw mut word).cast(), size_of::<u64>()) };
}

fn own(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has just given it to us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// 64 bytes: one header of 16 with the 12 of an `in_pktinfo`, and to spare.
const CONTROL_WORDS: usize = 8;
/// A second of 1,000 calls on one port.
const SOCKET_BUFFER_BYTES: i32 = 4 * 1024 * 1024;

const _: () = assert!(CONTROL_WORDS * 8 >= 16 + size_of::<libc::in_pktinfo>() + 8);
