//! The only floor that touches the world: sockets, files, threads, the clock.
