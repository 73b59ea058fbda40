#!/bin/sh
# Docker's engine in FOLDER, in namespaces of its own for mounts and network (engine.py): what it mounts, bridges and
# filters ends with it, also where it is killed, and never meets what others do on this machine. slirp4netns leads out.
set -eu
cd "$1"
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward # the namespace's own
mount -t tmpfs tmpfs /run              # where it would leave folders
names=$(readlink -m /etc/resolv.conf)
[ -e "$names" ] || install -D /dev/null "$names"
echo nameserver 10.0.2.3 > resolv.conf # slirp4netns: this machine's own may be heard on its loopback alone
mount --bind resolv.conf "$names"
exec dockerd --host "unix://$1/socket" --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \
  --cgroup-parent registration-tried
