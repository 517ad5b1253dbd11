#!/usr/bin/env bash
# Everything that a GPU is needed for, at one go and in less than nine minutes: builds shoal without LLVM and without a
# network, tests it on the GPU, measures the GPU's ceilings, shoal and its peers, and writes a report.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'TEXT'
tools/gpu_check.sh [--dry-run] [--sanitize] [--build FOLDER] [--vendored FOLDER] [--report FILE] [--part NAME]...

Needs: a GPU with its driver, the CUDA toolkit (for NVRTC), CMake, Ninja or make, a C++20 compiler, Python 3, for the peers
PyTorch and JAX; and third_party/, which tools/vendor.sh fills on a machine with a network.

--dry-run    no GPU: the fake libcuda and NVRTC of the tests stand in, populations are tiny, peers are only compiled
--sanitize   runs the tests on the GPU once more under compute-sanitizer (memcheck, racecheck, synccheck)
--build      where to build; default: build/gpu (kept: a second run builds what changed)
--vendored   default: third_party
--report     default: docs/measurements/gpu-DATE.md, with --dry-run a file in the build folder
--part       only this part: build, tests, train, ceilings, bench; may be given several times
TEXT
}

dry=0 sanitize=0 build=$root/build/gpu vendored=$root/third_party report='' parts=()
while (($#)); do
  case $1 in
    --dry-run) dry=1 ;;
    --sanitize) sanitize=1 ;;
    --build) build=$2 && shift ;;
    --vendored) vendored=$2 && shift ;;
    --report) report=$2 && shift ;;
    --part) parts+=("$2") && shift ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
((${#parts[@]})) || parts=(build tests train ceilings bench)
[[ -n $report ]] || { ((dry)) && report=$build/report.md; } || report=$root/docs/measurements/gpu-$(date +%F).md

limit=540   # seconds for everything
failures=0
mkdir -p "$build/figures"
figures=$build/figures
: >"$figures/steps.txt"

# Runs one step, and notes how long it took and how it ended.
step() {
  local name=$1 status=0 began=$SECONDS
  shift
  printf '\n==== %s (at %d s)\n' "$name" "$SECONDS"
  "$@" || status=$?
  ((status == 0)) || failures=$((failures + 1))
  printf '%s\t%d s\t%s\n' "$name" "$((SECONDS - began))" "$( ((status)) && echo "FAILED ($status)" || echo passed)" |
    tee -a "$figures/steps.txt"
}
wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }

command -v ninja >/dev/null && generator=Ninja || generator='Unix Makefiles'
build_all() {
  cmake -G "$generator" -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DSHOAL_CPU=OFF -DSHOAL_UNITY=ON \
    -DSHOAL_VENDORED="$vendored" -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON -DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON \
    >"$build/configure.log" 2>&1 ||
    { tail -20 "$build/configure.log"; return 1; }
  cmake --build "$build" --parallel "${JOBS:-$(nproc)}" --target shoal_command test_cuda test_gpu test_api embed_cuda
}

shoal=$build/shoal
export SHOAL_CACHE_DIR=$build/kernels  # of this build alone: nothing that is there hides what does not compile
rm -rf "$SHOAL_CACHE_DIR"
on_gpu() { "$@"; }
if ((dry)); then on_gpu() { LD_LIBRARY_PATH=$build/fake_cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"; }; fi

gpu_tests() {
  local filter='*' log=$figures/tests.txt
  # Emulating takes a second for every kernel: a part of them, when there is no GPU.
  ((dry)) && filter='*Training*:*Views*'
  on_gpu "$build/tests/gpu/test_gpu" --gtest_filter="$filter" >"$log" 2>&1 || { tail -40 "$log"; return 1; }
  tail -3 "$log"
  ! grep -q SKIPPED "$log" || { echo "there is no GPU: $(grep -m1 'no CUDA' "$log")"; return 1; }
}
# The fake driver's own tests judge sequences of calls and errors; NVRTC's compile for several architectures.
driver_tests() { (cd "$root" && "$build/tests/test_cuda" --gtest_filter='Fake*:Nvrtc*:CudaDevice*:Architectures*' --gtest_brief=1); }
api_tests() { LD_LIBRARY_PATH=$build/fake_cuda "$build/tests/api/test_api" --gtest_filter='EmbeddingCuda*:*reference*' --gtest_brief=1; }
# Trains on the GPU and on the reference device, and compares every weight.
against_reference() {
  local common=(examples/xor.json --steps 40 --members 8)
  cd "$root" || return 1
  on_gpu "$shoal" train "${common[@]}" --device cuda --out "$build/on-gpu" &&
    "$shoal" train "${common[@]}" --device reference --out "$build/on-reference" &&
    python3 "$root/tools/bench/compare_weights.py" "$build/on-gpu/weights.npz" "$build/on-reference/weights.npz"
}
sanitized() {
  local tool
  command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer in PATH: it comes with the CUDA toolkit"; return 1; }
  for tool in memcheck racecheck synccheck; do
    echo "-- $tool"
    on_gpu compute-sanitizer --tool "$tool" --error-exitcode 1 "$build/tests/gpu/test_gpu" --gtest_filter='*Training*' \
      --gtest_brief=1 || return 1
  done
}

ceilings() { on_gpu "$shoal" bench --device cuda --ceilings >"$figures/ceilings.json" && cat "$figures/ceilings.json"; }
bench() {
  local sizes=(--repetitions 7)
  ((dry)) && sizes=(--members 2 --repetitions 1 --seconds 0.001)
  on_gpu "$shoal" bench --device cuda --json "${sizes[@]}" ${works[@]+"${works[@]}"} >"$figures/bench.json"
}
works=()
if ((dry)); then works=(train_xor train_mlp infer_agents); fi
peers() {
  if ((dry)); then
    python3 -m py_compile "$root"/tools/bench/peers/*.py
    return
  fi
  SHOAL=$shoal python3 "$root/tools/bench/peers/compare.py" --device cuda --repetitions 3 --json "$figures/peers.json" \
    --seconds $((limit - SECONDS - 20))
}

if wanted build; then step "build without LLVM and without a network" build_all; fi
((failures == 0)) || { echo "nothing else can run"; exit 1; }
if wanted tests; then
  step "tests of the driver's interface" driver_tests
  step "tests of the C++ interface" api_tests
  step "networks on the GPU against the interpreter" gpu_tests
  step "a program with a stream and memory of its own" on_gpu "$build/tests/api/embed_cuda"
fi
if wanted train; then step "training on the GPU against the reference device" against_reference; fi
if ((sanitize)); then step "tests on the GPU under compute-sanitizer" sanitized; fi
if wanted ceilings; then step "the GPU's ceilings" ceilings; fi
if wanted bench; then
  step "shoal's works" bench
  step "peers on the same works" peers
fi
if wanted ceilings && wanted bench; then
  step "report" python3 "$root/tools/bench/gpu_report.py" "$figures" "$report" "$( ((dry)) && echo dry)"
fi
printf '\n==== done in %d s, %d steps failed\n' "$SECONDS" "$failures"
((SECONDS < limit)) || echo "that is longer than $limit s"
((failures == 0))
