# shellcheck shell=sh
# Sourced by what gets a host ready: the system packages that hob needs, and how to get packages.
# Uses `say` and `quietly` of say.sh.

# One line for each missing part: PART WHY...
missing_parts() {
  command -v crun >/dev/null || echo 'crun runs the containers'
  [ -f /usr/share/containers/seccomp.json ] ||
    echo 'seccomp-profile says which system calls containers may make'
  static_busybox_is_there || echo 'static-busybox is what the root filesystems of the examples and the tests are made of'
  { command -v unshare && command -v nsenter; } >/dev/null || echo 'util-linux enters namespaces (unshare, nsenter)'
  library_is_there libatomic.so.1 || echo 'libatomic is linked by Node 26'
  library_is_there libstdc++.so.6 || echo 'libstdc++ is linked by Node 26'
}

# In a root filesystem of its own there are no libraries.
static_busybox_is_there() {
  busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1
}

library_is_there() {
  for file in /lib/*/"$1" /usr/lib/*/"$1" /usr/lib64/"$1" /usr/lib/"$1" /lib/"$1"; do
    [ -e "$file" ] && return 0
  done
  return 1
}

# What the package managers call the parts.
package_of() {
  case $1:$2 in
    seccomp-profile:apt-get) echo golang-github-containers-common ;;
    seccomp-profile:zypper) echo libcontainers-common ;;
    seccomp-profile:*) echo containers-common ;;
    static-busybox:dnf | static-busybox:pacman) echo busybox ;;
    static-busybox:*) echo busybox-static ;;
    libatomic:apt-get | libatomic:zypper) echo libatomic1 ;;
    libatomic:pacman) echo gcc-libs ;;
    'libstdc++:apt-get' | 'libstdc++:zypper') echo libstdc++6 ;;
    'libstdc++:pacman') echo gcc-libs ;;
    *) echo "$1" ;;
  esac
}

package_manager() {
  for manager in apt-get dnf apk zypper pacman; do
    command -v "$manager" && return 0
  done
  return 1
}

install_command() {
  case $1 in
    apt-get) echo 'apt-get install -y --no-install-recommends' ;;
    dnf) echo 'dnf install -y' ;;
    apk) echo 'apk add' ;;
    zypper) echo 'zypper --non-interactive install' ;;
    pacman) echo 'pacman -S --needed --noconfirm' ;;
  esac
}

# Installs what is missing, or says how to and fails.
# usage: install_packages WHO_NEEDS_IT LINES_AS_OF_MISSING_PARTS
install_packages() {
  parts=$2
  [ -n "$parts" ] || return 0
  manager=$(package_manager) || manager=unknown
  manager=${manager##*/}
  say "$1 needs of this host, and does not find:"
  printf '%s\n' "$parts" | sed 's/^\([^ ]*\) /  \1: /' >&2
  packages=$(for part in $(printf '%s\n' "$parts" | cut -d' ' -f1); do package_of "$part" "$manager"; done | sort -u | paste -sd' ' -)
  if [ "$manager" = apt-get ] && [ "$(id -u)" = 0 ]; then
    install_with_apt
    say "installed; the packages are there"
  else
    ask_for_packages
  fi
}

ask_for_packages() {
  if [ "$manager" = unknown ]; then
    say "install them with this system's package manager, then run this again."
  else
    sudo=
    [ "$(id -u)" = 0 ] || sudo='sudo '
    say "install them, then run this again:"
    [ "$manager" != apt-get ] || printf '  %sapt-get update\n' "$sudo" >&2
    printf '  %s%s %s\n' "$sudo" "$(install_command "$manager")" "$packages" >&2
  fi
  exit 1
}

install_with_apt() {
  say "installing with apt-get: $packages"
  apt_install >/dev/null 2>&1 && return 0
  # The lists are missing on a fresh host, and old on one that was not touched for long.
  say "not yet to be had from the package lists here; fetching new lists"
  quietly 'apt-get update' apt_get update || quietly 'apt-get update' apt_get update || exit 1
  quietly 'apt-get install' apt_install || exit 1
}

apt_install() {
  # shellcheck disable=SC2086 # one word a package
  apt_get install -y --no-install-recommends $packages
}

# On hosts that update themselves dpkg's lock is taken now and then.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null
}
