#!/bin/sh
# Gives Postal's user its rights on the databases of mail servers, and makes the user that only reads, with today's passwords.
# Runs inside the container; passwords go through the environment and stdin, never through argv.
set -eu
MYSQL_PWD=$(cat /run/secrets/MARIADB_ROOT_PASSWORD)
user=$(cat /run/secrets/MARIADB_POSTAL_USER)
postal=$(cat /run/secrets/MARIADB_POSTAL_PASSWORD)
reader=$(cat /run/secrets/POSTAL_DB_USER)
reader_password=$(cat /run/secrets/POSTAL_DB_PASSWORD)
export MYSQL_PWD
mariadb -u root <<SQL
CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$postal';
ALTER USER '$user'@'%' IDENTIFIED BY '$postal';
GRANT ALL PRIVILEGES ON \`$MARIADB_DATABASE\`.* TO '$user'@'%';
GRANT ALL PRIVILEGES ON \`$MESSAGE_PREFIX-server-%\`.* TO '$user'@'%';
CREATE USER IF NOT EXISTS '$reader'@'%' IDENTIFIED BY '$reader_password';
ALTER USER '$reader'@'%' IDENTIFIED BY '$reader_password';
GRANT SELECT ON \`$MARIADB_DATABASE\`.* TO '$reader'@'%';
GRANT SELECT ON \`$MESSAGE_PREFIX-server-%\`.* TO '$reader'@'%';
SQL
# A new volume was made with the first name of a login that has rotated since, and with today's password.
[ "$user" = "$MARIADB_USER" ] && exit 0
MYSQL_PWD=$postal mariadb -h 127.0.0.1 -u "$MARIADB_USER" -e 'select 1' >/dev/null 2>&1 || exit 0
mariadb -u root -e "DROP USER '$MARIADB_USER'@'%'"
