set -eu
value() { eval "direct=\${$1:-} file=\${$1_FILE:-}"; if [ -n "$direct" ]; then printf %s "$direct"; elif [ -n "$file" ]; then cat "$file"; fi; }
if [ "$1" = mariadbd ] && [ ! -d /var/lib/mysql/mysql ]; then
  root=$(value MARIADB_ROOT_PASSWORD)
  [ -n "$root" ] || { echo "Database is uninitialized and password option is not specified" >&2; exit 1; }
  mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db >/dev/null
  mariadbd --skip-networking --skip-log-bin &
  until mariadb-admin -u root ping >/dev/null 2>&1; do sleep 0.1; done
  mariadb -u root <<SQL
ALTER USER 'root'@'localhost' IDENTIFIED BY '$root';
CREATE USER 'root'@'%' IDENTIFIED BY '$root';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$(value MARIADB_PASSWORD)';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
SQL
  for file in /docker-entrypoint-initdb.d/*.sql; do [ -f "$file" ] && MYSQL_PWD=$root mariadb -u root "$MARIADB_DATABASE" <"$file"; done
  MYSQL_PWD=$root mariadb-admin -u root shutdown
  wait
fi
exec "$@"
