// The functions of the formula language that are no primitives.
#include "compiler/graph/functions.h"

#include <algorithm>
#include <array>

#include "compiler/graph/scope.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

struct Function {
  std::string_view name;
  size_t arity;
  Value (*expand)(const Value* arguments);
};

Value relu(const Value* x) { return max(0.0, x[0]); }
// log(1 + e^x) = m + log(e^-m + e^(x-m)) with m = max(0, x): nothing overflows, and with m held the derivative is exact
// at 0.
Value softplus(const Value* x) {
  const Value m = stop_gradient(max(0.0, x[0]));
  return m + log(exp(-m) + exp(x[0] - m));
}
Value square(const Value* x) { return x[0] * x[0]; }
Value where(const Value* x) { return select(x[0], x[1], x[2]); }

constexpr std::array functions = {Function{"relu", 1, relu}, Function{"softplus", 1, softplus},
                                  Function{"square", 1, square}, Function{"where", 3, where}};

}  // namespace

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const Function& function : functions) names.emplace_back(function.name);
  return names;
}

bool is_function(const std::string& name) {
  return std::ranges::any_of(functions, [&name](const Function& function) { return function.name == name; });
}

NodeId add_function(Graph& graph, const std::string& name, const std::vector<NodeId>& arguments) {
  const auto* function = std::ranges::find(functions, name, &Function::name);
  check(function != functions.end(), "no function {}", name);
  if (arguments.size() != function->arity)
    throw SpecError("graph", fmt::format("{} takes {} argument{}, got {}", name, function->arity,
                                         function->arity == 1 ? "" : "s", arguments.size()));
  Scope scope(graph);
  std::vector<Value> values;
  for (NodeId id : arguments) values.push_back({&scope, id});
  return function->expand(values.data()).id;
}

}  // namespace shoal
