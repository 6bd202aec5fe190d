/**
 * The shell script that PostgreSQL lives under. $1 is the folder it owns, $2 the database to make, the rest goes to
 * postgres. initdb need not sync, since what it makes never outlives the machine. On standard input it reads the folder of the programs and their library path, a line each; when
 * that input ends, which it also does when the process at its other end is killed, it stops what it started and removes the folder.
 * A server that was killed leaves its pid file, whose seventh line names shared memory that nobody else would release.
 * PIPE is ignored because then nobody reads what the shell says about a child that died of a signal.
 */
export const supervisor = `
home=$1 database=$2
shift 2
pipe=
exec 3<&0 </dev/null
trap '' PIPE

running() { [ -e "$home/data/postmaster.pid" ] && kill -0 "$child" 2>/dev/null; }

leave() {
  trap '' TERM
  child=$!
  if [ "$child" != "$pipe" ]; then
    kill -KILL "$pipe" 2>/dev/null
    kill -INT "$child" 2>/dev/null
    turns=200
    while running && [ "$turns" -gt 0 ]; do sleep 0.05; turns=$((turns - 1)); done
    [ "$turns" -gt 0 ] || kill -QUIT "$child" 2>/dev/null
    wait "$child"
    [ ! -e "$home/data/postmaster.pid" ] || ipcrm -m "$(sed -n '7s/.* //p' "$home/data/postmaster.pid")" 2>/dev/null
  fi
  rm -rf "$home" || { sleep 0.2; rm -rf "$home"; }
  exit "$1"
}

finished() { wait "$!" || leave 1; }

IFS= read -r bin <&3 || leave 0
IFS= read -r libraries <&3 || leave 0
[ -z "$libraries" ] || export LD_LIBRARY_PATH="$libraries"
trap 'leave 0' TERM
{ read -r _ <&3; kill -TERM $$; } &
pipe=$!
exec 3<&-

"$bin/initdb" --pgdata="$home/data" --username="$database" --pwfile="$home/password" --auth=scram-sha-256 \\
  --encoding=UTF8 --locale=C --no-instructions --no-sync >&2 &
finished
rm -f "$home/password"
echo "create database $database" | "$bin/postgres" --single -D "$home/data" postgres >/dev/null &
finished
"$bin/postgres" -D "$home/data" "$@" &
wait "$!"
leave 1
`;
