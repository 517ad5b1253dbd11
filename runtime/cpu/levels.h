// CPUs by name, whatever machine it is that compiles for them: x86-64 and its levels, and AArch64.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "compiler/compile.h"

namespace shoal::cpu {

using FeatureSet = std::set<std::string, std::less<>>;  // LLVM's names

// x86-64 (SSE2), x86-64-v2 (SSE4.2), x86-64-v3 (AVX2, FMA, F16C), x86-64-v4 (AVX-512) and aarch64 (NEON): each with
// what the name promises and nothing beyond it. Throws SpecError, place "cpu", for another name.
FeatureSet features_of_level(std::string_view name);

// The features among `have` that code generation may use by itself, on the architecture of `triple`.
FeatureSet usable_features(const std::string& triple, const FeatureSet& have);

// What code is made for on a CPU (LLVM's name) of an architecture that has these features: lanes, registers, and every
// feature named with + or -, because a CPU's name would turn on what a hypervisor hides. Cache sizes and workers are
// left as they are.
Target target_of_features(const std::string& cpu, const std::string& triple, const FeatureSet& have);

std::string triple_of_level(std::string_view name);
std::string triple_of_host();

}  // namespace shoal::cpu
