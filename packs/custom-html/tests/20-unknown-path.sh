#!/bin/sh
# A path that is not there is a real 404, not a page that says so with status 200.
set -eu

status=$(curl --silent --show-error --output /dev/null --write-out '%{http_code}' --max-time 10 \
  --header "Host: $CCCI_DOMAIN" "$CCCI_BASE_URL/no-such-page-$CCCI_RUN_ID")

[ "$status" = 404 ] || { echo "an unknown path answers $status"; exit 1; }
