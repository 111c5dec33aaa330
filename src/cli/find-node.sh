# shellcheck shell=sh
# Sourced by shell scripts that need the Node that hob runs on.

# Sets `node` to a Node 26 for the clone at $1: the one that its node_modules hold for this kind of machine, else one on
# the PATH that is new enough. False when there is neither.
find_node() {
  for node in "$1"/node_modules/node-linux-*/bin/node; do
    [ -x "$node" ] && return 0
  done
  node=$(command -v node) && is_new_enough "$node"
}

# 26.10 is the first with all that hob calls (node:ffi as it is used); 27 may have changed what is still experimental.
is_new_enough() {
  "$1" -e 'const [major, minor] = process.versions.node.split("."); process.exit(major === "26" && minor >= 10 ? 0 : 1)' \
    2>/dev/null
}
