# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is used by the files that source this one
# Debian packages: finds out which are missing and installs only those. Needs common.sh.

readonly POLICY_FILE=/usr/sbin/policy-rc.d
readonly POLICY_MARK='# temporary, written by cc-ci: packages being installed start no service'

# What the scripts use, as COMMAND:PACKAGE (a path stands for a file to be there).
readonly BUILD_TOOLS='git:git cc:gcc /usr/include/stdio.h:libc6-dev'
readonly TEST_TOOLS='shellcheck:shellcheck'
# A registry that real-Swarm tests start on 127.0.0.1; the package's own service is not started.
# `ip` is for the private engines of long ones.
readonly SWARM_TEST_TOOLS='docker-registry:docker-registry ip:iproute2'
# What the tests of the packs in packs/ call.
readonly PACK_TOOLS='curl:curl'
readonly ENGINE_TOOLS='docker:docker.io dockerd:docker.io iptables:iptables /etc/ssl/certs/ca-certificates.crt:ca-certificates'
# Only where debian:bookworm-slim can be neither found nor pulled.
readonly BASE_IMAGE_TOOLS='mmdebstrap:mmdebstrap'

# packages_missing "TOOLS...": the packages whose command or file is not there, one a line.
packages_missing() {
  local pair probe
  for pair in $1; do
    probe=${pair%%:*}
    case $probe in
      /*) [ -e "$probe" ] && continue ;;
      *) have "$probe" && continue ;;
    esac
    printf '%s\n' "${pair##*:}"
  done | sort -u
}

# packages_ensure "TOOLS...": install what is missing of them, or say what to install and end with 4.
packages_ensure() {
  local missing
  missing=$(packages_missing "$1" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0
  if ! is_root || ! have apt-get; then
    give_up "$EXIT_LACKING" "missing on this machine: $missing" \
      "install them: apt-get install --no-install-recommends $missing (Debian's names), or run this script as root"
  fi
  confirm "Install the missing packages ($missing)?" ||
    give_up "$EXIT_LACKING" "not installed: $missing" "answer y, pass --yes, or install them by hand"
  say "installing missing packages: $missing"
  # shellcheck disable=SC2086 # a list of words on purpose
  packages_install $missing
  hash -r
  missing=$(packages_missing "$1" | tr '\n' ' ')
  [ -z "$missing" ] || give_up "$EXIT_LACKING" "installed, and still not found: $missing" \
    "see what the package brought: dpkg -L $missing"
}

# packages_install PACKAGE...: one `apt-get update`, then the packages alone. No service is started by it:
# the engine is started by engine.sh, which also stops it.
packages_install() {
  local log
  log=$(mktemp)
  if ! (
    packages_hold_services
    trap packages_free_services EXIT
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install -y --no-install-recommends "$@"
  ) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    give_up "$EXIT_LACKING" "apt-get could not install: $*" \
      "check the network and /etc/apt/sources.list.d, then run again" \
      "or by hand: apt-get update && apt-get install --no-install-recommends $*"
  fi
  rm -f "$log"
}

# A policy-rc.d of the machine's own is left alone, whatever it says; one of ours that a killed run left is taken over.
packages_hold_services() {
  if [ -e "$POLICY_FILE" ] && ! grep -qxF "$POLICY_MARK" "$POLICY_FILE"; then return 0; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY_FILE"
  chmod 755 "$POLICY_FILE"
}

packages_free_services() {
  if grep -qxF "$POLICY_MARK" "$POLICY_FILE" 2>/dev/null; then rm -f "$POLICY_FILE"; fi
}
