client=$(command -v redis-cli || command -v valkey-cli || command -v keydb-cli) || give_up "the image has no redis-cli"
unset REDISCLI_AUTH VALKEYCLI_AUTH

enters() { # PASSWORD
  if [ -n "$1" ]; then
    REDISCLI_AUTH=$1 VALKEYCLI_AUTH=$1
    export REDISCLI_AUTH VALKEYCLI_AUTH
  else
    unset REDISCLI_AUTH VALKEYCLI_AUTH
  fi
  answer=$(run ping 2>&1)
  [ "$answer" = PONG ]
}

run() {
  if [ -n "$user" ]; then set -- --user "$user" "$@"; fi
  "$client" "$@" </dev/null
}

login() {
  if [ -n "$password_file" ]; then
    enters "$(cat "$password_file")"
    return
  fi
  enters "$(value_of REDIS_PASSWORD VALKEY_PASSWORD KEYDB_PASSWORD REDIS_PASS)" && return
  enters '' && return
  case $answer in
    *AUTH* | *auth* | *WRONGPASS*) ;;
    *) return 1 ;;
  esac
  # A password that the recipe's own command reads from a secret.
  for secret in /run/secrets/*; do
    if [ -r "$secret" ] && enters "$(cat "$secret")"; then return; fi
  done
  return 1
}
login || give_up "$answer"

# A server that is told to keep nothing on disk has nothing to lose, whatever is mounted there.
forgets() {
  [ "$(run config get appendonly 2>/dev/null | sed -n 2p)" = no ] &&
    [ "$(run config get save 2>/dev/null | sed -n 1p)" = save ] &&
    [ -z "$(run config get save 2>/dev/null | sed -n 2p)" ]
}

case $verb in
  list) echo ccci-database: ;;
  plant | disturb)
    if [ "$verb" = plant ] && forgets; then
      echo ccci-forgets
      exit 0
    fi
    answer=$(run set ccci_marker "$value" 2>&1)
    [ "$answer" = OK ] || give_up "$answer"
    ;;
  check)
    answer=$(run exists ccci_marker 2>&1)
    case $answer in
      1) ;;
      0) none ;;
      *) give_up "$answer" ;;
    esac
    echo "ccci-value:$(run get ccci_marker)"
    ;;
esac
