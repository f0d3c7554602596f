#!/bin/sh
# Builds the independent peers: Pion's caller with Debian's Go packages, aiortc's agent in a virtual environment.
set -eu
cd "$(dirname "$0")"
out=${CARGO_TARGET_DIR:-$PWD/../../target}/peers
mkdir -p "$out"

if [ ! -x "$out/caller" ] || [ caller/main.go -nt "$out/caller" ]; then
    work="$out/go/src/caller"
    mkdir -p "$work"
    cp caller/main.go "$work/"
    # Debian's packages live in a GOPATH; import paths end in /v3, which needs a go.mod beside the source to be read.
    version=$(dpkg-query -W -f='${Version}' golang-github-pion-webrtc.v3-dev | sed 's/-.*//')
    printf 'module caller\nrequire github.com/pion/webrtc/v3 v%s\n' "$version" >"$work/go.mod"
    (cd "$work" && GO111MODULE=off GOFLAGS='' GOPATH="$out/go:/usr/share/gocode" go build -o "$out/caller" .)
fi

if [ ! -x "$out/python/bin/python" ] || ! "$out/python/bin/python" -c 'import aiortc, aiohttp' 2>/dev/null; then
    python3 -m venv "$out/python"
    "$out/python/bin/pip" install -q --disable-pip-version-check aiortc==1.16.0 aiohttp numpy
fi
