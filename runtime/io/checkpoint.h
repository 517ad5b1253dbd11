// Checkpoints: one file of named arrays and a line of metadata, checked by a hash; the last two are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/io/npz.h"

namespace shoal::io {

struct Checkpoint {
  std::string metadata;             // small text of the caller, JSON by convention
  std::vector<NamedTensor> arrays;  // names are unique
};

constexpr uint64_t checkpoint_limit = uint64_t{64} << 30;  // bytes of a file that is read

// The bytes of a checkpoint file, all little-endian:
//   "SHOALCKP"  u32 format version  u32 number of arrays  u64 size of the whole file  u64 size of the metadata
//   metadata
//   for each array: u32 size of the name, name, u8 element type, u8 rank, i64 extents, elements row-major
//   XXH3-128 (low, high) of everything before it
constexpr uint32_t checkpoint_version = 1;

// Writes `path` atomically. An intact checkpoint that stood there becomes `path` + ".previous"; a damaged one is
// replaced, so that it never pushes out a good one.
void save_checkpoint(const std::filesystem::path&, const Checkpoint&);

struct LoadedCheckpoint {
  Checkpoint checkpoint;
  bool from_previous = false;
  std::string report;  // for the user, when the newest one could not be used and the one before it was; else empty
};

// Throws SpecError when neither file is intact (with both reasons), or when the file is of a newer format.
LoadedCheckpoint load_checkpoint(const std::filesystem::path&);

std::filesystem::path previous_checkpoint(const std::filesystem::path&);

// One file alone: everything is verified before the arrays are made.
Checkpoint read_checkpoint(const std::filesystem::path&);

}  // namespace shoal::io
