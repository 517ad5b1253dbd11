#!/usr/bin/env bash
# Builds and runs the test programs under a sanitizer: sanitized.sh asan|tsan [TEST...]; without names those of the bounded set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
preset=${1:?asan or tsan}
shift
# asan: what reads untrusted input or handles memory. tsan: what starts threads.
case $preset in
  asan) tests=(graph passes kernel json io runtime cpu cuda) ;;
  tsan) tests=(cpu runtime) ;;
  *)
    echo "usage: tools/checks/sanitized.sh asan|tsan [TEST...]" >&2
    exit 2
    ;;
esac
if (($#)); then tests=("$@"); fi
SHOAL_CACHE_DIR=$(mktemp -d)
export SHOAL_CACHE_DIR
trap 'rm -rf "$SHOAL_CACHE_DIR"' EXIT
cmake --preset "$preset" >"$SHOAL_CACHE_DIR/configure.log" 2>&1 || {
  cat "$SHOAL_CACHE_DIR/configure.log"
  exit 1
}
cmake --build --preset "$preset" --target "${tests[@]/#/test_}"
ctest --preset "$preset" -R "^($(IFS='|' && echo "${tests[*]}"))(_[0-9]+)?\$"  # with the parts of divided programs
