# shellcheck shell=bash
# The whole library, in its order.
_lib=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/lib/common.sh
. "$_lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
. "$_lib/packages.sh"
# shellcheck source=scripts/lib/engine.sh
. "$_lib/engine.sh"
# shellcheck source=scripts/lib/swarm.sh
. "$_lib/swarm.sh"
# shellcheck source=scripts/lib/images.sh
. "$_lib/images.sh"
# shellcheck source=scripts/lib/rust.sh
. "$_lib/rust.sh"
unset _lib
