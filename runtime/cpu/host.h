// What this machine is, as a Target to compile for.
#pragma once

#include <string>

#include "compiler/compile.h"

namespace shoal::cpu {

// `cpu` is "native" or empty: this machine; or a level (levels.h), and nothing beyond it. Throws SpecError for another
// name, or a level that this machine does not reach. `workers` 0: all cores.
Target detect_host(const std::string& cpu = "native", int workers = 0);

// The same for code that is looked at here and runs elsewhere: this machine need not reach the level. Sizes of caches
// and the number of workers are still this machine's.
Target target_for(const std::string& cpu, int workers = 0);

std::string host_model_name();  // "AMD EPYC", for people

}  // namespace shoal::cpu
