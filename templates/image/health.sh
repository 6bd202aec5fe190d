#!/bin/bash
# The health check of our services: health.sh SERVICE PORT. The quick look is content where both looks of that service are well; all else
# health.js looks into, and says why: a Node for each look at each container would be felt on a small host.
set -u

# look NAME SERVICE PORT: true where that service is well, without a doubt.
look() {
  exec 3<>"/dev/tcp/127.0.0.1/$3" || return 1
  printf 'GET /health/%s HTTP/1.0\r\n\r\n' "$1" >&3
  IFS= read -r -d '' answer <&3
  exec 3>&-
  [[ $answer == *$'\r\n\r\n{"service":"'"$2"'","ok":true,'* ]]
}

if look live "$@" && look ready "$@"; then exit 0; fi 2>/dev/null
exec node "${0%.sh}.js" "$@"
