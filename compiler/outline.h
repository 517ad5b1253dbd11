// What a cache of compiled modules needs: the bytes that determine a module, and the module without its texts as bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/compile.h"

namespace shoal {

// Names the compiler that this is: the hash of its sources and the C++ compiler that they were built with.
std::string_view build_id();

// Everything that compile() makes a module from: equal origins are equal modules. `build`: of the compiler.
std::string origin_of(const Graph&, const Target&, const Options&, std::string_view build = build_id());

// All of a module but plan_text, source, and the code and header of its kernel: enough to allocate for it, to launch
// its machine code and to report on it.
std::string encode_outline(const Module&);
std::optional<Module> decode_outline(std::string_view bytes);  // nothing: cut off, or followed by something

}  // namespace shoal
