// Printing of graphs: one node a line, with its type as a comment.
#include <fmt/format.h>

#include "compiler/graph/attributes.h"
#include "compiler/graph/names.h"
#include "compiler/graph/text.h"
#include "compiler/support/text.h"

namespace shoal {
namespace {

std::string reference(const Graph& graph, NodeId id) {
  return graph[id].name.empty() ? fmt::format("%{}", id) : graph[id].name;
}

std::string name_text(const std::string& name) { return is_identifier(name) ? name : quoted_text(name); }

std::string line(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  std::string arguments;
  for (NodeId input : node.inputs) arguments += ", " + reference(graph, input);
  arguments += attributes_text(node.prim, node.attrs);
  std::string type = std::string(dtype_name(node.dtype)) + shape_text(node.shape);
  if (node.varies.member) type += " member";
  if (node.varies.sample) type += " sample";
  return fmt::format("{} = {}({})  # {}\n", reference(graph, id), prim_name(node.prim),
                     arguments.empty() ? "" : arguments.substr(2), type);
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = fmt::format("graph {} batch={}\n", name_text(graph.name), graph.batch);
  for (size_t l = 0; l < graph.loops.size(); ++l)
    text += fmt::format("loop {} extent={}{}\n", l, graph.loops[l].extent, graph.loops[l].reversed ? " reversed" : "");
  for (NodeId id = 0; id < graph.nodes.size(); ++id) text += line(graph, id);
  for (const Loop& loop : graph.loops)
    for (const Loop::Carried& each : loop.carried)
      text += fmt::format("advance {} = {}\n", reference(graph, each.carry), reference(graph, each.next));
  for (const Output& output : graph.outputs) {
    if (output.state == no_node) {
      text += fmt::format("out {} = {}\n", name_text(output.name), reference(graph, output.value));
      continue;
    }
    text += fmt::format("next {} = {}", reference(graph, output.state), reference(graph, output.value));
    if (output.name != graph[output.state].attrs.name) text += " as " + name_text(output.name);
    text += '\n';
  }
  return text;
}

}  // namespace shoal
