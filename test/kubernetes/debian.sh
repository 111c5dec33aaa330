# shellcheck shell=sh
# Sourced by assets.sh: how to get programs of Kubernetes out of Debian's archive, into the working directory.
# Uses `say` and `quietly` of say.sh, `install_packages` of packages.sh, and `version` and `draft` of assets.sh.

packages_to_compile=1600

# apt with sources, lists and cache of its own: the host's own sources as they are, and source packages as well.
archive() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$draft/apt/sources" -o Dir::State::lists="$draft/apt/lists" \
    -o Dir::Cache="$draft/apt/cache" -o APT::Sandbox::User=root "$@" </dev/null
}

open_archive() {
  [ ! -d "$draft/apt" ] || return 0
  command -v apt-get >/dev/null || say_what_to_do_without_debian
  mkdir -p "$draft/apt/sources" "$draft/apt/lists/partial" "$draft/apt/cache/archives/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$file" ] || with_source_packages "$file" >"$draft/apt/sources/${file##*/}"
  done
  # One of many sources may fail that has nothing to do with this.
  quietly 'apt-get update' archive update || say "going on with those lists that were to be had"
}

# Both ways in which a list of sources can be written.
with_source_packages() {
  case $1 in
    *.list) cat "$1" && sed -n 's/^deb /deb-src /p' "$1" ;;
    *.sources) sed 's/^Types:.*/Types: deb deb-src/' "$1" ;;
  esac
}

say_what_to_do_without_debian() {
  say "kube-apiserver, etcd or kubectl are missing, and can be fetched on Debian only. Set KUBEBUILDER_ASSETS to a directory" \
    "that has the three of them (setup-envtest, of controller-runtime, makes one), and run this again."
  exit 1
}

# Out of its package instead of by installing it: an etcd that is installed runs as a service.
# usage: take_from_package PROGRAM PACKAGE
take_from_package() {
  say "taking $1 from Debian's package $2; it is not installed"
  unpack_package "$2"
  mv "$2/usr/bin/$1" "$1"
}

# Into a directory of its name.
unpack_package() {
  open_archive
  quietly "apt-get download $1" archive download "$1"
  dpkg-deb -x "$1"_*.deb "$1"
}

# Debian has the source of kube-apiserver and no package with it.
build_kube_apiserver() {
  say "building kube-apiserver $version from Debian's source package kubernetes, once for this machine: 6 to 12 minutes on" \
    "two idle processors, 2 GB of memory, 35 MB to download, 2 GB on disk meanwhile"
  open_archive
  install_packages 'building kube-apiserver' "$(missing_to_build)"
  fetch_source
  renew_reflect2
  let_empty_strings_be
  compile_and_tell
  mv "$(readlink -f src/_output/bin)/kube-apiserver" kube-apiserver
}

missing_to_build() {
  command -v go >/dev/null || echo 'golang-go compiles it'
  command -v dpkg-source >/dev/null || echo 'dpkg-dev unpacks the source'
  for tool in make rsync jq; do
    command -v $tool >/dev/null || echo "$tool is used by its build scripts"
  done
}

fetch_source() {
  quietly 'apt-get source' archive source --download-only kubernetes
  description=$(echo kubernetes_*.dsc)
  case $description in
    *"$version"*) ;;
    *)
      say "this Debian has another version: $description. Set KUBEBUILDER_ASSETS to a directory with kube-apiserver, and run this again."
      exit 1
      ;;
  esac
  quietly 'dpkg-source' dpkg-source --no-check -x "$description" src
}

# The reflect2 in the source knows Go up to 1.17. Compiled with a later one, the server dies of the first custom resource that it is given.
renew_reflect2() {
  package=golang-github-modern-go-reflect2-dev
  unpack_package $package
  rm -rf src/vendor/github.com/modern-go/reflect2
  mv $package/usr/share/gocode/src/github.com/modern-go/reflect2 src/vendor/github.com/modern-go/
}

# Compiled with Go from 1.18 on, validation takes an empty string for null, and refuses it: a zero value, as reflection has it now.
let_empty_strings_be() {
  sed -i 's/ || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data))//' \
    src/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go
}

# Programs name the files that they are made of.
has_new_reflect2() {
  grep -q 'reflect2/go_above_118.go' "$1"
}

compile_and_tell() {
  tell_progress &
  teller=$!
  trap 'kill "$teller" 2>/dev/null || true; rm -rf "$draft"' EXIT
  quietly 'the build' compile
  kill "$teller"
  trap 'rm -rf "$draft"' EXIT
}

# -v: the name of each package, which is all that there is to show of its progress.
compile() {
  mkdir -p src/.go/src/k8s.io
  ln -s ../../.. src/.go/src/k8s.io/kubernetes
  env HOME="$draft" GOPATH="$draft/src/.go" CGO_ENABLED=0 make -C src WHAT=cmd/kube-apiserver GOFLAGS=-v >build.log 2>&1 && return 0
  cat build.log
  return 1
}

tell_progress() {
  # A sleep that outlives this holds neither the lock nor the output.
  while sleep 30 8>&- >/dev/null 2>&1; do
    say "  $(grep -c '^[a-z][a-z0-9./_-]*$' build.log 2>/dev/null) of some $packages_to_compile packages are compiled"
  done
}
