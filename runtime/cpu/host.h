// What this machine is, as a Target to compile for.
#pragma once

#include <string>

#include "compiler/compile.h"

namespace shoal::cpu {

// `cpu` is "native" or empty: this machine; or "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4": that level, and nothing
// beyond it. Throws SpecError for another name, or a level that this machine does not reach. `workers` 0: all cores.
Target detect_host(const std::string& cpu = "native", int workers = 0);

std::string host_model_name();  // "AMD EPYC", for people

}  // namespace shoal::cpu
