# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is used by the files that source this one
# What every script here shares: how it speaks, how it gives up, where it keeps its state.
# Sourced, never run. A caller sets `set -euo pipefail` first.

# Exit code of "this machine lacks something, and here is how to get it".
readonly EXIT_LACKING=4

REPO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly REPO_ROOT

# Not in everybody's PATH (`su` without `-`), and dockerd and iptables are there.
PATH=$PATH:/usr/sbin:/sbin

# Where the engine's record, its log and the generated recipe repositories live.
state_root() {
  if [ "$(id -u)" -eq 0 ]; then
    printf '%s\n' "${XDG_STATE_HOME:-/var/lib}/cc-ci"
  else
    printf '%s\n' "${XDG_STATE_HOME:-$HOME/.local/state}/cc-ci"
  fi
}

# What is happening now. On stderr, so that stdout belongs to the tool that is run.
say() { printf '==> %s\n' "$*" >&2; }
# Detail below the last `say`.
note() { printf '    %s\n' "$*" >&2; }

# give_up CODE WHAT NEXT_STEP...: end the script, saying what to do next.
give_up() {
  local code=$1 what=$2
  shift 2
  printf '\nstopped: %s\n' "$what" >&2
  local step
  for step in "$@"; do printf '  next: %s\n' "$step" >&2; done
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Consent to change this machine: --yes (ASSUME_YES=1), CI=true, or an answer on the terminal.
# Without a terminal nobody can be asked; then the wish is taken from the fact that the script was run.
confirm() {
  local question=$1 answer
  if [ "${ASSUME_YES:-}" = 1 ] || [ "${CI:-}" = true ]; then return 0; fi
  if ! { [ -t 0 ] && [ -t 2 ]; }; then return 0; fi
  printf '%s [y/N] ' "$question" >&2
  read -r answer || answer=
  case $answer in
    y | Y | yes | Yes) return 0 ;;
    *) return 1 ;;
  esac
}

# wait_until SECONDS COMMAND...: run it every 0.2 s until it succeeds; 1 when the time is up.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

# usage SCRIPT: its header comment, and the exit code of wrong usage.
usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1" >&2
  exit 2
}
