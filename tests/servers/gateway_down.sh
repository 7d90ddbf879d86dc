#!/usr/bin/env bash
# Stops what gateway_up.sh started in GATEWAY_DIR: by pid file, the newest layer first.
set -uo pipefail
: "${GATEWAY_DIR:?}"

# In a container nobody may reap them: a zombie is gone, too.
gone() { [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null; }

stop() { # stem of the pid file, program
    local process
    process=$(cat "$GATEWAY_DIR/run/$1.pid" 2>/dev/null) || return 0
    # A stale file may name somebody else's process.
    [ "$(cat "/proc/$process/comm" 2>/dev/null)" = "$2" ] || return 0
    kill "$process" 2>/dev/null
    for _ in $(seq 100); do gone "$process" && return 0; sleep 0.1; done
    echo "gateway_down: $2 ($process) did not stop within 10 s and is killed" >&2
    kill -9 "$process"
}

stop client.rgw.0 radosgw
stop osd.0 ceph-osd
stop mon.a ceph-mon
