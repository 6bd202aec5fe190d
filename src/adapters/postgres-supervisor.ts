/**
 * Makes a cluster in $1/data with the programs in $2 and runs it until its standard input ends, which also happens when the
 * process that started it is killed; then stops PostgreSQL and removes $1. $3 is the database, $4 initdb's extra flag, the rest go to postgres.
 */
export const supervisor = `
set -u
home=$1 bin=$2 database=$3 sync=$4
shift 4
child=
exec 3<&0 </dev/null
stopping() { [ -e "$home/data/postmaster.pid" ] && [ "$turns" -gt 0 ]; }
leave() {
  trap '' TERM
  if [ -n "$child" ]; then
    kill -INT "$child" 2>/dev/null
    turns=200
    while stopping; do sleep 0.05; turns=$((turns - 1)); done
    kill -QUIT "$child" 2>/dev/null
    wait "$child"
  fi
  kill -KILL "$pipe" 2>/dev/null
  cd /
  rm -rf "$home"
  exit "$1"
}
trap 'leave 0' TERM
{ read -r _ <&3; kill -TERM $$; } &
pipe=$!
exec 3<&-
"$bin/initdb" --pgdata="$home/data" --username="$database" --pwfile="$home/password" --auth=scram-sha-256 \\
  --encoding=UTF8 --locale=C --no-instructions $sync >&2 &
child=$!
wait "$child" || leave 3
rm -f "$home/password"
echo "create database $database" | "$bin/postgres" --single -D "$home/data" postgres >/dev/null &
child=$!
wait "$child" || leave 3
"$bin/postgres" -D "$home/data" "$@" &
child=$!
wait "$child"
leave 4
`;
