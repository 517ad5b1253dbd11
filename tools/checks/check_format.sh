#!/usr/bin/env bash
# Checks that C++ files stand as clang-format-19 writes them. Skipped, and said so, where that is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! command -v clang-format-19 >/dev/null; then
  echo "format: skipped, clang-format-19 is not installed"
  exit 0
fi
# ops.h is generated; its generator's test says what it must hold.
mapfile -t files < <(git ls-files '*.cpp' '*.h' '*.hpp' | grep -v '^frontend/dsl/ops.h$')
clang-format-19 --dry-run --Werror "${files[@]}"
echo "format: ${#files[@]} files"
