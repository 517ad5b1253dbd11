// Packing, running and unpacking of modules for tests.
#include "tests/harness/run_module.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <random>

#include "compiler/support/error.h"
#include "compiler/support/half.h"

namespace shoal::harness {
namespace {

int64_t padded(const Module& m) { return m.groups * m.member_multiple; }

size_t place_of(const Argument& a, int64_t member, int64_t sample, int64_t unit) {
  int64_t units = element_count(a.shape), element = sample * units + unit;
  if (!a.varies.member) return static_cast<size_t>(element);
  return static_cast<size_t>(member / a.block * (a.samples * units * a.block) + element * a.block + member % a.block);
}

// Calls f(position in memory, position in the dense array) for every element of the members that exist.
template <typename F>
void each_element(const Argument& a, int64_t members, F f) {
  int64_t units = element_count(a.shape), dense = 0;
  for (int64_t m = 0; m < (a.varies.member ? members : 1); ++m)
    for (int64_t s = 0; s < a.samples; ++s)
      for (int64_t u = 0; u < units; ++u) f(place_of(a, m, s, u), static_cast<size_t>(dense++));
}

// The number that is kept where `value` is stored.
double rounded(DType stored, double value) {
  const auto number = static_cast<float>(value);
  switch (stored) {
    case DType::f32: return static_cast<double>(number);
    case DType::f16: return static_cast<double>(from_f16(to_f16(number)));
    case DType::bf16: return static_cast<double>(from_bf16(to_bf16(number)));
    case DType::i32:
    case DType::boolean: break;
  }
  return value;
}

void store(Words& words, DType dtype, size_t at, double value) {
  const auto number = static_cast<float>(value);
  switch (dtype) {
    case DType::f32: words[at] = std::bit_cast<uint32_t>(number); return;
    case DType::f16: words[at / 2] |= uint32_t{to_f16(number)} << at % 2 * 16; return;
    case DType::bf16: words[at / 2] |= uint32_t{to_bf16(number)} << at % 2 * 16; return;
    case DType::i32:
    case DType::boolean: words[at] = static_cast<uint32_t>(static_cast<int64_t>(value)); return;
  }
}

double from_bits(DType dtype, uint32_t bits) {
  return dtype == DType::f32 ? static_cast<double>(std::bit_cast<float>(bits))
                             : static_cast<double>(static_cast<int32_t>(bits));
}

}  // namespace

Executor on_device(Device& device) {
  return [&device](const Module& m, std::vector<Words>& words, const std::vector<int32_t>& scalars) {
    auto executable = device.load(m);
    std::vector<std::unique_ptr<DeviceBuffer>> buffers;
    std::vector<DeviceBuffer*> pointers;
    for (const Words& w : words) {
      buffers.push_back(device.allocate(static_cast<int64_t>(w.size()) * 4));
      buffers.back()->write(w.data(), static_cast<int64_t>(w.size()) * 4);
      pointers.push_back(buffers.back().get());
    }
    executable->launch(pointers, scalars);
    for (size_t i = 0; i < words.size(); ++i)
      buffers[i]->read(words[i].data(), static_cast<int64_t>(words[i].size()) * 4);
  };
}

Executor in_interpreter(uint64_t order_seed) {
  return [order_seed](const Module& m, std::vector<Words>& words, const std::vector<int32_t>& scalars) {
    std::vector<kernel::Memory> memory;
    for (Words& w : words) {
      const int64_t bytes = kernel::element_bytes(m.kernel.buffers[memory.size()].type);
      memory.push_back({w.data(), static_cast<int64_t>(w.size()) * 4 / bytes});
    }
    kernel::interpret(m.kernel, 0, static_cast<int32_t>(m.groups), memory, scalars,
                      {.order_seed = order_seed, .find_races = true});
  };
}

std::map<std::string, Array> run_module(const Module& m, const Graph& graph, const Evaluation& e, int steps,
                                        const Executor& executor) {
  std::vector<Words> words;
  for (const Argument& a : m.arguments) {
    words.emplace_back(static_cast<size_t>((a.elements(padded(m)) * dtype_bytes(a.dtype) + 3) / 4), 0u);
    if (a.is_output) continue;
    auto given = e.inputs.find(a.name);
    if (given == e.inputs.end()) throw SpecError(a.name, "no value is given for this input");
    each_element(a, e.members,
                 [&](size_t at, size_t dense) { store(words.back(), a.dtype, at, given->second.values.at(dense)); });
  }
  std::vector<int32_t> scalars;
  if (!m.scalars.empty()) scalars = {steps, static_cast<int32_t>(e.step)};
  executor(m, words, scalars);
  std::map<std::string, Array> results;
  for (const Output& output : graph.outputs) {
    std::string name = output.state == no_node ? output.name : *graph[output.state].attrs.name;
    for (size_t i = 0; i < m.arguments.size(); ++i) {
      const Argument& a = m.arguments[i];
      if (a.name != name || a.is_output != (output.state == no_node)) continue;
      Array& array = results[output.name];
      each_element(a, e.members, [&](size_t at, size_t) { array.values.push_back(from_bits(a.dtype, words[i][at])); });
    }
  }
  return results;
}

std::map<std::string, Array> run_reference(const Graph& graph, Evaluation e, int steps) {
  std::map<std::string, Array> results;
  for (int k = 0; k < steps; ++k, ++e.step) {
    results = evaluate(graph, e);
    for (const Output& output : graph.outputs)
      if (output.state != no_node) e.inputs[graph[output.state].attrs.name] = results.at(output.name);
  }
  return results;
}

Evaluation random_inputs(const Graph& graph, int64_t members, uint64_t seed) {
  Evaluation e;
  e.members = members;
  std::mt19937_64 random(seed);
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph[id];
    if (node.prim != Prim::input) continue;
    int64_t limit = 2;  // of integers: the rows of the table that they choose from
    for (const Node& user : graph.nodes)
      if (user.prim == Prim::gather && user.inputs[1] == id) limit = graph[user.inputs[0]].shape[0];
    Array& array = e.inputs[node.attrs.name];
    int64_t count =
        element_count(node.shape) * (node.varies.member ? members : 1) * (node.varies.sample ? graph.batch : 1);
    for (int64_t i = 0; i < count; ++i) {
      double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
      double value = node.dtype != DType::f32         ? std::floor(uniform * static_cast<double>(limit))
                     : node.attrs.role == Role::state ? 0
                     : node.attrs.role == Role::hyper ? 0.01 + 0.05 * uniform
                                                      : 2 * uniform - 1;
      if (node.attrs.role == Role::key) value = std::floor(uniform * 0x1p30);
      array.values.push_back(rounded(node.attrs.dtype, value));
    }
  }
  return e;
}

double worst_error(const std::map<std::string, Array>& got, const std::map<std::string, Array>& expected, double atol,
                   double rtol, std::string* where) {
  double worst = 0;
  for (const auto& [name, array] : expected) {
    auto it = got.find(name);
    if (it == got.end() || it->second.values.size() != array.values.size()) {
      *where = fmt::format("'{}' is missing or has another size", name);
      return INFINITY;
    }
    for (size_t i = 0; i < array.values.size(); ++i) {
      double a = it->second.values[i], b = array.values[i];
      if (std::isnan(a) && std::isnan(b)) continue;
      if (a == b) continue;
      double error = std::abs(a - b) / (atol + rtol * std::abs(b));
      if (std::isnan(error)) error = INFINITY;
      if (error > worst) {
        worst = error;
        *where = fmt::format("'{}'[{}]: got {}, expected {}", name, i, a, b);
      }
    }
  }
  return worst;
}

}  // namespace shoal::harness
