// The graph: one member's and one sample's view of a computation, as an append-only SSA arena of primitives.
//
// A node's index is its name for other nodes; inputs always have smaller indices, so the arena order is a topological
// order. Every node has a static unit shape, an element type and the axes it VARIES over, a subset of {member, sample}.
// Broadcasting over those two axes is implicit; dropping `sample` is an explicit sum (attrs.over_sample).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/operands.h"
#include "compiler/graph/permissions.h"
#include "compiler/support/shared.h"

namespace shoal {

constexpr NodeId no_node = ~0u;

// f16 and bf16 are how an input may be stored; what is read from it is an f32.
enum class DType : uint8_t { f32, i32, boolean, f16, bf16 };

// A set of the two population axes.
struct Varies {
  bool member = false, sample = false;
  bool operator==(const Varies&) const = default;
  Varies operator|(Varies o) const { return {member || o.member, sample || o.sample}; }
  bool covers(Varies o) const { return (member || !o.member) && (sample || !o.sample); }
};

using Shape = std::vector<int64_t>;  // unit dimensions, row-major; rank 0 is one number

// What nodes hold. Most nodes have none or their operand's, and every pass moves them all.
using SharedList = Shared<std::vector<int64_t>>;
using SharedText = Shared<std::string>;

enum class Prim : uint8_t {
#define SHOAL_PRIMITIVE(name, arity, kind) name,
#include "compiler/graph/primitives.inc"
#undef SHOAL_PRIMITIVE
};
enum class PrimKind : uint8_t { source, scalar, indexing, sum, loop };
enum class Reduction : uint8_t { sum, max, min };

// What fills an input: decides who owns it at run time and how `shoal` shows it.
enum class Role : uint8_t {
  input,      // handed in for a launch (the x of predict)
  data,       // a table shared by the population (all samples of x, all labels)
  order,      // explicit sample indices
  parameter,  // trained weights: carried, named for the user, initialised by an initializer
  state,      // other carried values (moments, sums of losses), zero at the start
  hyper,      // a hyperparameter of a member, or of all
  key,        // i32 random key of a member
};

// Attributes of a node, by name; which of them a primitive reads stands beside its row in primitives.inc.
struct Attrs {
  SharedText name = {};                  // input
  Role role = Role::input;               // input
  double value = 0;                      // constant; padding of pad and window
  DType dtype = DType::f32;              // input (as it is stored), constant, cast
  Varies varies = {};                    // input, carry
  SharedList shape = {};                 // input, index, broadcast, reshape, slice, unwindow
  SharedList dims = {};                  // broadcast, transpose, window, unwindow, reduce
  SharedList low = {}, high = {};        // slice, pad, window, unwindow
  SharedList kernel = {}, stride = {};   // window, unwindow
  int64_t dim = 0;                       // index, concat
  int64_t n = 0;                         // shuffle
  Reduction reduction = Reduction::sum;  // reduce
  bool over_sample = false;              // reduce, contract
  SharedText a = {}, b = {}, out = {};   // contract
  int32_t loop = -1;                     // time, carry, last, collect: index into Graph::loops
  bool operator==(const Attrs&) const = default;
};

struct Node {
  Prim prim = Prim::constant;
  Operands inputs = {};
  Attrs attrs = {};
  SharedList shape = {};  // derived by Graph::add
  DType dtype = DType::f32;
  Varies varies = {};
  SharedText name = {};  // a readable name for texts and emitted code; unique in the graph when not empty
};

// A value that the outside reads after a launch, or (state != no_node) the next value of a carried input.
struct Output {
  std::string name = {};
  NodeId value = no_node;
  NodeId state = no_node;  // the input node that this value replaces when the step ends
};

// A loop over time: `extent` iterations in which the nodes that loop_of (loops.h) puts into it are computed anew.
struct Loop {
  // A carry node and the in-loop value, a node with a larger index, that it has in the next iteration.
  struct Carried {
    NodeId carry = no_node, next = no_node;
    bool operator==(const Carried&) const = default;
  };
  int64_t extent = 1;
  bool reversed = false;  // iterates time from extent - 1 down to 0
  std::vector<Carried> carried = {};
  bool operator==(const Loop&) const = default;
};

struct Graph {
  std::string name = "network";  // of the spec; sanitised before it reaches emitted code
  int64_t batch = 1;             // extent of the sample axis (at least 1)
  Permissions permits;
  std::vector<Node> nodes;
  std::vector<Output> outputs;
  std::vector<Loop> loops = {};

  // Appends a node, derives its shape, dtype and varies, and returns its id. Throws SpecError (place "graph") with the
  // primitive's name and the operand shapes when the operands do not fit.
  NodeId add(Node node);
  // Appends a node whose shape, dtype and varies are derived already, from operands equal to its own in all three.
  NodeId append(Node&& node);
  const Node& operator[](NodeId id) const { return nodes[id]; }
};

// Row of a primitive.
std::string_view prim_name(Prim);
int prim_arity(Prim);  // -1: any number
PrimKind prim_kind(Prim);
bool find_prim(std::string_view name, Prim* out);

std::string_view dtype_name(DType);  // "f32", "i32", "bool", "f16", "bf16"
DType value_dtype(DType stored);     // of what is read: f32 for f16 and bf16
int64_t dtype_bytes(DType);          // of an element in memory
std::string_view role_name(Role);
std::string_view reduction_name(Reduction);
int64_t element_count(const Shape&);   // product; 1 for rank 0
std::string shape_text(const Shape&);  // "[3, 4]", "[]"

// What a node has by its primitive, attributes and inputs.
struct Derived {
  SharedList shape = {};
  DType dtype = DType::f32;
  Varies varies = {};
};
// Says what it has, or sets it; both throw as Graph::add.
Derived derived(const Graph&, const Node& node);
void derive(const Graph&, Node& node);

}  // namespace shoal
