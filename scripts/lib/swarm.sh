# shellcheck shell=bash
# The Swarm on the engine that engine.sh found or started. Needs common.sh, engine.sh.
#
# On an engine of ours the Swarm stays in the engine's data folder and is there again next time. One that we initialised
# on somebody else's engine is left again by the last script, provided that nothing has come to live in it.

# swarm_up: this node is a manager afterwards.
swarm_up() { engine_locked swarm_up_locked; }

swarm_up_locked() {
  case $(swarm_state) in
    'active true') return 0 ;;
    'active false')
      give_up "$EXIT_LACKING" "this node is a Swarm worker; stacks can only be deployed from a manager" \
        "run on a manager, or (it takes this node out of its Swarm!): docker swarm leave" ;;
    'inactive '*) swarm_init ;;
    'locked '*)
      give_up "$EXIT_LACKING" "the Swarm of this node is locked" "unlock it: docker swarm unlock" ;;
    *)
      give_up "$EXIT_LACKING" "the Swarm of this node is not usable (state: $(swarm_state))" \
        "look: docker info, docker node ls" ;;
  esac
}

swarm_state() { docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'; }
swarm_id() { docker info --format '{{if .Swarm.Cluster}}{{.Swarm.Cluster.ID}}{{end}}'; }

swarm_init() {
  confirm "This engine is in no Swarm. Initialise one, of this node alone, on 127.0.0.1?" ||
    give_up "$EXIT_LACKING" "no Swarm" "answer y, pass --yes, or by hand: docker swarm init"
  say "initialising a Swarm of this node alone"
  local bridge=ours
  if docker network inspect docker_gwbridge >/dev/null 2>&1; then bridge=theirs; fi
  docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1:2377 >/dev/null ||
    give_up "$EXIT_LACKING" "docker swarm init failed" "see its message above; is port 2377 taken?"
  engine_is_ours || record_put "$SWARM_RECORD" id "$(swarm_id)" bridge "$bridge"
}

# swarm_down: leave the Swarm on record, if this engine is still in it and nothing lives in it.
swarm_down() {
  local id
  id=$(record_get "$SWARM_RECORD" id)
  if [ -z "$id" ] || is_kept "$SWARM_RECORD"; then return 0; fi
  if [ "$(swarm_id 2>/dev/null)" = "$id" ]; then
    if [ -n "$(swarm_residents)" ]; then
      say "leaving the Swarm that we initialised in place: something lives in it (docker service ls, docker secret ls)"
    else
      say "leaving the Swarm that we initialised"
      docker swarm leave --force >/dev/null
      [ "$(record_get "$SWARM_RECORD" bridge)" != ours ] || docker network rm docker_gwbridge >/dev/null 2>&1 || true
    fi
  fi
  rm -f "$SWARM_RECORD"
}

swarm_residents() {
  docker service ls -q
  docker secret ls -q
  docker config ls -q
  docker network ls --filter scope=swarm --format '{{.Name}}' | grep -vx ingress
  docker node ls -q | tail -n +2
}
