//! Addresses that are not the internet's, and the spellings they hide in.

/// As a url may have them: every private address, and its disguises.
pub(super) fn literals() -> Vec<String> {
    let written = |address: &str| if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    privates().into_iter().map(written).chain(DISGUISES.split_whitespace().map(str::to_owned)).collect()
}

/// One or more of every network that is not the internet.
pub(super) fn privates() -> Vec<&'static str> {
    PRIVATE.split_whitespace().collect()
}

const DISGUISES: &str = "\
    127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 127.00.00.01 0x7f.0x0.0x0.0x1 0 \
    0.0.0.0. 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 0xa9.0xfe.0xa9.0xfe 025177524776 169.16689662 \
    3232235777 0xc0a80101 10.1 172.1048577 192.168.257 １２７.０.０.１ 127。0。0。1 ①②⑦.0.0.1 %31%32%37.0.0.1 0x7F.1 \
    127.0.0.1%2e [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [0000:0000:0000:0000:0000:0000:0000:0001] \
    [64:ff9b::127.0.0.1] [2002:7f00:1::] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1]";

const PRIVATE: &str = "\
    127.0.0.1 127.255.255.254 127.0.0.53 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 \
    192.168.255.255 169.254.169.254 169.254.169.253 169.254.0.1 169.254.170.2 100.64.0.1 100.100.100.200 \
    100.127.255.255 0.0.0.0 0.1.2.3 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.1 \
    203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 fe80::1 febf::1 \
    fec0::1 fc00::1 fd00:ec2::254 fdff::1 ff02::1 ff0e::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 \
    2001:10::1 2001:20::1 2001:db8::1 3fff::1 100::1 5f00::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 \
    ::ffff:8.8.8.8 ::127.0.0.1 ::8.8.8.8 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 \
    2002:7f00:1::1 2002:a9fe:a9fe:: 2a00:1:2:3:0:5efe:7f00:1 2a00:1:2:3:200:5efe:a9fe:a9fe";
