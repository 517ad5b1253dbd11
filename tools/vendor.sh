#!/usr/bin/env bash
# Fills third_party/ with the sources of the libraries that shoal builds with, for machines that have neither them nor a
# network: tools/vendor.sh [FOLDER]. They come from this machine's Debian mirror, at pinned versions with pinned checksums.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:-$root/third_party}

# source package, version, upstream tarball, its SHA-256, folder in it
pinned="
fmtlib 9.1.0+ds1-2 fmtlib_9.1.0+ds1.orig.tar.gz 84ce1c2d0be3a9863935137969dcec6970125caac032f82474640bfc81463583 fmt
nlohmann-json3 3.11.2-2 nlohmann-json3_3.11.2.orig.tar.gz d69f9deb6a75e2580465c6c4c5111b89c4dc2fa94e3a85fcd2ffcd9a143d9273 json
cli11 2.1.2+ds-1 cli11_2.1.2+ds.orig.tar.xz 8143d20b688e98ccce8e24562d3b68e5f47c12e896c42c7ca8553dbde5bed55d cli11
googletest 1.12.1-0.2 googletest_1.12.1.orig.tar.gz 81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2 googletest
libzip 1.7.3-1 libzip_1.7.3.orig.tar.xz a60473ffdb7b4260c08bfa19c2ccea0438edac11193c3afbbb1f17fbcf6c6132 libzip
zlib 1:1.2.13.dfsg-1 zlib_1.2.13.dfsg.orig.tar.bz2 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1 zlib
xxhash 0.8.1-1 xxhash_0.8.1.orig.tar.gz 3bb6b7d6f30c591dd65aaaff1c8b7a5b94d81687998ca9400082c739a690436c xxhash
"

command -v apt-get >/dev/null || { echo "tools/vendor.sh needs apt-get: run it on a Debian 12 machine, and copy third_party/" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,download} "$target"

# The machine's own mirrors, asked for sources instead of binaries; its configuration stays as it is.
for file in /etc/apt/sources.list.d/*.sources; do
  [[ -f $file ]] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/${file##*/}"
done
[[ -f /etc/apt/sources.list ]] && sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/sources/machine.list"
apt=(apt-get -qq -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/sources" -o "Dir::State::lists=$work/lists"
  -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=root")

fresh() { [[ -f $target/$1/.checksum && $(<"$target/$1/.checksum") == "$2" ]]; }

listed=0
while read -r package version tarball checksum folder; do
  [[ -n $package ]] || continue
  if fresh "$folder" "$checksum"; then
    echo "$folder: $version is there"
    continue
  fi
  if ((!listed)) && ! "${apt[@]}" -o "APT::Update::Error-Mode=any" update; then
    echo "this machine's Debian mirror does not answer: run tools/vendor.sh where there is a network, and copy $target" >&2
    exit 1
  fi
  listed=1
  (cd "$work/download" && "${apt[@]}" --download-only source "$package=$version")
  echo "$checksum  $work/download/$tarball" | sha256sum --check --quiet ||
    { echo "$tarball is not the file that tools/vendor.sh was written for" >&2; exit 1; }
  rm -rf "${target:?}/$folder"
  mkdir -p "$target/$folder"
  tar -xf "$work/download/$tarball" -C "$target/$folder" --strip-components=1
  # Test data and pages of documentation are most of it.
  rm -rf "$target/$folder"/{tests,test,docs,doc,benchmarks,examples,book,contrib}
  echo "$checksum" >"$target/$folder/.checksum"
  echo "$folder: $version"
done <<<"$pinned"
du -sh "$target" | sed 's/\t/ in /'
