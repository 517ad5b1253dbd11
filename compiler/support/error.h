// The exceptions of shoal: what a user did wrong, what a compiler refused, what we did wrong ourselves.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace shoal {

// Base of every exception that shoal throws. what() is one complete message for a person.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A spec, data file, schedule or argument that cannot be used: names the place, what was expected, what was found.
// `place` is a JSON pointer ("/network/2/units"), a file name, or a flag; the message is "<place>: <problem>".
struct SpecError : Error {
  SpecError(std::string place_, const std::string& problem)
      : Error(place_ + ": " + problem), place(std::move(place_)) {}
  std::string place;
};

// A back-end compiler (NVRTC, LLVM) refused emitted source: carries its log and the numbered source.
struct CompileError : Error {
  CompileError(const std::string& message, std::string log_, std::string source_)
      : Error(message), log(std::move(log_)), source(std::move(source_)) {}
  std::string log, source;
};

// A file or device could not be used (I/O, no such device, out of memory).
struct RuntimeError : Error {
  using Error::Error;
};

// A broken invariant of shoal itself; the message holds the place and the IR concerned.
struct InternalError : Error {
  using Error::Error;
};

// Throws InternalError unless `condition` holds. For invariants that user input cannot break.
template <typename... Args>
void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw InternalError("internal error: " + fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace shoal
