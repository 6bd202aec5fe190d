#!/bin/sh
# Gives Postal's user its rights on the databases of mail servers, and makes the user that only reads, with today's passwords.
# Runs inside the container; passwords go through the environment and stdin, never through argv.
set -eu
MYSQL_PWD=$(cat /run/secrets/MARIADB_ROOT_PASSWORD)
postal=$(cat /run/secrets/MARIADB_POSTAL_PASSWORD)
reader=$(cat /run/secrets/POSTAL_DB_USER)
reader_password=$(cat /run/secrets/POSTAL_DB_PASSWORD)
export MYSQL_PWD
mariadb -u root <<SQL
CREATE USER IF NOT EXISTS '$MARIADB_USER'@'%' IDENTIFIED BY '$postal';
ALTER USER '$MARIADB_USER'@'%' IDENTIFIED BY '$postal';
GRANT ALL PRIVILEGES ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
GRANT ALL PRIVILEGES ON \`$MESSAGE_PREFIX-server-%\`.* TO '$MARIADB_USER'@'%';
CREATE USER IF NOT EXISTS '$reader'@'%' IDENTIFIED BY '$reader_password';
ALTER USER '$reader'@'%' IDENTIFIED BY '$reader_password';
GRANT SELECT ON \`$MARIADB_DATABASE\`.* TO '$reader'@'%';
GRANT SELECT ON \`$MESSAGE_PREFIX-server-%\`.* TO '$reader'@'%';
SQL
