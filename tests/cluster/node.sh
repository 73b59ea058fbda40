#!/bin/sh
# The node's containerd in FOLDER, in a namespace of its own for mounts, which kubelet enters (node.py): what both mount
# ends with them, also where they are killed, and never meets what others do on this machine.
set -eu
cd "$1"
for place in /run /var/lib /var/log; do # where they leave files, whatever they are told
  mount -t tmpfs tmpfs "$place"
done
while read -r name value; do # kubelet wants the kernel to be so, and finds it so; the machine's stays as it is
  wanted=kernel/$(basename "$name")
  echo "$value" > "$wanted"
  mount --bind "$wanted" "/proc/sys/$name"
done << 'END'
kernel/keys/root_maxbytes 25000000
kernel/keys/root_maxkeys 1000000
kernel/panic 10
kernel/panic_on_oops 1
vm/overcommit_memory 1
vm/panic_on_oom 0
END
exec containerd --config containerd.toml
