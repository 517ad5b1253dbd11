// Device: where modules run. One interface; `reference` (the interpreter), `cpu` and `cuda` implement it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/compile.h"

namespace shoal {

// Memory of a device; freed with the object. Contents start as zeros.
class DeviceBuffer {
 public:
  virtual ~DeviceBuffer() = default;
  virtual int64_t bytes() const = 0;
  virtual void write(const void* from, int64_t bytes, int64_t offset = 0) = 0;  // blocking
  virtual void read(void* to, int64_t bytes, int64_t offset = 0) const = 0;     // blocking
};

// Machine code of a module, ready to launch on the device that loaded it.
class Executable {
 public:
  virtual ~Executable() = default;
  // Runs all groups and returns when done. `buffers` and `scalars` in the order of module.arguments and module.scalars.
  virtual void launch(const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars) = 0;
};

// How a load went, for reports: where the code came from and what it cost.
struct LoadReport {
  enum class Source : uint8_t { compiled, memory, disk } source = Source::compiled;
  double seconds = 0;
  std::string key;  // cache key, hexadecimal
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;         // "cpu"
  virtual std::string description() const = 0;  // "AMD EPYC, 2 threads, avx2 fma"
  virtual Target target() const = 0;            // what to compile for
  // Throws CompileError. May be called from several threads at once.
  virtual std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr) = 0;
  virtual std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) = 0;  // throws RuntimeError with the sizes
};

}  // namespace shoal
