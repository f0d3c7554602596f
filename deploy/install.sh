#!/bin/sh
# Installs the system packages a target needs, and nothing that is there already. Asks no question.
#
#   deploy/install.sh run    what `make run` needs
#   deploy/install.sh test   what `make test` needs beyond it
set -eu

run="build-essential cmake pkg-config libssl-dev"
test="$run postgresql chromium opus-tools ffmpeg socat openssl python3-venv golang-go golang-github-pion-webrtc.v3-dev coturn nftables iproute2"

case "${1:-}" in
run) wanted=$run ;;
test) wanted=$test ;;
*) echo "usage: deploy/install.sh run|test" >&2; exit 2 ;;
esac

for tool in cargo node npm; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "Patchbay needs Rust (cargo) and Node.js 20 or newer (node, npm); $tool is not on the PATH." >&2
        exit 1
    fi
done

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=absent
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    echo "Patchbay needs these packages, and installing them needs root. Please run:" >&2
    echo "  sudo $line" >&2
    exit 1
fi

echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -qq -o DPkg::Lock::Timeout=600 update
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing >/dev/null
