#!/bin/sh
# Starts the demo: the stand-in for Meta and Patchbay with embedded defaults, files under var/. Ctrl-C ends all of it.
# DEMO_FOLDER, DESK_PORT, PHONE_PORT and RELAY_PORT put it elsewhere.
set -eu
cd "$(dirname "$0")/.."

bin=$(realpath "${CARGO_TARGET_DIR:-target}/debug")
settings=$PWD/deploy/demo.toml
desk_at=127.0.0.1:${DESK_PORT:-8080}
phone_at=127.0.0.1:${PHONE_PORT:-8090}
relay_at=127.0.0.1:${RELAY_PORT:-3480}
desk=http://$desk_at
phone=http://$phone_at

cd "${DEMO_FOLDER:-.}"
mkdir -p var
chmod 700 var
[ -f var/config.toml ] || cp "$settings" var/config.toml
export PATCHBAY_SERVER__LISTEN="$desk_at" PATCHBAY_SERVER__PUBLIC_URL="$desk" PATCHBAY_WHATSAPP__GRAPH_URL="$phone/v23.0"

stop() {
    trap '' INT TERM
    trap - EXIT
    # How they end is their own affair: Ctrl-C has reached them too, and they may be gone already.
    set +e
    # controld first: it ends the calls at the stand-in and stops the mediad it started.
    for child in "${controld:-}" "${meta:-}"; do
        [ -z "$child" ] || { kill -INT "$child"; wait "$child"; } 2>/dev/null
    done
    exit "${1:-0}"
}
trap 'stop 0' INT TERM
trap 'stop $?' EXIT

"$bin/bench" meta --listen "$phone_at" --media "$relay_at" \
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

# printf is the shell itself: Ctrl-C finds no child that would fail in its place.
printf '%s\n' "
  Patchbay is running.

    Call from     $phone   the caller's phone (a stand-in for WhatsApp)
    Answer at     $desk   sign in as  ana@demo.example  with  patchbay-demo
                            also ben@, sam@ (supervisor) and admin@demo.example

  Open both in two tabs, set yourself Available, press Call, then 1 for sales.
  Logs: var/controld.log, var/meta.log. Ctrl-C stops everything.

"

# Whichever ends first ends the demo; Ctrl-C interrupts the wait.
while kill -0 "$controld" 2>/dev/null && kill -0 "$meta" 2>/dev/null; do
    sleep 1 &
    wait $! || true
done
echo "Patchbay has stopped by itself. The last lines of its logs:" >&2
tail -n 15 var/controld.log var/meta.log >&2
stop 1
