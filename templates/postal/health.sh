#!/bin/bash
# The health check of Postal's processes, for which no Ruby is started: health.sh web|smtp|worker. Says why not.
set -u

fail() {
  echo "$1"
  exit 1
}

# ask PORT PATH HOST: the whole answer.
ask() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || fail "nothing listens on port $1"
  printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$2" "$3" >&3
  IFS= read -r -d '' answer <&3
  exec 3>&-
}

# health PORT: what the process itself says.
health() {
  ask "$1" /health 127.0.0.1
  [[ $answer == *$'\r\n\r\nOK' ]] || fail 'no health'
}

case $1 in
  web)
    ask 5000 /login "$POSTAL_HOST"
    [[ $answer == HTTP/1.[01]\ 200\ * ]] || fail "GET /login: ${answer%%$'\r'*}"
    ;;
  smtp)
    health 9091
    exec 3<>/dev/tcp/127.0.0.1/25 || fail 'nothing listens on port 25'
    IFS= read -r answer <&3
    [[ $answer == '220 '* ]] || fail 'no greeting'
    printf 'QUIT\r\n' >&3
    ;;
  worker) health 9090 ;;
esac
