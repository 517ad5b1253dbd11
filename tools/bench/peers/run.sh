#!/usr/bin/env bash
# Measures shoal and its peers on the same works: run.sh [--quick] [--native] [--avx2] [--markdown FILE] [--members N]
# [--repetitions N] [WORK...]
# --native leaves the peers out that are Python packages, and installs none of them but numpy.
# --avx2 lets nobody use wider vectors, as on a machine without AVX-512.
# Exit code 77: the peers cannot be installed. SHOAL: the command (default: build/release/shoal); SHOAL_PEERS_VENV: the virtual environment (default: build/peers-venv).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
venv=${SHOAL_PEERS_VENV:-$root/build/peers-venv}
export SHOAL=${SHOAL:-$root/build/release/shoal}
export SHOAL_PEERS_BIN=$venv/native
SHOAL_REVISION=${SHOAL_REVISION:-$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)}
export SHOAL_REVISION

[ -x "$SHOAL" ] || { echo "no command at $SHOAL; build it, or set SHOAL" >&2; exit 2; }
cannot() {
  echo "run.sh: $*" >&2
  exit 77
}
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
cp "$here/requirements.txt" "$wanted"
if [[ " $* " == *" --native "* ]] && ! cmp -s "$wanted" "$venv/requirements.txt"; then
  grep '^numpy' "$here/requirements.txt" >"$wanted"
fi
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
  python3 -m venv "$venv" || cannot "a virtual environment cannot be made here"
  "$venv/bin/pip" install --quiet -r "$wanted" || cannot "the peers of $here/requirements.txt cannot be installed here"
  cp "$wanted" "$venv/requirements.txt"
fi

march=native
if [[ " $* " == *" --avx2 "* ]]; then
  march=x86-64-v3
  SHOAL_PEERS_BIN=$venv/native-avx2
  export XLA_FLAGS="${XLA_FLAGS-} --xla_cpu_max_isa=AVX2" ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 \
    MKL_ENABLE_INSTRUCTIONS=AVX2 OPENBLAS_CORETYPE=Haswell LIBXSMM_TARGET=hsw \
    TORCHINDUCTOR_CACHE_DIR="$venv/inductor-avx2"  # what torch.compile kept of other runs is for wider vectors
fi
mkdir -p "$SHOAL_PEERS_BIN"
native=(-std=c++20 -O3 "-march=$march" -ffast-math -isystem /usr/include/eigen3 -pthread)
g++ "${native[@]}" "$here/eigen_peer.cpp" -o "$SHOAL_PEERS_BIN/eigen_peer" ||
  { echo "Eigen is needed: apt-get install libeigen3-dev" >&2; exit 2; }
g++ "${native[@]}" "$here/xsmm_peer.cpp" -o "$SHOAL_PEERS_BIN/xsmm_peer" -lxsmm -lblas -ldl ||
  { echo "libxsmm is needed: apt-get install libxsmm-dev libblas-dev" >&2; exit 2; }

"$venv/bin/python" "$here/compare.py" "$@"
