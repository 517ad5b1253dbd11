// NestBuilder: one nest under construction; reads graph nodes at index points, inlining what is not stored.
#pragma once

#include <set>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/plan/nest.h"

namespace shoal::plan {

// What a nest under construction asks about nodes that it does not compute itself.
struct ValueSource {
  virtual ~ValueSource() = default;
  virtual bool is_stored(NodeId) const = 0;  // computed by some nest, or an argument
  virtual int32_t value_of(NodeId) = 0;      // its value; made on first demand
  virtual int home_of(NodeId) const = 0;     // the nest that computes it, -1 for an argument
  virtual bool is_merged(NodeId) const = 0;  // a contraction that its only reader (unwindow) computes itself
  virtual void require_row_major(int32_t value) = 0;
  // The collect node in whose slice of the current iteration the node is kept, or no_node when it has memory of its
  // own.
  virtual NodeId kept_in(NodeId) const = 0;
};

class NestBuilder {
 public:
  // A nest that computes the sum node `root`, or (for other nodes) `root` element by element; `copy`: that loads its
  // value. `sample`: whether its space has the sample axis, which it must have if the root varies over sample.
  NestBuilder(const Graph& graph, ValueSource& source, NodeId root, int id, bool copy, bool sample);

  // Adds a scalar node with the nest's own index space to the epilogue.
  void append(NodeId node);
  void store(NodeId node, int32_t value);        // at the nest's parallel point
  void store_slice(NodeId node, int32_t value);  // the same, in the slice of the current iteration of its loop
  // The same as one or the other, `begin` further along dimension `dim` of the node.
  void store_piece(NodeId node, int32_t value, int64_t dim, int64_t begin, bool in_slice);
  bool computes(NodeId node) const;               // root or appended
  bool has_space_of(const Node& node) const;      // the node's index space is the nest's parallel one
  bool reads_only_at_point(int32_t value) const;  // all loads of value are at the parallel point, unguarded

  Nest nest;
  int id = 0;
  std::set<int> dependencies;  // nests whose values this one loads
  std::set<int32_t> loaded;    // values it loads

 private:
  using Point = std::vector<Index>;
  struct Reading {  // a memo entry
    NodeId node;
    Point point;
    std::vector<Guard> guards;
    double fill;
    int32_t scalar;
  };
  struct Context {
    std::vector<Guard> guards;
    double fill = 0;  // what a load gives where the innermost guards fail
  };

  int32_t read(NodeId node, const Point& point, const Context& context);
  int32_t read_uncached(NodeId node, const Point& point, const Context& context);
  int32_t load(NodeId node, const Point& point, const Context& context, int32_t indirect = -1);
  int32_t guarded(NodeId input, const Point& point, std::vector<Guard> added, double fill, const Context& context);
  int32_t read_concat(const Node& node, const Point& point, const Context& context);
  int32_t read_window(const Node& node, const Point& point, const Context& context);
  int32_t read_product(const Node& contract, const Point& point, const Context& context);
  int32_t read_sum_operand(const Node& root);
  int32_t add(Scalar scalar);
  int32_t primitive(Prim prim, DType dtype, std::initializer_list<int32_t> args);
  Index axis(const std::string& name, int64_t extent, bool sample, bool reduced);

  const Graph& graph_;
  ValueSource& source_;
  const Shape shape_;
  const bool sample_;
  Point point_;  // one index a unit dimension of the nest's space
  std::vector<Reading> readings_;
  std::vector<int32_t> scalar_of_;  // by node: the scalar that computes it at the parallel point, -1
};

}  // namespace shoal::plan
