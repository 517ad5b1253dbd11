// The host as a Target: features from CPUID, cache sizes from the system.
#include "runtime/cpu/host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "compiler/support/error.h"
#include "runtime/cpu/jit.h"

namespace shoal::cpu {
namespace {

// What code generation may pick by itself. All are named with + or -: a CPU's name would turn on what a hypervisor
// hides.
constexpr std::array<std::string_view, 36> kFeatures{"sse3",       "ssse3",
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

struct Level {
  std::string_view name;
  std::vector<std::string_view> adds;  // to the level before
};

const std::vector<Level>& levels() {
  static const std::vector<Level> all{{"x86-64", {}},
                                      {"x86-64-v2", {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}},
                                      {"x86-64-v3", {"avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}},
                                      {"x86-64-v4", {"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"}}};
  return all;
}

std::set<std::string, std::less<>> features_of_host() {
  std::set<std::string, std::less<>> have;
  for (const auto& [name, present] : host_features()) {
    if (present && std::find(kFeatures.begin(), kFeatures.end(), name) != kFeatures.end()) have.insert(name);
  }
  return have;
}

std::set<std::string, std::less<>> features_of_level(const std::string& name,
                                                     const std::set<std::string, std::less<>>& host) {
  std::set<std::string, std::less<>> have;
  for (const Level& level : levels()) {
    for (std::string_view feature : level.adds) {
      if (!host.contains(feature)) {
        throw SpecError("cpu",
                        fmt::format("this machine ({}) is below {}: it lacks {}", host_cpu_name(), name, feature));
      }
      have.insert(std::string(feature));
    }
    if (level.name == name) return have;
  }
  throw SpecError("cpu", fmt::format("expected native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, got {}", name));
}

bool is_level(const std::string& name) {
  return std::any_of(levels().begin(), levels().end(), [&](const Level& level) { return level.name == name; });
}

int64_t cache_bytes(int what, int64_t otherwise) {
  const long bytes = sysconf(what);
  return bytes > 0 ? bytes : otherwise;
}

}  // namespace

Target detect_host(const std::string& cpu, int workers) {
  const bool native = cpu.empty() || cpu == "native";
  if (!native && !is_level(cpu)) {
    throw SpecError("cpu", fmt::format("expected native, x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, got {}", cpu));
  }
  const auto host = features_of_host();
  const auto have = native ? host : features_of_level(cpu, host);
  Target target;
  target.kind = Target::Kind::cpu;
  target.cpu.cpu = native ? host_cpu_name() : cpu;
  for (std::string_view feature : kFeatures) {
    target.cpu.features +=
        fmt::format("{}{}{}", target.cpu.features.empty() ? "" : ",", have.contains(feature) ? '+' : '-', feature);
  }
  const bool wide = have.contains("avx512f") && have.contains("avx512dq") && have.contains("avx512vl");
  target.lanes = wide ? 16 : have.contains("avx2") && have.contains("fma") ? 8 : 4;
  target.registers = wide ? 32 : 16;
  target.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, target.l1_bytes);
  target.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, target.l2_bytes);
  target.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0);
  target.workers = workers > 0 ? workers : std::max(1, int(std::thread::hardware_concurrency()));
  target.teams = target.workers > 1;
  return target;
}

std::string host_model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return host_cpu_name();
}

}  // namespace shoal::cpu
