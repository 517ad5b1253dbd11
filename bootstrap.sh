#!/usr/bin/env bash
# From a bare Debian 12 to a trained population, tested sources or a table of peers: ./bootstrap.sh demo | build | test | compare
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build_packages=(g++ cmake ninja-build ccache pkg-config llvm-19-dev libfmt-dev nlohmann-json3-dev libcli11-dev libgtest-dev
  libgmock-dev libbenchmark-dev libzip-dev libxxhash-dev)
test_packages=(python3 clang-format-19)
# Without them the tests that run code of other processors are skipped.
optional_packages=(qemu-user g++-aarch64-linux-gnu)
peer_packages=(python3 python3-venv libeigen3-dev libxsmm-dev libblas-dev)

usage() {
  cat <<'TEXT'
./bootstrap.sh demo    build, then train 1024 classifiers of digits, twice: the second time the kernel is in the cache
./bootstrap.sh build   build the command, build/release/shoal
./bootstrap.sh test    build everything and run all tests, first with an empty kernel cache, then with a warm one
./bootstrap.sh compare measure shoal and what others use for the same work, side by side: 20 to 40 minutes. What follows goes
                       to tools/bench/peers/run.sh: --quick for a first look, --markdown FILE, names of works
./bootstrap.sh help    this text

Packages that are missing are installed by apt-get (Debian 12 has all of them). No GPU and no CUDA are needed.
TEXT
}

say() { printf '\n== %s\n' "$*"; }

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Installs those of the packages that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# Builds the given targets, or everything.
build() {
  say "building ${*:-everything}"
  cmake --preset release >build-configure.log 2>&1 || {
    cat build-configure.log
    return 1
  }
  rm build-configure.log
  cmake --build --preset release ${1+--target "$@"}
}

demo() {
  install_packages "${build_packages[@]}"
  build shoal_command
  say "training 1024 networks, each with its own weights, sample order and learning rate"
  build/release/shoal train examples/digits.json --out out/digits
  say "once more: the kernel is in the cache now"
  build/release/shoal train examples/digits.json --epochs 1
}

tests() {
  install_packages "${build_packages[@]}" "${test_packages[@]}"
  install_packages "${optional_packages[@]}" || say "going on without ${optional_packages[*]}: some tests will be skipped"
  build
  # A private cache: a warm one would hide kernels that do not compile any more.
  SHOAL_CACHE_DIR=$(mktemp -d)
  export SHOAL_CACHE_DIR
  trap 'rm -rf "$SHOAL_CACHE_DIR"' EXIT
  say "tests, with an empty kernel cache"
  ctest --preset release
  grep -h '^count: ' build/release/Testing/Temporary/LastTest.log || true
  say "tests of what reads the cache, with a warm one"
  ctest --preset release -R '^(runtime|command|cpu)$'
}

compare() {
  install_packages "${build_packages[@]}"
  install_packages "${peer_packages[@]}" || {
    say "the packages that the peers need cannot be installed here" >&2
    exit 77
  }
  build shoal_command
  tools/bench/peers/run.sh "$@"
}

case ${1-help} in
  demo) demo ;;
  build)
    install_packages "${build_packages[@]}"
    build shoal_command
    ;;
  test) tests ;;
  compare) compare "${@:2}" ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
