#!/bin/sh
# Gets a certificate for each of CERT_NAMES, renews it when it is due, and hands it to whoever serves it.
#   run.sh             goes on for ever
#   run.sh due [NAME…] gets what is missing or due of these names, and ends
#   run.sh now [NAME…] gets new ones whether due or not, and ends
# One name that fails holds up no other. Beside the certificates lies what the health check looks at.
set -u

letsencrypt=${LETSENCRYPT:-/etc/letsencrypt}
challenges=${CHALLENGES:-/acme}
certificates=${CERTIFICATES:-/tls}
scratch=${SCRATCH:-/tmp}
certbot=${CERTBOT:-certbot}
state=$letsencrypt/mailctl
umask 027

say() {
  printf '{"time":"%s","service":"certbot","level":"%s","msg":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2"
}

# obtain NAME [FLAG…]: has certbot get or renew it where it is due.
obtain() {
  name=$1
  shift
  if [ -n "${ACME_CA:-}" ]; then export REQUESTS_CA_BUNDLE="$ACME_CA"; fi
  if output=$(flock "$state/lock" "$certbot" certonly --non-interactive --agree-tos --no-eff-email \
    --config-dir "$letsencrypt" --work-dir "$scratch/work" --logs-dir "$scratch/logs" \
    --server "$ACME_DIRECTORY" --email "$ACME_EMAIL" --key-type "$CERT_KEY_TYPE" \
    --webroot --webroot-path "$challenges" --cert-name "$name" --domain "$name" \
    --keep-until-expiring "$@" 2>&1); then
    touch "$state/$name.good"
    return 0
  fi
  say error "no certificate for $name: $(printf '%s' "$output" | tr '\n\t"\\' "  ''" | tr -s ' ' | cut -c 1-1000)"
  return 1
}

# deploy NAME: copies what certbot has to where it is served from, the key first, each file whole or not at all.
deploy() {
  from=$letsencrypt/live/$1 to=$certificates/$1
  [ -f "$from/fullchain.pem" ] || return 0
  if cmp -s "$from/fullchain.pem" "$to/fullchain.pem" && cmp -s "$from/privkey.pem" "$to/privkey.pem"; then return 0; fi
  mkdir -p "$to" &&
    cp "$from/privkey.pem" "$to/.privkey.new" && chmod 640 "$to/.privkey.new" &&
    cp "$from/fullchain.pem" "$to/.fullchain.new" && chmod 644 "$to/.fullchain.new" &&
    mv "$to/.privkey.new" "$to/privkey.pem" && mv "$to/.fullchain.new" "$to/fullchain.pem" &&
    say info "a new certificate for $1 is served from now on"
}

# round "FLAGS" NAME…: all names; fails when one of them failed.
round() {
  flags=$1 failed=0
  shift
  for each in "$@"; do
    [ -e "$state/$each.begun" ] || touch "$state/$each.begun"
    # shellcheck disable=SC2086
    obtain "$each" $flags || failed=1
    deploy "$each" || failed=1
  done
  return "$failed"
}

# rest SECONDS: a wait that SIGTERM ends.
rest() {
  sleep "$1" &
  wait $!
}

trap 'exit 0' TERM INT
mkdir -p "$state" "$challenges" "$scratch/work" "$scratch/logs" || exit 1

if [ $# -gt 0 ]; then
  case $1 in now) flags=--force-renewal ;; *) flags= ;; esac
  shift
  # shellcheck disable=SC2086
  [ $# -gt 0 ] || set -- $CERT_NAMES
  round "$flags" "$@"
  exit
fi

delay=$CERT_RETRY_SECONDS
while :; do
  # shellcheck disable=SC2086
  if round "" $CERT_NAMES; then
    delay=$CERT_RETRY_SECONDS
    rest "$CERT_CHECK_SECONDS"
  else
    say warn "trying again in $delay s"
    rest "$delay"
    delay=$((delay * 2 < CERT_CHECK_SECONDS ? delay * 2 : CERT_CHECK_SECONDS))
  fi
done
