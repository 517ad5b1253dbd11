// The bytes of a checkpoint file (their layout stands in checkpoint.h): writing, verifying, taking apart.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "compiler/support/error.h"
#include "runtime/io/checkpoint.h"

namespace shoal::io {

// The file is not what was once written: the older checkpoint may be used in its place.
struct DamagedCheckpoint : SpecError {
  using SpecError::SpecError;
};

struct CheckpointHeader {
  uint64_t file_bytes = 0;
};

CheckpointHeader checkpoint_header(const Checkpoint&, const std::string& place);  // SpecError for repeated names
void write_checkpoint(const Checkpoint&, const CheckpointHeader&, const std::function<void(std::string_view)>& write);

// Throws DamagedCheckpoint, or SpecError for an intact file of another format version.
void verify_checkpoint(std::string_view bytes, const std::string& place);
Checkpoint parse_checkpoint(std::string_view bytes, const std::string& place);  // verifies first

}  // namespace shoal::io
