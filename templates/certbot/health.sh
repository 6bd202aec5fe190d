#!/bin/sh
# Healthy: for each of CERT_NAMES certbot found its certificate good, or renewed it, within the last CERT_HEALTH_MINUTES.
# A name that never had one counts from when it was first tried, so a start does not look like a failure.
set -u
state=${LETSENCRYPT:-/etc/letsencrypt}/mailctl
bad=""
for name in $CERT_NAMES; do
  mark=$state/$name.good
  [ -e "$mark" ] || mark=$state/$name.begun
  [ -n "$(find "$mark" -mmin "-$CERT_HEALTH_MINUTES" 2>/dev/null)" ] || bad="$bad $name"
done
[ -z "$bad" ] && exit 0
echo "certbot has had no good certificate for $CERT_HEALTH_MINUTES minutes for:$bad"
exit 1
