// A network as __device__ functions, to paste into a kernel of one's own: one header of plain CUDA C++.
#pragma once

#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/programs/programs.h"

namespace shoal::runtime {

struct DeviceFunction {
  Program program;
  Module module;  // compiled with a schedule of one warp: see one_warp_schedule
};

// The given schedule, or the one that compile chooses, made to fit one warp. Throws SpecError when that cannot be.
Module compile_for_one_warp(const Graph&, const Target&, Options);

// `name` opens the names of the functions, NAME_forward and NAME_train. Throws SpecError unless it is an identifier.
std::string device_header(const std::string& name, const std::vector<DeviceFunction>&);

}  // namespace shoal::runtime
