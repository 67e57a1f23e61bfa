# The "database" is the file.
statement() { # STATEMENT: its rows
  if command -v sqlite3 >/dev/null; then
    sqlite3 -bail -cmd '.timeout 20000' "$database" "$1" </dev/null
  elif command -v python3 >/dev/null; then
    python3 -c 'import sqlite3, sys
base = sqlite3.connect(sys.argv[1], timeout=20)
for part in sys.argv[2].split(";"):
    for row in base.execute(part):
        print(row[0])
base.commit()' "$database" "$1"
  elif command -v php >/dev/null; then
    php -r '$base = new SQLite3($argv[1]);
$base->enableExceptions(true);
$base->busyTimeout(20000);
foreach (explode(";", $argv[2]) as $part) {
    $rows = $base->query($part);
    while ($rows->numColumns() && $row = $rows->fetchArray()) {
        echo $row[0], "\n";
    }
}' -- "$database" "$1"
  else
    give_up "the image has neither sqlite3 nor python3 nor php"
  fi
}

case $verb in
  list) echo ccci-database: ;;
  plant)
    [ -e "$database" ] || give_up "there is no $database"
    statement "drop table if exists ccci_marker;
      create table ccci_marker (name text primary key, value text not null);
      insert into ccci_marker values ('marker', '$value')" || exit 1
    ;;
  check)
    [ -e "$database" ] || none
    there=$(statement "select count(*) from sqlite_master where name = 'ccci_marker'") || exit 1
    [ "$there" = 1 ] || none
    found=$(statement "select 'ccci-value:' || value from ccci_marker where name = 'marker'") || exit 1
    [ -n "$found" ] || none
    printf '%s\n' "$found"
    ;;
  disturb) statement "update ccci_marker set value = '$value'" || exit 1 ;;
esac
