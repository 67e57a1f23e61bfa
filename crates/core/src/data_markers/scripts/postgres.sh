command -v psql >/dev/null || give_up "the image has no psql"
[ -n "$user" ] || user=$(value_of POSTGRES_USER POSTGRESQL_USERNAME)
[ -n "$user" ] || user=postgres
if [ -n "$password_file" ]; then
  PGPASSWORD=$(cat "$password_file") || exit 1
else
  PGPASSWORD=$(value_of POSTGRES_PASSWORD POSTGRESQL_PASSWORD POSTGRESQL_POSTGRES_PASSWORD)
fi
export PGPASSWORD PGCONNECT_TIMEOUT=10
made_with=$(value_of POSTGRES_DB POSTGRESQL_DATABASE)
[ -n "$made_with" ] || made_with=$user

query() { # DATABASE STATEMENT
  psql -qAtX -v ON_ERROR_STOP=1 -U "$user" -d "$1" -c "set client_min_messages = error; $2" </dev/null
}

# The database from which others are looked at: it stays while they are dropped and made again.
root=postgres
query postgres 'select 1' >/dev/null 2>&1 || root=$made_with
query "$root" 'select 1' >/dev/null || exit 1

case $verb in
  list)
    all=$(query "$root" 'select datname from pg_database where datallowconn and not datistemplate order by 1') || exit 1
    printf '%s\n' "$all" | while IFS= read -r name; do
      tables=$(query "$name" "select count(*) from information_schema.tables where table_name <> 'ccci_marker'
        and table_schema not in ('pg_catalog', 'information_schema')" 2>/dev/null) || tables=0
      if [ "$name" = "$made_with" ] || [ "$tables" -gt 0 ]; then echo "ccci-database:$name"; fi
    done
    ;;
  plant)
    query "$database" "drop table if exists ccci_marker;
      create table ccci_marker (name text primary key, value text not null);
      insert into ccci_marker values ('marker', '$value')" || exit 1
    query "$database" checkpoint >/dev/null 2>&1 || :
    ;;
  check)
    there=$(query "$root" "select count(*) from pg_database where datname = '$database'") || exit 1
    [ "$there" = 1 ] || none
    there=$(query "$database" "select count(*) from pg_class where oid = to_regclass('ccci_marker')") || exit 1
    [ "$there" = 1 ] || none
    found=$(query "$database" "select 'ccci-value:' || value from ccci_marker where name = 'marker'") || exit 1
    [ -n "$found" ] || none
    printf '%s\n' "$found"
    ;;
  disturb) query "$database" "update ccci_marker set value = '$value'" || exit 1 ;;
esac
