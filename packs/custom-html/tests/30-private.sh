#!/bin/sh
# /private wants the generated token: without it, and with a wrong one, it answers 401.
set -eu

status() {
  curl --silent --show-error --output /dev/null --write-out '%{http_code}' --max-time 10 \
    --header "Host: $CCCI_DOMAIN" "$@" "$CCCI_BASE_URL/private"
}

echo "TAP version 14"
echo "1..2"
without=$(status)
if [ "$without" = 401 ]; then echo "ok 1 - no token: 401"; else echo "not ok 1 - no token: $without"; fi
wrong=$(status --header "Authorization: Bearer wrong")
if [ "$wrong" = 401 ]; then echo "ok 2 - wrong token: 401"; else echo "not ok 2 - wrong token: $wrong"; fi
