# Before every script. Arguments: VERB DATABASE VALUE USER PASSWORD_FILE, each maybe empty.
set -u
verb=$1 database=$2 value=$3 user=$4 password_file=$5
export LC_ALL=C

value_of() { # VARIABLE...: the first of them that is set, in itself or through the file that its _FILE names
  for name in "$@"; do
    eval "plain=\${$name-} file=\${${name}_FILE-}"
    if [ -n "$plain" ]; then
      printf '%s' "$plain"
      return
    elif [ -n "$file" ] && [ -r "$file" ]; then
      cat "$file"
      return
    fi
  done
}

give_up() {
  echo "$*" >&2
  exit 1
}

none() {
  echo ccci-none
  exit 0
}
