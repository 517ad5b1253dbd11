// Device: where modules run. One interface; `reference` (the interpreter), `cpu` and `cuda` implement it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
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

// Work that was started. Dropping a ticket neither waits nor stops the work.
class Ticket {
 public:
  virtual ~Ticket() = default;
  virtual bool ready() = 0;  // never waits; true also when the work failed
  // Returns when the work is done; throws RuntimeError with what went wrong in it, every time it is called.
  virtual void wait() = 0;
  // The time that the work took on the device; only after wait().
  virtual double seconds() = 0;
  // Makes a stream of the device (CUstream) wait for this work, without making the caller wait.
  virtual void hold_back(uintptr_t /*stream*/) { wait(); }
};

// Of work that was done when it was started, as on devices without a queue.
class FinishedTicket : public Ticket {
 public:
  explicit FinishedTicket(double seconds) : seconds_(seconds) {}
  bool ready() override { return true; }
  void wait() override {}
  double seconds() override { return seconds_; }

 private:
  double seconds_;
};

// Machine code of a module, ready to launch on the device that loaded it.
class Executable {
 public:
  virtual ~Executable() = default;
  // Runs all groups and returns when done. `buffers` and `scalars` in the order of module.arguments and module.scalars.
  virtual void launch(const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars) = 0;
  // Starts it behind all that was started on this device before, and returns at once where the device can. Buffers and
  // executable must outlive the work. Throws what is wrong with the arguments; what goes wrong in the work is the
  // ticket's.
  virtual std::unique_ptr<Ticket> start(const std::vector<DeviceBuffer*>& buffers,
                                        const std::vector<int32_t>& scalars) {
    const auto start = std::chrono::steady_clock::now();
    launch(buffers, scalars);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return std::make_unique<FinishedTicket>(taken.count());
  }
};

// How a load went, for reports: where the code came from and what it cost.
struct LoadReport {
  enum class Source : uint8_t { compiled, memory, disk } source = Source::compiled;
  double seconds = 0;
  std::string key;  // hash of the cache's key, hexadecimal
};

// Code from a cache, and what compile() said of its module: all but the texts and the kernel's code (outline.h).
struct Recalled {
  Module outline;
  std::unique_ptr<Executable> executable;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;         // "cpu"
  virtual std::string description() const = 0;  // "AMD EPYC, 2 threads, avx2 fma"
  virtual Target target() const = 0;            // what to compile for
  // Throws CompileError. May be called from several threads at once. The code is kept, and found again, under `origin`,
  // the text of everything that the module was made from (outline.h); empty: under the module's source.
  virtual std::unique_ptr<Executable> load(const Module&, LoadReport* = nullptr, const std::string& origin = {}) = 0;
  // What was loaded with this origin, by this process or another one that used the same cache; nothing is compiled.
  virtual std::optional<Recalled> recall(const std::string& /*origin*/, LoadReport* = nullptr) { return std::nullopt; }
  virtual std::unique_ptr<DeviceBuffer> allocate(int64_t bytes) = 0;  // throws RuntimeError with the sizes
  // Memory of the caller's that the device can reach, never freed here. Throws RuntimeError when it cannot be reached.
  virtual std::unique_ptr<DeviceBuffer> view(uintptr_t address, int64_t bytes) = 0;
  // Bytes that can be allocated now; -1 when only trying tells.
  virtual int64_t available_bytes() const { return -1; }
};

}  // namespace shoal
