// The levels and their features.
#include "runtime/cpu/levels.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::cpu {
namespace {

constexpr const char* x86_triple = "x86_64-unknown-linux-gnu";
constexpr const char* arm_triple = "aarch64-unknown-linux-gnu";

// What code generation may pick by itself.
constexpr std::string_view x86_features[] = {"sse3",       "ssse3",
                                             "sse4.1",     "sse4.2",
                                             "popcnt",     "sse4a",
                                             "avx",        "avx2",
                                             "fma",        "f16c",
                                             "bmi",        "bmi2",
                                             "lzcnt",      "movbe",
                                             "adx",        "xop",
                                             "fma4",       "tbm",
                                             "gfni",       "vaes",
                                             "vpclmulqdq", "avxvnni",
                                             "avxifma",    "avx512f",
                                             "avx512cd",   "avx512dq",
                                             "avx512bw",   "avx512vl",
                                             "avx512vbmi", "avx512vbmi2",
                                             "avx512vnni", "avx512bitalg",
                                             "avx512ifma", "avx512vpopcntdq",
                                             "avx512bf16", "avx512fp16"};
constexpr std::string_view arm_features[] = {"fp-armv8", "neon", "fullfp16", "bf16", "dotprod", "i8mm", "sve", "sve2"};

struct Level {
  std::string_view name;
  std::string_view below;  // the level whose features this one has too
  std::vector<std::string_view> adds;
};

const std::vector<Level>& levels() {
  static const std::vector<Level> all{
      {"x86-64", "", {}},
      {"x86-64-v2", "x86-64", {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}},
      {"x86-64-v3", "x86-64-v2", {"avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}},
      {"x86-64-v4", "x86-64-v3", {"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"}},
      {"aarch64", "", {"fp-armv8", "neon"}}};
  return all;
}

bool is_arm(const std::string& triple) { return triple.starts_with("aarch64"); }

std::span<const std::string_view> features_of(const std::string& triple) {
  return is_arm(triple) ? std::span<const std::string_view>(arm_features)
                        : std::span<const std::string_view>(x86_features);
}

}  // namespace

FeatureSet features_of_level(std::string_view name) {
  FeatureSet have;
  for (std::string_view at = name; !at.empty();) {
    const auto level = std::find_if(levels().begin(), levels().end(), [&](const Level& one) { return one.name == at; });
    if (level == levels().end())
      throw SpecError("cpu",
                      fmt::format("expected native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4 or aarch64, got {}", name));
    for (const std::string_view feature : level->adds) have.insert(std::string(feature));
    at = level->below;
  }
  return have;
}

FeatureSet usable_features(const std::string& triple, const FeatureSet& have) {
  FeatureSet usable;
  for (const std::string_view feature : features_of(triple))
    if (have.contains(feature)) usable.insert(std::string(feature));
  return usable;
}

Target target_of_features(const std::string& cpu, const std::string& triple, const FeatureSet& have) {
  Target target;
  target.kind = Target::Kind::cpu;
  target.cpu = {.cpu = cpu, .features = "", .triple = triple};
  for (const std::string_view feature : features_of(triple))
    target.cpu.features +=
        fmt::format("{}{}{}", target.cpu.features.empty() ? "" : ",", have.contains(feature) ? '+' : '-', feature);
  if (is_arm(triple)) {
    target.lanes = 4;
    target.registers = 32;
    return target;
  }
  const bool wide = have.contains("avx512f") && have.contains("avx512dq") && have.contains("avx512vl");
  target.lanes = wide ? 16 : have.contains("avx2") && have.contains("fma") ? 8 : 4;
  target.registers = wide ? 32 : 16;
  return target;
}

std::string triple_of_level(std::string_view name) { return name == "aarch64" ? arm_triple : x86_triple; }

std::string triple_of_host() {
#if defined(__aarch64__)
  return arm_triple;
#else
  return x86_triple;
#endif
}

}  // namespace shoal::cpu
