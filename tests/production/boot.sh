#!/bin/sh
# Become a machine: systemd as process 1, over a copy-on-write image of this one's files.
# usage: boot.sh NAME DIRECTORY [SOURCE TARGET]…    as root, in namespaces of its own (box.py)
set -eu
name=$1 image=$2
shift 2

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$image"
mkdir "$image/changes" "$image/work" "$image/root"
mount -t overlay -o "lowerdir=/,upperdir=$image/changes,workdir=$image/work" overlay "$image/root"
cd "$image/root"

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

# Nothing of this machine's own services and data, nor what needs its kernel.
rm -rf etc/systemd/system/*.wants etc/postgresql/* var/lib/postgresql/* var/log/journal etc/nginx/conf.d/*
: >etc/fstab
echo "$name" >etc/hostname
printf '127.0.0.1 localhost %s\n' "$name" >etc/hosts
printf '%032x\n' "$(cksum <etc/hostname | cut -d' ' -f1)" >etc/machine-id
for unit in systemd-udevd systemd-udev-trigger systemd-modules-load systemd-sysctl systemd-logind systemd-timesyncd \
    systemd-networkd systemd-resolved systemd-remount-fs systemd-journal-flush systemd-update-utmp openipmi; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
done
ln -sf /dev/null etc/systemd/system/getty.target

# Packages are what is installed here; there is no way out to fetch others.
echo 'APT::Get::Upgrade "false";' >etc/apt/apt.conf.d/99box

# Not a chroot: in one, nobody may make the user namespaces of a sandbox.
mkdir -p .outside
pivot_root . .outside
cd /
while [ $# -ge 2 ]; do
    mkdir -p "$2"
    mount --bind "/.outside$1" "$2"
    shift 2
done
umount -l /.outside
hostname "$name"
export container=box
exec /lib/systemd/systemd --system --unit=multi-user.target
