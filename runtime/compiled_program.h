// A program as machine code for a device and a number of members, before a population is given to it; made by the
// caller or on a thread of its own.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "compiler/programs/programs.h"
#include "runtime/device.h"

namespace shoal::runtime {

struct CompiledProgram {
  Program program;
  Module module;  // as compile() made it, or its outline where the code was recalled: without texts and kernel code
  std::unique_ptr<Executable> executable;
  LoadReport report;           // source to code, or graph to code where it was recalled
  double compile_seconds = 0;  // graph to source; 0 where the code was recalled
};

// Recalls the code of an equal program from the device's caches, or compiles it; with a trace it always compiles.
// `schedule` empty: chosen. Throws what compile() and Device::load() throw. Several threads may compile for one device
// at once, each with a trace of its own, if any.
CompiledProgram compile_program(Device&, int64_t members, Program, const std::string& schedule, Trace* = nullptr);

// A compilation that goes on while the caller does something else. Movable; one thread uses a ticket at a time. The
// destructor waits for the compilation, so what was handed to it need not outlive more than the ticket.
class CompileTicket {
 public:
  // `make` (which builds the graph) runs on the thread as well. The device must outlive the ticket.
  CompileTicket(Device&, int64_t members, std::function<Program()> make, std::string schedule);

  bool ready() const;  // never waits; true as well when the compilation has failed
  void wait() const;   // throws nothing of the compilation's
  // Waits; throws what the compilation threw. To be called once.
  CompiledProgram get() { return result_.get(); }

 private:
  std::future<CompiledProgram> result_;
};

}  // namespace shoal::runtime
