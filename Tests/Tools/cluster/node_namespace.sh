#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# node_namespace.sh STATE: process 1 of the PID namespace that a cluster runs in, with a mount namespace
# of its own. Whatever the cluster's programs and its pods start or mount ends with this process; and
# what they leave in system folders is in STATE, or nowhere.
set -euo pipefail
state=$1

# Volumes have to reach containers from the kubelet, so mounts are shared in here, and only in here.
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind "$state/node/log" /var/log
mount --bind "$state/node/lib" /var/lib

# The kubelet would set these for the whole machine. It is shown that they are set.
while read -r name value; do
    echo "$value" > "$state/node/sysctl/${name//\//.}"
    mount --bind "$state/node/sysctl/${name//\//.}" "/proc/sys/$name"
done << 'SYSCTL'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SYSCTL

touch "$state/node/ready"
# As process 1 it is left the orphans, and bash buries them while it waits.
sleep infinity &
while :; do wait; done
