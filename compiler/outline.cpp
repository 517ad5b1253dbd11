// Origins and outlines, each type taken apart by one function.
#include "compiler/outline.h"

#include <fmt/format.h>

#include "compiler/graph/attributes.h"
#include "compiler/support/archive.h"

namespace shoal {

namespace emit {
template <typename Archive, typename T>
  requires is_a<T, CpuFeatures>
void archive(Archive& a, T& features) {
  auto& [cpu, list, triple] = features;
  a(cpu, list, triple);
}
}  // namespace emit

namespace kernel {
template <typename Archive, typename T>
  requires is_a<T, Buffer>
void archive(Archive& a, T& buffer) {
  auto& [name, space, type, size, offset, written] = buffer;
  a(name, space, type, size, offset, written);
}

template <typename Archive, typename T>
  requires is_a<T, Kernel>
void archive(Archive& a, T& k) {
  auto& [name, warps, lanes, shared_elements, buffers, scalars, code, header] = k;
  (void)code, (void)header;
  a(name, warps, lanes, shared_elements, buffers, scalars);
}

template <typename Archive, typename T>
  requires is_a<T, Estimate>
void archive(Archive& a, T& estimate) {
  auto& [fma, flops, transcendental, integer, global, shared, instructions, scattered, barriers, mma] = estimate;
  a(fma, flops, transcendental, integer, global, shared, instructions, scattered, barriers, mma);
}
}  // namespace kernel

template <typename Archive, typename T>
  requires is_a<T, Varies>
void archive(Archive& a, T& varies) {
  auto& [member, sample] = varies;
  a(member, sample);
}

template <typename Archive, typename T>
  requires is_a<T, Target>
void archive(Archive& a, T& target) {
  auto& [kind, lanes, cpu, sm, l1, l2, l3, shared, registers, workers, teams] = target;
  a(kind, lanes, cpu, sm, l1, l2, l3, shared, registers, workers, teams);
}

template <typename Archive, typename T>
  requires is_a<T, Options>
void archive(Archive& a, T& options) {
  auto& [members, schedule] = options;
  a(members, schedule);
}

template <typename Archive, typename T>
  requires is_a<T, Argument>
void archive(Archive& a, T& argument) {
  auto& [name, role, is_output, written, dtype, varies, shape, samples, block] = argument;
  a(name, role, is_output, written, dtype, varies, shape, samples, block);
}

template <typename Archive, typename T>
  requires is_a<T, Module>
void archive(Archive& a, T& module) {
  auto& [target, schedule, why, plan_text, kernel, source, arguments, scalars, members, multiple, groups, step] =
      module;
  (void)plan_text, (void)source;
  a(target, schedule, why, kernel, arguments, scalars, members, multiple, groups, step);
}

template <typename Archive, typename T>
void archive(Archive& a, const Shared<T>& shared) {
  a(*shared);
}

template <typename Archive>
void archive(Archive& a, const Operands& operands) {
  a(operands.size());
  for (const NodeId id : operands) a(id);
}

template <typename Archive, typename T>
  requires is_a<T, Attrs>
void archive(Archive& a, T& attrs) {
  auto& [name, role, value, dtype, varies, shape, dims, low, high, kernel, stride, dim, n, reduction, over_sample,
         letters_a, letters_b, letters_out, loop] = attrs;
  a(name, role, value, dtype, varies, shape, dims, low, high, kernel, stride, dim, n, reduction, over_sample, letters_a,
    letters_b, letters_out, loop);
}

// Most primitives read no attributes.
template <typename Archive>
void archive(Archive& a, const Node& node) {
  auto& [prim, inputs, attrs, shape, dtype, varies, name] = node;
  a(prim, inputs, shape, dtype, varies, name);
  if (!attributes_of(prim).empty()) a(attrs);
}

template <typename Archive, typename T>
  requires is_a<T, Output>
void archive(Archive& a, T& output) {
  auto& [name, value, state] = output;
  a(name, value, state);
}

template <typename Archive, typename T>
  requires is_a<T, Loop::Carried>
void archive(Archive& a, T& carried) {
  auto& [carry, next] = carried;
  a(carry, next);
}

template <typename Archive, typename T>
  requires is_a<T, Loop>
void archive(Archive& a, T& loop) {
  auto& [extent, reversed, carried] = loop;
  a(extent, reversed, carried);
}

template <typename Archive, typename T>
  requires is_a<T, Permissions>
void archive(Archive& a, T& permits) {
  auto& [precision, fast_math] = permits;
  a(precision, fast_math);
}

template <typename Archive, typename T>
  requires is_a<T, Graph>
void archive(Archive& a, T& graph) {
  auto& [name, batch, permits, nodes, outputs, loops] = graph;
  a(name, batch, permits, nodes, outputs, loops);
}

std::string origin_of(const Graph& graph, const Target& target, const Options& options, std::string_view build) {
  ByteWriter writer;
  writer.bytes = fmt::format("build {}\n", build);
  writer(target, options, graph);
  return std::move(writer.bytes);
}

std::string encode_outline(const Module& module) {
  ByteWriter writer;
  writer(module);
  return std::move(writer.bytes);
}

std::optional<Module> decode_outline(std::string_view bytes) {
  ByteReader reader(bytes);
  Module module;
  reader(module);
  if (reader.failed() || !reader.rest().empty()) return std::nullopt;
  return module;
}

}  // namespace shoal
