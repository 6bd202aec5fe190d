#!/bin/sh
# Starts nginx, and reloads it when a certificate or its configuration changed: connections that are open go on with the old one.
# NGINX_RELOAD_SECONDS is how often they are looked at.
set -eu

certificates=${CERTIFICATES:-/tls}
configuration=${CONFIGURATION:-/etc/mailctl/nginx/nginx.conf}
nginx=${NGINX_PROGRAM:-nginx}

sums() {
  cat "$certificates"/*/*.pem "$configuration" "${configuration%/*}"/sites/*.conf 2>/dev/null | cksum
}

reload_on_change() {
  served=$1
  while sleep "$NGINX_RELOAD_SECONDS"; do
    found=$(sums)
    if [ "$found" != "$served" ] && "$nginx" -e stderr -q -t -c "$configuration" && kill -HUP "$$"; then
      served=$found
    fi
  done
}

# Read before nginx reads them: a change in between is seen.
begun=$(sums)
reload_on_change "$begun" &
exec "$nginx" -e stderr -c "$configuration" -g 'daemon off;'
