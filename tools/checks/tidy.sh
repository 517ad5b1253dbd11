#!/usr/bin/env bash
# Runs clang-tidy-19: over the C++ files that differ from the last commit, `--since REV`, or `--all` of them.
# Reads how each file is compiled from the build folder SHOAL_BUILD, or else from build/tidy, which it configures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${SHOAL_BUILD:-build/tidy}
if ! command -v clang-tidy-19 >/dev/null; then
  echo "tidy: skipped, clang-tidy-19 is not installed"
  exit 0
fi
if [[ -z ${SHOAL_BUILD-} ]]; then
  # The release preset compiles files together; the checks want each by itself.
  cmake --preset release -B "$build" -DSHOAL_UNITY=OFF >/dev/null
elif [[ ! -f $build/compile_commands.json ]]; then
  echo "tidy: $build is not configured" >&2
  exit 1
fi
case ${1-} in
  --all) list=$(git ls-files '*.cpp') ;;
  --since) list=$(git diff --name-only --diff-filter=d "$2" -- '*.cpp') ;;
  "") list=$({ git diff --name-only --diff-filter=d HEAD -- '*.cpp'; git ls-files --others --exclude-standard '*.cpp'; } | sort -u) ;;
  *)
    echo "usage: tools/checks/tidy.sh [--all | --since REV]" >&2
    exit 2
    ;;
esac
# Only files that are compiled can be checked: the emulator's device side and examples/ are not in the database.
files=()
for file in $list; do
  if grep -qF "\"$PWD/$file\"" "$build/compile_commands.json"; then files+=("$file"); fi
done
if ((${#files[@]} == 0)); then
  echo "tidy: no files to check"
  exit 0
fi
# clang takes what libstdc++ 12 deprecates for ours where our code is its template argument (std::stable_sort); GCC's
# warning, which is an error in every build, still says what we use ourselves.
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-deprecated-declarations
echo "tidy: ${#files[@]} files"
