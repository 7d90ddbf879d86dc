#!/usr/bin/env bash
# Starts a throw-away Ceph cluster (one monitor, one store in memory, one gateway) on loopback and waits until S3
# answers. It needs neither systemd nor containers nor an /etc/ceph, and writes below GATEWAY_DIR alone.
#
#   apt-get install --no-install-recommends ceph-mon ceph-osd radosgw curl
#
# Expected from the environment:
#   GATEWAY_DIR                          an existing folder; tls.crt and tls.key in it are the https listener's
#   GATEWAY_PORT, GATEWAY_TLS_PORT       where S3, STS and IAM answer
#   GATEWAY_MONITOR_PORT                 where the cluster talks to itself
#   GATEWAY_KEY, GATEWAY_SECRET          of the first user, "admin", who may make users, policies and roles
set -euo pipefail
: "${GATEWAY_DIR:?}" "${GATEWAY_PORT:?}" "${GATEWAY_TLS_PORT:?}" "${GATEWAY_MONITOR_PORT:?}" "${GATEWAY_KEY:?}"
: "${GATEWAY_SECRET:?}"
die() { echo "gateway_up: $*" >&2; exit 1; }

# Unix sockets lie below it, and their paths end at 107 characters.
[ ${#GATEWAY_DIR} -le 75 ] || die "GATEWAY_DIR is longer than 75 characters: $GATEWAY_DIR"
# Whoever listens on the port already would answer, and look like the gateway.
for port in "$GATEWAY_PORT" "$GATEWAY_TLS_PORT" "$GATEWAY_MONITOR_PORT"; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || die "port $port is in use"
done

umask 077
cd "$GATEWAY_DIR"
mkdir run log mon osd rgw
fsid=$(cat /proc/sys/kernel/random/uuid)
# The key of SSE-KMS is known to all, and as good as any for tests.
kms_key=$(head -c 32 /dev/zero | tr '\0' 'k' | base64 -w0)

cat >ceph.conf <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$GATEWAY_MONITOR_PORT/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth allow insecure global id reclaim = false
# One replica in one store, few placement groups.
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pg autoscale mode = off
rgw rados pool pg num min = 8
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 2000
mon data avail warn = 2
mon data avail crit = 1
# The quorum of one agrees sooner.
paxos propose interval = 0.05
run dir = $GATEWAY_DIR/run
pid file = $GATEWAY_DIR/run/\$name.pid
admin socket = $GATEWAY_DIR/run/\$name.\$pid.asok
log file = $GATEWAY_DIR/log/\$name.log
crash dir = $GATEWAY_DIR/log
mon cluster log file = $GATEWAY_DIR/log/cluster.log
keyring = $GATEWAY_DIR/keyring
# Ceph's logs in memory cost noticeable time on two cores.
debug ms = 0/0
debug osd = 0/0
debug memdb = 0/0
debug rocksdb = 0/0
debug objclass = 0/0
debug objecter = 0/0
debug filestore = 0/0
debug monc = 0/0
debug auth = 0/0

[mon]
mon data = $GATEWAY_DIR/mon

[osd]
osd data = $GATEWAY_DIR/osd
osd objectstore = memstore
osd class load list = *
osd class default list = *
memstore device bytes = $((4 << 30))

[client.rgw.0]
rgw data = $GATEWAY_DIR/rgw
# Without tcp_nodelay each small answer waits 40 ms for a delayed ACK.
rgw frontends = beast tcp_nodelay=1 endpoint=127.0.0.1:$GATEWAY_PORT ssl_endpoint=127.0.0.1:$GATEWAY_TLS_PORT ssl_certificate=$GATEWAY_DIR/tls.crt ssl_private_key=$GATEWAY_DIR/tls.key
rgw thread pool size = 64
rgw init timeout = 60
# A line for each request in log/client.rgw.0.log.
debug rgw = 1
rgw dns name = localhost
rgw enable usage log = false
rgw enable ops log = false
# STS; any key of 16 characters does.
rgw s3 auth use sts = true
# Asked first, STS would turn every refusal of a user's keys into AccessDenied.
rgw s3 auth order = local, sts
rgw sts key = 0123456789abcdef
# SSE-KMS with one key, named "testkey"; both it and SSE-C on plain http, too.
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey=$kms_key
CONF
export CEPH_CONF=$GATEWAY_DIR/ceph.conf CEPH_ARGS=""
logged() { timeout 120 "$@" >>log/start.log 2>&1 || die "$1 failed: $(tail -n 3 log/start.log)"; }

# One keyring for all four; cephx stays on, since radosgw 16 does not connect to a cluster without it.
logged ceph-authtool -C keyring --gen-key -n mon. --cap mon 'allow *'
logged ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
logged ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
logged ceph-authtool keyring --gen-key -n client.rgw.0 --cap mon 'allow rw' --cap osd 'allow rwx'
logged monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$GATEWAY_MONITOR_PORT]" monmap
logged ceph-mon -i a --mkfs --monmap monmap --keyring keyring
logged ceph-mon -i a

store=$(cat /proc/sys/kernel/random/uuid)
logged ceph osd new "$store" 0
logged ceph-osd -i 0 --mkfs --osd-uuid "$store"
logged ceph-osd -i 0

# The first call makes the default zone as well.
logged radosgw-admin -c ceph.conf --name client.rgw.0 user create --uid=admin --display-name=admin \
    --access-key="$GATEWAY_KEY" --secret-key="$GATEWAY_SECRET" \
    --caps='roles=*;user-policy=*;users=*;buckets=*;metadata=*'
logged radosgw -n client.rgw.0
for _ in $(seq 600); do
    curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$GATEWAY_PORT/" && exit 0
    [ "$(cat "/proc/$(cat run/client.rgw.0.pid)/comm" 2>/dev/null)" = radosgw ] || die "radosgw ended: $(tail -n 3 log/client.rgw.0.log)"
    sleep 0.1
done
die "radosgw does not answer"
