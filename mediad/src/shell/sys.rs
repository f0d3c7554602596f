//! The system calls the standard library has no words for: batches of datagrams, an absolute timer, signals, a peer's uid.
#![expect(unsafe_code, reason = "these system calls take raw pointers; every block says why its pointers hold")]

use std::io;
use std::mem::{align_of, size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use mio::net::UdpSocket;

use crate::base::outbox::Path;
use crate::base::packet::{PACKET_BYTES_MAX, Packet};

/// Datagrams read in one system call.
pub const BATCH: usize = 32;

/// Room for one batch of received datagrams.
pub struct Inbox {
    packets: Vec<Packet>,
    names: [libc::sockaddr_in6; BATCH],
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
        // SAFETY: all-zero bytes are a valid `sockaddr_in6`.
        let name = unsafe { zeroed::<libc::sockaddr_in6>() };
        Self { packets: vec![Packet::new(); BATCH], names: [name; BATCH], controls: [[0; CONTROL_WORDS]; BATCH] }
    }

    /// Reads at most [`BATCH`] datagrams from a non-blocking socket and hands each to `take`. Gives how many.
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
            head.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
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
            let cut = head.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            take(Arrival { from: address_of(name), to: destination(&head.msg_hdr), cut }, packet);
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
        let mut names: [libc::sockaddr_in6; BATCH] = unsafe { zeroed() };
        let mut controls = [[0u64; CONTROL_WORDS]; BATCH];
        let mut count = 0;
        for (path, bytes) in chunk {
            let name_bytes = write_name(&mut names[count], path.remote);
            parts[count] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            let head = &mut heads[count].msg_hdr;
            head.msg_name = (&raw mut names[count]).cast();
            head.msg_namelen = name_bytes;
            head.msg_iov = &raw mut parts[count];
            head.msg_iovlen = 1;
            if !path.local.ip().is_unspecified() {
                write_source(head, &mut controls[count], path.local.ip());
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
pub fn prepare_socket(socket: RawFd, is_ipv6: bool) -> io::Result<()> {
    match is_ipv6 {
        false => set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?,
        true => set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?,
    }
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

/// A UDP socket that takes IPv6 only, so that another may have the same port for IPv4.
///
/// # Errors
/// As `socket` and `bind`; the kernel may know no IPv6.
pub fn bind_ipv6(at: SocketAddrV6) -> io::Result<UdpSocket> {
    // SAFETY: takes no pointers.
    let fd = unsafe {
        libc::socket(libc::AF_INET6, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, libc::IPPROTO_UDP)
    };
    let fd = own(fd)?;
    set_option(fd.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
    // SAFETY: all-zero bytes are a valid `sockaddr_in6`.
    let mut name = unsafe { zeroed::<libc::sockaddr_in6>() };
    let bytes = write_name(&mut name, SocketAddr::V6(at));
    // SAFETY: `name` is whole, outlives the call, and has `bytes` bytes.
    let done = unsafe { libc::bind(fd.as_raw_fd(), (&raw const name).cast(), bytes) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(UdpSocket::from(fd))
}

/// The addresses of this machine's interfaces that are up, IPv4 first, loopback last of its family. Link-local IPv6 is
/// left out: it means nothing to a peer without the name of a link.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `list` is written by the call and freed below; on failure it is not touched.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return found;
    }
    let mut at = list;
    // SAFETY: the list ends in null, its nodes live until `freeifaddrs`; an address is read as `sockaddr_in` or
    // `sockaddr_in6` only after its family said that it is one.
    unsafe {
        while let Some(interface) = at.as_ref() {
            let up = interface.ifa_flags & (libc::IFF_UP as u32) != 0;
            match interface.ifa_addr.as_ref().filter(|_| up).map(|address| i32::from(address.sa_family)) {
                Some(libc::AF_INET) => {
                    let name = &*interface.ifa_addr.cast::<libc::sockaddr_in>();
                    found.push(IpAddr::V4(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr))));
                }
                Some(libc::AF_INET6) => {
                    let name = &*interface.ifa_addr.cast::<libc::sockaddr_in6>();
                    found.push(IpAddr::V6(Ipv6Addr::from(name.sin6_addr.s6_addr)));
                }
                _ => {}
            }
            at = interface.ifa_next;
        }
        libc::freeifaddrs(list);
    }
    found.retain(|ip| !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local()));
    found.sort_by_key(|ip| (ip.is_ipv6(), ip.is_loopback(), *ip));
    found.dedup();
    found
}

fn destination(head: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the system filled the control buffer of `head` and set its length; CMSG_FIRSTHDR and CMSG_NXTHDR stay
    // inside it, and the data is an `in_pktinfo` or `in6_pktinfo` because level and type say so. It may be unaligned,
    // so it is copied.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(head);
        while let Some(control) = at.as_ref() {
            match (control.cmsg_level, control.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = std::ptr::read_unaligned(libc::CMSG_DATA(at).cast::<libc::in_pktinfo>());
                    return Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr))));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = std::ptr::read_unaligned(libc::CMSG_DATA(at).cast::<libc::in6_pktinfo>());
                    return Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                }
                _ => at = libc::CMSG_NXTHDR(head, at),
            }
        }
    }
    None
}

fn write_source(head: &mut libc::msghdr, control: &mut [u64; CONTROL_WORDS], from: IpAddr) {
    match from {
        IpAddr::V4(ip) => {
            let source = libc::in_addr { s_addr: u32::from(ip).to_be() };
            let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: libc::in_addr { s_addr: 0 } };
            write_control(head, control, (libc::IPPROTO_IP, libc::IP_PKTINFO), info);
        }
        IpAddr::V6(ip) => {
            let info = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: ip.octets() }, ipi6_ifindex: 0 };
            write_control(head, control, (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO), info);
        }
    }
}

fn write_control<T: Copy>(head: &mut libc::msghdr, control: &mut [u64; CONTROL_WORDS], what: (i32, i32), info: T) {
    head.msg_control = control.as_mut_ptr().cast();
    // SAFETY: takes no pointers.
    head.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<T>() as u32) } as _;
    // SAFETY: `control` has room for one header with an `in6_pktinfo`, the larger of the two (asserted below), is
    // aligned for the header, and outlives its use in the caller's frame.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(head);
        if let Some(first) = first.as_mut() {
            (first.cmsg_level, first.cmsg_type) = what;
            first.cmsg_len = libc::CMSG_LEN(size_of::<T>() as u32) as _;
            std::ptr::write_unaligned(libc::CMSG_DATA(first).cast::<T>(), info);
        }
    }
}

/// Writes an address into room for either family, and gives how many bytes of it count.
fn write_name(room: &mut libc::sockaddr_in6, to: SocketAddr) -> libc::socklen_t {
    match to {
        SocketAddr::V4(to) => {
            let name = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: to.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
                sin_zero: [0; 8],
            };
            // SAFETY: a `sockaddr_in6` is larger than a `sockaddr_in` and as strictly aligned (asserted below).
            unsafe { std::ptr::write((&raw mut *room).cast::<libc::sockaddr_in>(), name) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(to) => {
            room.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            room.sin6_port = to.port().to_be();
            room.sin6_addr.s6_addr = to.ip().octets();
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

/// The address in it. Scope and flow of IPv6 are left out, so that one peer has one name.
fn address_of(name: &libc::sockaddr_in6) -> SocketAddr {
    if i32::from(name.sin6_family) == libc::AF_INET {
        // SAFETY: the family says that it is one; size and alignment as in `write_name`.
        let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
        let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
        return SocketAddr::new(ip.into(), u16::from_be(name.sin_port));
    }
    SocketAddr::new(Ipv6Addr::from(name.sin6_addr.s6_addr).into(), u16::from_be(name.sin6_port))
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

/// 64 bytes: one header of 16 with the 20 of an `in6_pktinfo`, and to spare.
const CONTROL_WORDS: usize = 8;
/// A second of 1,000 calls on one port.
const SOCKET_BUFFER_BYTES: i32 = 4 * 1024 * 1024;

const _: () = assert!(CONTROL_WORDS * 8 >= 16 + size_of::<libc::in6_pktinfo>() + 8);
const _: () = assert!(size_of::<libc::in_pktinfo>() <= size_of::<libc::in6_pktinfo>());
const _: () = assert!(size_of::<libc::sockaddr_in>() <= size_of::<libc::sockaddr_in6>());
const _: () = assert!(align_of::<libc::sockaddr_in>() <= align_of::<libc::sockaddr_in6>());
