// Compiling a program, here or on a thread.
#include "runtime/compiled_program.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "compiler/outline.h"
#include "compiler/support/error.h"

namespace shoal::runtime {

CompiledProgram compile_program(Device& device, int64_t members, Program program, const std::string& schedule,
                                Trace* trace) {
  CompiledProgram compiled;
  compiled.program = std::move(program);
  const Graph& graph = compiled.program.graph;
  const auto start = std::chrono::steady_clock::now();
  Options options;
  options.members = members;
  options.schedule = schedule;
  const Target target = device.target();
  const std::string origin = origin_of(graph, target, options);
  std::optional<Recalled> recalled;
  if (!trace) recalled = device.recall(origin, &compiled.report);  // a trace wants to see the stages
  if (recalled) {
    compiled.module = std::move(recalled->outline);
    compiled.executable = std::move(recalled->executable);
    return compiled;
  }
  compiled.module = compile(graph, target, options, trace);
  compiled.compile_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  compiled.executable = device.load(compiled.module, &compiled.report, origin);
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
