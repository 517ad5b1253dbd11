// Compiling a program, here or on a thread.
#include "runtime/compiled_program.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "compiler/support/error.h"

namespace shoal::runtime {

CompiledProgram compile_program(Device& device, int64_t members, Program program, const std::string& schedule,
                                Trace* trace) {
  CompiledProgram compiled;
  compiled.program = std::move(program);
  const auto start = std::chrono::steady_clock::now();
  Options options;
  options.members = members;
  options.schedule = schedule;
  compiled.module = compile(compiled.program.graph, device.target(), options, trace);
  compiled.compile_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  compiled.executable = device.load(compiled.module, &compiled.report);
  return compiled;
}

CompileTicket::CompileTicket(Device& device, int64_t members, std::function<Program()> make, std::string schedule) {
  auto work = [&device, members, make = std::move(make), schedule = std::move(schedule)] {
    return compile_program(device, members, make(), schedule);
  };
  try {
    result_ = std::async(std::launch::async, std::move(work));
  } catch (const std::system_error& error) {
    throw RuntimeError(fmt::format("cannot start a thread to compile on: {}", error.what()));
  }
}

bool CompileTicket::ready() const { return result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
void CompileTicket::wait() const { result_.wait(); }

}  // namespace shoal::runtime
