// Printing of graphs: one node a line, with its type as a comment.
#include <fmt/format.h>

#include <iterator>

#include "compiler/graph/attributes.h"
#include "compiler/graph/names.h"
#include "compiler/graph/text.h"
#include "compiler/support/text.h"

namespace shoal {
namespace {

std::string reference(const Graph& graph, NodeId id) {
  return graph[id].name.empty() ? fmt::format("%{}", id) : *graph[id].name;
}

std::string name_text(const std::string& name) { return is_identifier(name) ? name : quoted_text(name); }

void append_reference(std::string& text, const Graph& graph, NodeId id) {
  if (!graph[id].name.empty())
    text += *graph[id].name;
  else
    fmt::format_to(std::back_inserter(text), "%{}", id);
}

void append_line(std::string& text, const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  append_reference(text, graph, id);
  text.append(" = ").append(prim_name(node.prim)) += '(';
  const char* separator = "";
  for (NodeId input : node.inputs) {
    text += separator;
    append_reference(text, graph, input);
    separator = ", ";
  }
  const std::string attributes = attributes_text(node.prim, node.attrs);  // each after ", "
  text.append(attributes, attributes.empty() || !node.inputs.empty() ? 0 : 2);
  text.append(")  # ").append(dtype_name(node.dtype)) += shape_text(node.shape);
  if (node.varies.member) text += " member";
  if (node.varies.sample) text += " sample";
  text += '\n';
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = fmt::format("graph {} batch={}", name_text(graph.name), graph.batch);
  if (graph.permits.precision != Precision::f32)
    text += fmt::format(" precision={}", precision_name(graph.permits.precision));
  if (graph.permits.fast_math) text += " fast_math";
  text += '\n';
  for (size_t l = 0; l < graph.loops.size(); ++l)
    text += fmt::format("loop {} extent={}{}\n", l, graph.loops[l].extent, graph.loops[l].reversed ? " reversed" : "");
  for (NodeId id = 0; id < graph.nodes.size(); ++id) append_line(text, graph, id);
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
