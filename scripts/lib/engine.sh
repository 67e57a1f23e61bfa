# shellcheck shell=bash
# The Docker engine and its Swarm: used as found, or started here and stopped again. Needs common.sh, packages.sh.
#
# What is ours is told by records in the state folder, never guessed:
#   engine.record  pid, start time and boot of the dockerd that a script of ours started
#   swarm.record   id of the Swarm that a script of ours initialised on somebody else's engine
# `kept=yes` in a record: --keep-engine was said; what it names counts as found running, until `scripts/engine down`.
# An engine that was already running is never stopped. An engine of ours has its own data folder, so neither the
# machine's /var/lib/docker nor the containers in it are touched; images stay cached there between runs.
# Several scripts at once: each holds a shared lock on engine.users for as long as it lives; only who can turn it into an
# exclusive one (the last) stops anything. A script that was killed loses its lock with its last process, and the record
# lets the next one clean up.

ENGINE_DIR=$(state_root)/engine
readonly ENGINE_DIR
readonly ENGINE_RECORD=$ENGINE_DIR/engine.record
readonly SWARM_RECORD=$ENGINE_DIR/swarm.record
readonly ENGINE_LOG=$ENGINE_DIR/dockerd.log
readonly ENGINE_START_SECONDS=60
readonly ENGINE_STOP_SECONDS=40
ENGINE_JOINED=

# engine_up: an engine answers afterwards, and this script counts as one that uses it.
engine_up() {
  engine_join
  engine_locked engine_up_locked
}

# Opens this script's entry in the users' lock; held from engine_up_locked on.
engine_join() {
  mkdir -p "$ENGINE_DIR"
  exec 8>>"$ENGINE_DIR/engine.users"
  ENGINE_JOINED=1
}

engine_up_locked() {
  flock -w 300 -s 8 ||
    give_up "$EXIT_LACKING" "another script has kept the engine to itself for 5 minutes" \
      "see who: fuser -v $ENGINE_DIR/engine.users"
  if engine_answers; then
    say "using the Docker engine that is running (version $(engine_version))"
    return 0
  fi
  engine_refuse_foreign
  engine_refuse_hung
  packages_ensure "$ENGINE_TOOLS"
  engine_answers || engine_start
}

# engine_keep: what is ours stays when this script and any other one ends.
engine_keep() {
  local record
  for record in "$ENGINE_RECORD" "$SWARM_RECORD"; do
    [ ! -e "$record" ] || is_kept "$record" || printf 'kept=yes\n' >>"$record"
  done
  if is_kept "$ENGINE_RECORD"; then say "leaving the engine running (end it with: scripts/engine down)"; fi
}

engine_unkeep() { sed -i '/^kept=/d' "$ENGINE_RECORD" "$SWARM_RECORD" 2>/dev/null || true; }
is_kept() { [ "$(record_get "$1" kept)" = yes ]; }

# engine_down: let go of the engine; the last user stops what is ours and not kept.
engine_down() {
  [ -n "$ENGINE_JOINED" ] || return 0
  engine_locked engine_down_locked
  # Let go by word, not only by closing: a process that a test left behind has inherited the descriptor, and with it
  # would hold the lock for everybody who comes later.
  flock -u 8
  exec 8>&-
  ENGINE_JOINED=
}

# engine_finish: for `trap … EXIT`; KEEP_ENGINE=1 is --keep-engine.
engine_finish() {
  [ -z "${KEEP_ENGINE:-}" ] || engine_keep
  engine_down
}

engine_down_locked() {
  if ! flock -n -x 8; then
    say "leaving the engine to another script that is using it"
  elif engine_is_ours; then
    is_kept "$ENGINE_RECORD" || engine_stop "$(record_get "$ENGINE_RECORD" pid)"
  else
    swarm_down
  fi
}

# engine_locked COMMAND...: one script at a time looks, starts and stops.
engine_locked() {
  exec 9>>"$ENGINE_DIR/engine.mutex"
  flock -w 300 9 ||
    give_up "$EXIT_LACKING" "another script has been starting or stopping the engine for 5 minutes" \
      "see who: fuser -v $ENGINE_DIR/engine.mutex"
  "$@"
  flock -u 9
  exec 9>&-
}

engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
engine_version() { docker version --format '{{.Server.Version}}'; }

# Where Docker is told to be elsewhere, or is there but not for us, starting a second one here would be wrong.
engine_refuse_foreign() {
  local context
  if have docker; then
    [ -z "${DOCKER_HOST:-}" ] || give_up "$EXIT_LACKING" "DOCKER_HOST=$DOCKER_HOST does not answer" \
      "start that engine, or unset DOCKER_HOST to use one on this machine"
    context=$(docker context show 2>/dev/null || echo default)
    [ "$context" = default ] || give_up "$EXIT_LACKING" "the engine of docker context '$context' does not answer" \
      "start that engine, or: docker context use default"
  fi
  is_root || give_up "$EXIT_LACKING" "no Docker engine answers to this user" \
    "is one running? then: usermod -aG docker $(id -un), and log in again" \
    "otherwise start one, or run this script as root: it starts an engine and stops it again"
}

# One of ours that runs and does not answer: two on one data folder would destroy it.
engine_refuse_hung() {
  engine_is_ours || return 0
  wait_until "$ENGINE_START_SECONDS" engine_answers ||
    give_up "$EXIT_LACKING" "the engine that we started (pid $(record_get "$ENGINE_RECORD" pid)) does not answer" \
      "read its log: $ENGINE_LOG" "end it: scripts/engine down"
}

engine_start() {
  confirm "No Docker engine is running. Start one (stopped again at the end)?" ||
    give_up "$EXIT_LACKING" "no Docker engine" "start it by hand, answer y, or pass --yes"
  say "starting a Docker engine (log: $ENGINE_LOG)"
  printf '{}\n' >"$ENGINE_DIR/daemon.json"
  pid_file_clear "$ENGINE_DIR/dockerd.pid" dockerd
  pid_file_clear /run/docker/containerd/containerd.pid containerd
  # A session of its own: Ctrl-C at this terminal must not reach it. It must not inherit our locks either.
  setsid dockerd --config-file "$ENGINE_DIR/daemon.json" --data-root "$ENGINE_DIR/data" \
    --pidfile "$ENGINE_DIR/dockerd.pid" >"$ENGINE_LOG" 2>&1 </dev/null 8>&- 9>&- &
  local pid=$!
  record_put "$ENGINE_RECORD" pid "$pid" start "$(process_start "$pid")" boot "$(boot_id)"
  wait_until "$ENGINE_START_SECONDS" engine_ready_or_dead "$pid" || true
  if ! engine_answers; then
    tail -n 15 "$ENGINE_LOG" >&2
    kill -TERM "$pid" 2>/dev/null || true
    rm -f "$ENGINE_RECORD"
    give_up "$EXIT_LACKING" "dockerd ended, or did not become ready within $ENGINE_START_SECONDS s" \
      "read the whole log: $ENGINE_LOG" \
      "a container or a restricted kernel may not allow it: it needs root, cgroups, iptables and overlayfs"
  fi
}

# pid_file_clear FILE NAME: a machine that went down leaves pid files; whoever has that pid now keeps Docker from starting.
pid_file_clear() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || rm -f "$1"
}

engine_ready_or_dead() { engine_answers || ! kill -0 "$1" 2>/dev/null; }

engine_stop() {
  local pid=$1
  say "stopping the Docker engine that we started"
  kill -TERM "$pid" 2>/dev/null || return 0
  if wait_until "$ENGINE_STOP_SECONDS" process_gone "$pid"; then
    rm -f "$ENGINE_RECORD"
  else
    note "it is still busy after $ENGINE_STOP_SECONDS s (pid $pid, log $ENGINE_LOG); left alone"
  fi
}

# The dockerd on record, and not another process that got its pid.
engine_is_ours() {
  local pid
  pid=$(record_get "$ENGINE_RECORD" pid)
  [ -n "$pid" ] || return 1
  [ "$(record_get "$ENGINE_RECORD" boot)" = "$(boot_id)" ] || return 1
  [ "$(record_get "$ENGINE_RECORD" start)" = "$(process_start "$pid")" ]
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }
process_gone() { [ -z "$(process_start "$1")" ]; }
# Start time in clock ticks since boot; nothing for a process that is gone or only waits to be reaped.
process_start() {
  sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }' || true
}

# A record: `key=value` lines, put in place whole.
record_put() {
  local file=$1
  shift
  while [ $# -gt 0 ]; do
    printf '%s=%s\n' "$1" "$2"
    shift 2
  done >"$file.new"
  mv "$file.new" "$file"
}
record_get() { sed -n "s/^$2=//p" "$1" 2>/dev/null || true; }
