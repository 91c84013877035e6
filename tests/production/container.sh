#!/bin/sh
# Run a program in a container's files, as an engine does: no file of the machine, few devices, few rights.
# usage: container.sh ROOT RIGHTS VOLUME DIRECTORY PROGRAM…    as root, in namespaces of its own (image.py)
#   RIGHTS: "builder", which is root and may write, or UID:GID, which has no capability, on a read-only root
#   VOLUME: what is mounted at /var/lib/agentforge, or nothing
set -eu
root=$1 rights=$2 volume=$3 directory=$4
shift 4

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777,exec tmpfs tmp
if [ -n "$volume" ]; then mount --bind "$volume" var/lib/agentforge; fi
mkdir -p .outside
if [ "$rights" != builder ]; then mount -o remount,bind,ro .; fi
pivot_root . .outside
cd "$directory"
umount -l /.outside
if [ "$rights" = builder ]; then exec "$@"; fi
exec setpriv --reuid="${rights%:*}" --regid="${rights#*:}" --clear-groups --bounding-set=-all --inh-caps=-all \
    --no-new-privs "$@"
