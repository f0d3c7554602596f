//! Tests of SRTP.
