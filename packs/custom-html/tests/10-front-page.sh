#!/bin/sh
# The front page is HTML and comes with the header the recipe's configuration sets.
set -eu

answer=$(curl --silent --show-error --fail --include --max-time 10 \
  --header "Host: $CCCI_DOMAIN" "$CCCI_BASE_URL/")

echo "$answer" | grep -qi '^content-type: text/html' || { echo "it is no HTML"; exit 1; }
echo "$answer" | grep -qi '<h1' || { echo "it has no heading"; exit 1; }
