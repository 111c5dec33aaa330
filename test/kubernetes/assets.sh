#!/bin/sh
# `npm run kube:assets`: the real Kubernetes that the tests in this folder talk to, which is kube-apiserver, etcd and kubectl. Gets those that
# are missing and prints where each of them is. Where all are there it looks, and is done in a few milliseconds. `npm test` calls it first.
#
# It looks where KUBEBUILDER_ASSETS points (the convention of envtest), on the PATH for etcd and kubectl, and in a cache that all clones of a
# user share. What is in none of them comes from Debian's archive, without a service being installed.
# usage: assets.sh [--look]   --look: get nothing, and fail when something is missing
set -eu

here=$(CDPATH='' cd -P -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -P -- "$here/../.." && pwd -P)
# The oldest that hob is to work with.
version=1.20.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hob/kube/$version-$(uname -m)
programs='kube-apiserver etcd kubectl'
# shellcheck source=deploy/say.sh
. "$root/deploy/say.sh"
# shellcheck source=deploy/packages.sh
. "$root/deploy/packages.sh"
# shellcheck source=test/kubernetes/debian.sh
. "$here/debian.sh"

where_is() {
  for file in "${KUBEBUILDER_ASSETS:-}/$1" "$(on_path "$1")" "$cache/$1"; do
    if [ -x "$file" ]; then
      echo "$file"
      return 0
    fi
  done
  return 1
}

# A kube-apiserver that happens to be installed is of any version.
on_path() {
  [ "$1" = kube-apiserver ] || command -v "$1" || true
}

missing_programs() {
  for program in $programs; do
    where_is "$program" >/dev/null || echo "$program"
  done
}

print_places() {
  for program in $programs; do
    echo "$program=$(where_is "$program")"
  done
}

# One at a time: one builds, and the others have it as well.
wait_for_others() {
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock -n 8 && return 0
  say "another one is getting kube-apiserver, etcd or kubectl; waiting for it"
  flock 8
}

# In a directory beside, of which one that died has left its own.
get_missing_programs() {
  rm -rf "$cache"/draft.*
  draft=$(mktemp -d "$cache/draft.XXXXXX")
  trap 'rm -rf "$draft"' EXIT
  trap 'exit 130' INT TERM
  cd "$draft"
  for program in $(missing_programs); do
    get "$program"
    chmod 755 "$program"
    mv "$program" "$cache/$program"
  done
}

get() {
  case $1 in
    kube-apiserver) unpack_kube_apiserver || build_kube_apiserver ;;
    etcd) take_from_package etcd etcd-server ;;
    kubectl) take_from_package kubectl kubernetes-client ;;
  esac
}

# Somebody may have built it for this machine already.
unpack_kube_apiserver() {
  packed=$root/../shared/kube/kube-apiserver.xz
  [ "$(uname -m)" = x86_64 ] && [ -r "$packed" ] && command -v xz >/dev/null || return 1
  say "unpacking kube-apiserver from ${packed#"$root"/}"
  xz -dc "$packed" >kube-apiserver
  has_new_reflect2 kube-apiserver && return 0
  say "this one would die of the first custom resource, for it was compiled with too old a reflect2"
  return 1
}

if [ -n "$(missing_programs)" ]; then
  if [ "${1:-}" = --look ]; then
    say "missing for the tests with Kubernetes: $(missing_programs | paste -sd' ' -); get them with: npm run kube:assets"
    exit 1
  fi
  wait_for_others
  get_missing_programs
  say "kube-apiserver, etcd and kubectl are there; what was fetched is in $cache"
fi
print_places
