// The graph's arena and the names of its enumerations.
#include "compiler/graph/graph.h"

#include <fmt/ranges.h>

#include <array>

namespace shoal {
namespace {

struct PrimRow {
  std::string_view name;
  int arity;
  PrimKind kind;
};

constexpr std::array prim_rows = {
#define SHOAL_PRIMITIVE(name, arity, kind) PrimRow{#name, arity, PrimKind::kind},
#include "compiler/graph/primitives.inc"
#undef SHOAL_PRIMITIVE
};

}  // namespace

NodeId Graph::add(Node node) {
  derive(*this, node);
  return append(std::move(node));
}

NodeId Graph::append(Node&& node) {
  nodes.push_back(std::move(node));
  return static_cast<NodeId>(nodes.size() - 1);
}

std::string_view prim_name(Prim prim) { return prim_rows[static_cast<size_t>(prim)].name; }
int prim_arity(Prim prim) { return prim_rows[static_cast<size_t>(prim)].arity; }
PrimKind prim_kind(Prim prim) { return prim_rows[static_cast<size_t>(prim)].kind; }

bool find_prim(std::string_view name, Prim* out) {
  for (size_t i = 0; i < prim_rows.size(); ++i) {
    if (prim_rows[i].name != name) continue;
    *out = static_cast<Prim>(i);
    return true;
  }
  return false;
}

std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::i32: return "i32";
    case DType::boolean: return "bool";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
  }
  return "";
}

DType value_dtype(DType stored) { return stored == DType::f16 || stored == DType::bf16 ? DType::f32 : stored; }

int64_t dtype_bytes(DType dtype) { return dtype == value_dtype(dtype) ? 4 : 2; }

std::string_view role_name(Role role) {
  switch (role) {
    case Role::input: return "input";
    case Role::data: return "data";
    case Role::order: return "order";
    case Role::parameter: return "parameter";
    case Role::state: return "state";
    case Role::hyper: return "hyper";
    case Role::key: return "key";
  }
  return "";
}

std::string_view reduction_name(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum: return "sum";
    case Reduction::max: return "max";
    case Reduction::min: return "min";
  }
  return "";
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace shoal
