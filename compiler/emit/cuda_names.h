// Identifiers of emitted CUDA C++: nothing a user named reaches the source except as a harmless, unique identifier.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

class CudaNames {
 public:
  // `wanted` with everything outside [A-Za-z0-9_] replaced, clear of C++ keywords, CUDA names and the emitter's own,
  // and different from every name given before.
  std::string unique(std::string_view wanted);

 private:
  std::set<std::string> taken_;
};

// Lines of `text` as // comments. No byte of it can end a comment early or extend it over the next line.
std::string comment_lines(std::string_view text);

// The C++ type of a value, or of an element of a buffer.
std::string_view c_type(kernel::Type);
std::string c_vector(kernel::Type element, int width);  // "float4"; of one element: its own type

}  // namespace shoal::emit
