// Writing a dump folder.
#include "runtime/dump.h"

#include <system_error>

#include "compiler/graph/text.h"
#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#if SHOAL_CPU
#include "runtime/cpu/jit.h"
#endif

namespace shoal::runtime {

void StageRecorder::stage(std::string_view stage_name, const std::string& text, double seconds) {
  stages_.push_back({std::string(stage_name), text, seconds});
}

}  // namespace shoal::runtime
