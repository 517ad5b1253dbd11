#!/usr/bin/env bash
# Runs tools/gpu_check.sh --dry-run as on a bare machine: in a folder that holds the last commit and third_party alone, without a
# network, with none of the libraries that shoal is built with, and with an empty environment. Needs root, for its own namespaces.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$(mktemp -d)}
[[ -d $root/third_party/fmt ]] || { echo "third_party/ is empty: run tools/vendor.sh first" >&2; exit 2; }
mkdir -p "$folder"
git -C "$root" archive HEAD | tar -x -C "$folder"
cp -r "$root/third_party" "$folder/"

# Mounts are of the namespace that unshare makes, and end with it.
export folder
unshare --net --mount bash -euo pipefail <<'INSIDE'
shopt -s nullglob
for path in /usr/include/{fmt,nlohmann,CLI,gtest,gmock,benchmark,llvm-*,llvm-c-*} /usr/lib/llvm-* /usr/lib/*/{cmake,pkgconfig} \
  /usr/share/{cmake,pkgconfig} /usr/src/googletest; do
  [[ ! -d $path ]] || mount -t tmpfs -o ro none "$path"
done
for path in /usr/include/{zip,zipconf,xxhash,xxh3,zlib,zconf}.h /usr/lib/*/lib{fmt,zip,xxhash,z,gtest,gmock,benchmark}*.a; do
  [[ ! -f $path ]] || mount --bind /dev/null "$path"
done
cd "$folder"
env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$folder" ${JOBS:+JOBS="$JOBS"} tools/gpu_check.sh --dry-run
INSIDE
