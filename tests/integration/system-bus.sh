#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A system bus of one's own, as Debian's and with certherd's policies, for COMMAND. polkitd is left to
# COMMAND; nothing is activated. Needs root; changes nothing outside:
#
#   unshare -n -m -p -f --mount-proc --kill-child system-bus.sh SOURCE COMMAND…
set -euo pipefail
source=$1
shift

# The agent is another user's process: a tree below a folder that is its owner's only (root's home) is
# shown to all, at the same place.
show_to_all() {
  local tree=$1 folder=$1 closed=
  while [ "$folder" != / ]; do
    folder=$(dirname "$folder")
    [ $((0$(stat -c %a "$folder") & 1)) = 1 ] || closed=$folder
  done
  [ -n "$closed" ] || return 0
  mount --bind "$tree" /mnt
  mount -t tmpfs -o mode=755 none "$closed"
  mkdir -p "$tree"
  mount --move /mnt "$tree"
}

for folder in /run/dbus /etc/dbus-1/system.d /usr/share/dbus-1/system-services \
              /etc/polkit-1/rules.d /usr/share/polkit-1/rules.d /usr/share/polkit-1/actions; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=755 none "$folder"
done
show_to_all "$(readlink -f "$source")"
cp "$source/data/dbus/org.certherd.Agent1.conf" /etc/dbus-1/system.d/
cp "$source/data/polkit/org.certherd.policy" /usr/share/polkit-1/actions/

# The agent's user, the one that the example rule names, and one that nothing names.
for file in passwd group; do
  cp "/etc/$file" "/run/dbus/$file"
done
number=60101
for user in certherd www other; do
  sed -i "/^$user:/d" /run/dbus/passwd /run/dbus/group
  echo "$user:x:$number:$number::/:/usr/sbin/nologin" >>/run/dbus/passwd
  echo "$user:x:$number:" >>/run/dbus/group
  number=$((number + 1))
done
for file in passwd group; do
  mount --bind "/run/dbus/$file" "/etc/$file"
done

ip link set lo up
# It complains about limits that it may not raise in a container.
dbus-daemon --system --nopidfile --fork 2>/dev/null
exec "$@"
