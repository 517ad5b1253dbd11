// Runs tests/cases/plan/*.shoal: a graph, a schedule, and the lines that its plan must have.
//
//   plan SCHEDULE         or: train SCHEDULE, which adds gradient descent on `loss` for every parameter
//   graph ...             the text of a graph (docs/graph.md)
//   nests: 2              how many nests the plan has
//   check: TEXT           some line after those already matched contains TEXT
//   never: TEXT           no line contains TEXT
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/passes/passes.h"
#include "tests/harness/source_directory.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

struct Case {
  std::string kind, schedule, graph;
  std::vector<std::pair<std::string, std::string>> expectations;  // "check", text
};

Case read_case(const std::filesystem::path& path) {
  std::ifstream file(path);
  Case result;
  std::string line;
  std::getline(file, line);
  result.kind = line.substr(0, line.find(' '));
  result.schedule = line.substr(std::min(line.size(), result.kind.size() + 1));
  while (std::getline(file, line)) {
    bool expectation = false;
    for (std::string kind : {"nests", "check", "never"}) {
      if (!line.starts_with(kind + ": ")) continue;
      result.expectations.emplace_back(kind, line.substr(kind.size() + 2));
      expectation = true;
    }
    if (!expectation) result.graph += line + "\n";
  }
  return result;
}

// p becomes p - 0.1 * d loss / d p for every parameter.
void add_descent(Graph& graph) {
  NodeId loss = no_node;
  std::vector<NodeId> parameters;
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    if (graph[n].name == "loss") loss = n;
    if (graph[n].prim == Prim::input && graph[n].attrs.role == Role::parameter) parameters.push_back(n);
  }
  ASSERT_NE(loss, no_node) << "a case of kind train names a node 'loss'";
  std::vector<NodeId> gradients = differentiate(graph, loss, parameters);
  Scope scope(graph);
  for (size_t i = 0; i < parameters.size(); ++i) {
    Value p{&scope, parameters[i]};
    scope.next(p, p - Value{&scope, gradients[i]} * 0.1);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void check_case(const Case& c) {
  Graph graph = parse_graph(c.graph);
  ASSERT_TRUE(c.kind == "plan" || c.kind == "train") << "the first line starts with 'plan' or 'train'";
  ASSERT_FALSE(c.expectations.empty()) << "a case expects something";
  if (c.kind == "train") add_descent(graph);
  const plan::Plan plan = plan_for(dce(cse(fold(unroll_windows(graph)))), c.schedule);
  const std::string text = print(plan);
  EXPECT_EQ(print(plan::parse_plan(text)), text);
  const std::vector<std::string> lines = lines_of(text);
  auto from = lines.begin();
  for (const auto& [kind, wanted] : c.expectations) {
    auto has = [&](const std::string& line) { return line.find(wanted) != std::string::npos; };
    if (kind == "nests") {
      EXPECT_EQ(std::to_string(plan.nests.size()), wanted) << text;
    } else if (kind == "never") {
      EXPECT_TRUE(std::none_of(lines.begin(), lines.end(), has)) << "a line contains: " << wanted << "\n" << text;
    } else {
      from = std::find_if(from, lines.end(), has);
      ASSERT_NE(from, lines.end()) << "no line, or none after the last match, contains: " << wanted << "\n" << text;
      ++from;
    }
  }
}

TEST(PlanCases, EachPlanHasItsLines) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(harness::source_directory() + "/tests/cases/plan"))
    if (entry.path().extension() == ".shoal") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  EXPECT_GE(paths.size(), 14u);
  for (const auto& path : paths) {
    SCOPED_TRACE(path.filename().string());
    check_case(read_case(path));
  }
}

}  // namespace
}  // namespace shoal::test
