#!/bin/sh
# Starts Postal's worker, and writes down when: what an earlier process of this host had locked, nobody works on any more.
# The arguments are the worker. It starts also where that cannot be written: then less is freed.
set -u
folder=${RUN_FOLDER:-/run/mailctl}

note() {
  read -r host </etc/hostname && date +%s >"$folder/.$host" && mv "$folder/.$host" "$folder/worker.$host"
}

note || echo "when this worker began could not be written down in $folder" >&2
exec "$@"
