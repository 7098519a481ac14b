#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a real systemd and runs a command in it.
#
#   systemd.sh DISTRIBUTION COMMAND…
#
# Its root is this machine's, overlaid with what DISTRIBUTION has (an installation by DESTDIR) and with a
# scratch that is gone afterwards; it has a network of its own with nothing but loopback. This source
# tree is /source in it. Needs root. The exit status is the command's.
set -euo pipefail

source=$(readlink -f "$(dirname "$0")/../..")

# Its own control group, so that it does not take the host's: one in each hierarchy that systemd uses.
groups() {
  local found=0 hierarchy
  for hierarchy in systemd unified; do
    [ -d "/sys/fs/cgroup/$hierarchy" ] || continue
    found=1
    echo "/sys/fs/cgroup/$hierarchy"
  done
  [ $found = 1 ] || echo /sys/fs/cgroup
}

outer() {
  local hierarchy status=0 image name=certherd-test-$$
  image=$(mktemp -d)
  for hierarchy in $(groups); do
    mkdir -p "$hierarchy/$name"
    echo $$ >"$hierarchy/$name/cgroup.procs"
  done
  unshare --mount --pid --fork --mount-proc --kill-child "$0" --inner "$image" "$@" || status=$?
  for hierarchy in $(groups); do
    echo $$ >"$hierarchy/cgroup.procs"
    find "$hierarchy/$name" -depth -type d -exec rmdir {} +
  done
  rmdir "$image"
  return $status
}

inside() {
  nsenter --target "$leader" --mount --pid --net --uts --ipc -- "$@"
}

boot() {
  systemd-nspawn --directory="$1" --register=no --keep-unit --private-network --link-journal=no \
    --console=pipe --system-call-filter=@memlock --bind-ro="$source:/source" -b \
    systemd.unit=certherd-test.target </dev/null >"$1/console.log" 2>&1 &
  nspawn=$!
  local try
  for try in $(seq 300); do
    leader=$(pgrep -P "$nspawn" | head -n 1) || true
    if [ -n "$leader" ] && inside systemctl is-active --quiet certherd-test.target 2>/dev/null; then
      return 0
    fi
    kill -0 "$nspawn" 2>/dev/null || break
    sleep 0.1
  done
  echo "systemd did not boot ($try tries):" >&2
  tail -n 20 "$1/console.log" >&2
  return 1
}

inner() {
  local image=$1 distribution=$2 scratch status=0
  shift 2
  scratch=$(mktemp -d)
  mount --make-rprivate /
  mount -t tmpfs certherd-test "$scratch"
  mkdir "$scratch/upper" "$scratch/work"
  mount -t overlay certherd-test -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$image"
  # What this machine starts is not what the test is about.
  rm -rf "$image"/etc/systemd/system/*.wants "$image/etc/certherd" "$image/var/lib/certherd"
  : >"$image/etc/machine-id"
  cp -a "$distribution/." "$image/"
  cat >"$image/etc/systemd/system/certherd-test.target" <<END
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
END
  boot "$image" || return 1
  inside "$@" || status=$?
  inside systemctl poweroff --no-wall || true
  wait "$nspawn" || true
  umount "$image" "$scratch"
  rmdir "$scratch"
  return $status
}

if [ "$1" = --inner ]; then
  shift
  inner "$@"
else
  outer "$@"
fi
