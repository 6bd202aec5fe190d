#!/bin/sh
# Starts Postal's SMTP server, which reads its certificate once, and ends it when that changed: the restart policy brings
# it back with the new one. CERTIFICATE is the file, CERT_RELOAD_SECONDS how often it is looked at; the arguments are the server.
set -eu

sum() {
  { cksum <"$CERTIFICATE"; } 2>/dev/null || echo none
}

end_on_change() {
  while sleep "$CERT_RELOAD_SECONDS"; do
    if [ "$(sum)" != "$1" ]; then
      echo "the certificate changed: starting again with the new one" >&2
      kill -TERM "$$"
      return
    fi
  done
}

# Read before the server reads it: a change in between is seen.
begun=$(sum)
end_on_change "$begun" &
exec "$@"
