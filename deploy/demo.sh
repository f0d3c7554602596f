#!/bin/sh
# Starts the demo: the stand-in for Meta and Patchbay with embedded defaults, files under var/. Ctrl-C ends all of it.
set -eu
cd "$(dirname "$0")/.."

bin=${CARGO_TARGET_DIR:-target}/debug
desk=http://127.0.0.1:8080
phone=http://127.0.0.1:8090

mkdir -p var
chmod 700 var
[ -f var/config.toml ] || cp deploy/demo.toml var/config.toml

stop() {
    trap - INT TERM EXIT
    # controld first: it ends the calls at the stand-in and stops the mediad it started.
    [ -z "${controld:-}" ] || { kill -INT "$controld" 2>/dev/null && wait "$controld" 2>/dev/null; }
    [ -z "${meta:-}" ] || { kill -INT "$meta" 2>/dev/null && wait "$meta" 2>/dev/null; }
    exit "${1:-0}"
}
trap 'stop 0' INT TERM
trap 'stop $?' EXIT

"$bin/bench" meta --listen 127.0.0.1:8090 --media 127.0.0.1:3480 \
    --webhook "$desk/webhooks/acc_demo" --app-secret demo-app-secret --verify-token demo-verify \
    --token demo-token --phone-number-id 106540352242922 --display-number 15559990000 >var/meta.log 2>&1 &
meta=$!
"$bin/controld" --config var/config.toml >var/controld.log 2>&1 &
controld=$!

tries=0
until node -e "Promise.all(['$desk/readyz','$phone/livez'].map(u=>fetch(u))).then(a=>process.exit(a.every(r=>r.ok)?0:1),()=>process.exit(1))"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$controld" 2>/dev/null || ! kill -0 "$meta" 2>/dev/null; then
        echo "Patchbay did not start. The last lines of its logs:" >&2
        tail -n 15 var/controld.log var/meta.log >&2
        stop 1
    fi
    sleep 0.2
done

cat <<TEXT

  Patchbay is running.

    Call from     $phone   the caller's phone (a stand-in for WhatsApp)
    Answer at     $desk   sign in as  ana@demo.example  with  patchbay-demo
                            also ben@, sam@ (supervisor) and admin@demo.example

  Open both in two tabs, set yourself Available, press Call, then 1 for sales.
  Logs: var/controld.log, var/meta.log. Ctrl-C stops everything.

TEXT

# Whichever ends first ends the demo; Ctrl-C interrupts the wait.
while kill -0 "$controld" 2>/dev/null && kill -0 "$meta" 2>/dev/null; do
    sleep 1 &
    wait $! || true
done
echo "Patchbay has stopped by itself. The last lines of its logs:" >&2
tail -n 15 var/controld.log var/meta.log >&2
stop 1
