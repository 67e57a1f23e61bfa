client=$(command -v mariadb || command -v mysql) || give_up "the image has neither mariadb nor mysql"

query() {
  "$client" -u"$user" -N -B -e "$1" </dev/null
}

enters() { # USER PASSWORD
  [ -n "$1" ] || return 1
  user=$1 MYSQL_PWD=$2
  export MYSQL_PWD
  query 'select 1' >/dev/null 2>&1
}

root=$(value_of MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD)
login() {
  wanted=$user
  if [ -n "$password_file" ]; then
    enters "${wanted:-root}" "$(cat "$password_file")"
    return
  fi
  own=$(value_of MARIADB_USER MYSQL_USER)
  password=$(value_of MARIADB_PASSWORD MYSQL_PASSWORD)
  if [ -n "$wanted" ]; then
    enters "$wanted" "$password" || enters "$wanted" "$root"
    return
  fi
  enters root "$root" || enters "$own" "$password" || {
    # Passwords that an entrypoint of the recipe's own reads from a secret.
    for secret in /run/secrets/*; do
      [ -r "$secret" ] || continue
      enters root "$(cat "$secret")" || enters "$own" "$(cat "$secret")" && return
    done
    enters root "$root"
  }
}
login || {
  query 'select 1' >/dev/null
  exit 1
}

case $verb in
  list)
    made_with=$(value_of MARIADB_DATABASE MYSQL_DATABASE)
    query "select concat('ccci-database:', schema_name) from information_schema.schemata s
      where schema_name not in ('information_schema', 'mysql', 'performance_schema', 'sys')
      and (schema_name = '$made_with' or exists (select 1 from information_schema.tables t
        where t.table_schema = s.schema_name and t.table_name <> 'ccci_marker'))" || exit 1
    ;;
  plant)
    query "drop table if exists \`$database\`.ccci_marker;
      create table \`$database\`.ccci_marker (name varchar(64) primary key, value varchar(255) not null);
      insert into \`$database\`.ccci_marker values ('marker', '$value')" || exit 1
    ;;
  check)
    there=$(query "select count(*) from information_schema.tables
      where table_schema = '$database' and table_name = 'ccci_marker'") || exit 1
    [ "$there" = 1 ] || none
    found=$(query "select concat('ccci-value:', value) from \`$database\`.ccci_marker where name = 'marker'") || exit 1
    [ -n "$found" ] || none
    printf '%s\n' "$found"
    ;;
  disturb) query "update \`$database\`.ccci_marker set value = '$value'" || exit 1 ;;
esac
