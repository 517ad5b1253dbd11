// run_pass: one way to run a pass, so that each is timed, verified and shown alike.
#include <chrono>
#include <utility>

#include "compiler/graph/text.h"
#include "compiler/graph/verify.h"
#include "compiler/passes/passes.h"

namespace shoal {

Graph run_pass(std::string_view name, Graph graph, const std::function<Graph(Graph)>& pass, Trace* trace) {
  const auto start = std::chrono::steady_clock::now();
  Graph result = pass(std::move(graph));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  verify(result, name);
  if (trace) trace->stage(name, trace->wants_text() ? print(result) : std::string(), elapsed.count());
  return result;
}

}  // namespace shoal
