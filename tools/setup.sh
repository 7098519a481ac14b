# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by tools/test and tools/demo: the packages they need, and building into a folder of build/.
# The caller has set -eu and stands in the top folder.

# Debian's programs are what is tested, whatever else stands first in a developer's PATH.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

# Every package of tools/packages that is not installed, one a line.
missing_packages() {
  local package
  while read -r package; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tools/packages)
}

# Installs what is missing; who may not is told what to install.
need_packages() {
  local missing log
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; install them, or run this as root, which installs them:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  echo "Installing ${#missing[@]} packages of Debian (tools/packages) …"
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
           apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "The packages could not be installed; the end of apt's output is above." >&2
    return 1
  fi
  rm -f "$log"
}

# build_into FOLDER OPTION…: configures and builds, all or the target that build_only names; prints only what
# fails.
build_into() {
  local folder=$1 log
  shift
  mkdir -p "$folder"
  log=$folder/build.log
  local again=()
  [ ! -e "$folder/build.ninja" ] || again=(--reconfigure)
  if ! { meson setup "${again[@]}" "$folder" "$@" && ninja -k 0 -C "$folder" ${build_only:+"$build_only"}; } >"$log" 2>&1; then
    grep -E -A 8 'ERROR:|^FAILED:| error: ' "$log" | cut -c -300 | head -n 60 >&2 || tail -n 30 "$log" >&2
    echo "Building into $folder failed; the whole output is in $log." >&2
    return 1
  fi
}
