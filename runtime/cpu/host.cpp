// The host as a Target: features from CPUID, cache sizes from the system.
#include "runtime/cpu/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "compiler/support/error.h"
#include "runtime/cpu/host_caches.h"
#include "runtime/cpu/jit.h"
#include "runtime/cpu/levels.h"

namespace shoal::cpu {
namespace {

bool is_native(const std::string& cpu) { return cpu.empty() || cpu == "native"; }

FeatureSet features_of_host() {
  FeatureSet have;
  for (const auto& [name, present] : host_features())
    if (present) have.insert(name);
  return usable_features(triple_of_host(), have);
}

}  // namespace

Target target_for(const std::string& cpu, int workers) {
  Target target = is_native(cpu) ? target_of_features(host_cpu_name(), triple_of_host(), features_of_host())
                                 : target_of_features(cpu == "aarch64" ? "generic" : cpu, triple_of_level(cpu),
                                                      features_of_level(cpu));
  const HostCaches caches = host_caches();
  if (caches.l1_bytes > 0) target.l1_bytes = caches.l1_bytes;
  if (caches.l2_bytes > 0) target.l2_bytes = caches.l2_bytes;
  target.l3_bytes = caches.l3_bytes;
  target.workers = workers > 0 ? workers : std::max(1, int(std::thread::hardware_concurrency()));
  target.teams = target.workers > 1;
  return target;
}

Target detect_host(const std::string& cpu, int workers) {
  const Target target = target_for(cpu, workers);
  if (is_native(cpu)) return target;
  if (target.cpu.triple != triple_of_host())
    throw SpecError("cpu", fmt::format("this machine ({}) is none of {}", host_cpu_name(), target.cpu.triple));
  const FeatureSet host = features_of_host();
  for (const std::string& feature : features_of_level(cpu))
    if (!host.contains(feature))
      throw SpecError("cpu", fmt::format("this machine ({}) is below {}: it lacks {}", host_cpu_name(), cpu, feature));
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
