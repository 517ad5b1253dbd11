// Networks written in C++: the same Network that a JSON spec describes.
//
//   using namespace shoal::dsl;
//   const shoal::Sequential net{dense(64), relu(), dense({.units = 10, .bias = false})};
//   const shoal::Model model{.network = net.network({64}), .loss = loss::cross_entropy(),
//                            .optimizer = optimizer::adam(0.001)};
//
// Layers are named and read others by name: dense(8).named("a"), relu().from("a"), add({"a", "1"}).
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/programs/network.h"

namespace shoal {

// A layer on its way into a network.
class LayerExpr {
 public:
  explicit LayerExpr(std::shared_ptr<const Layer> op, std::vector<std::string> inputs = {});
  LayerExpr named(std::string name) const;
  LayerExpr from(std::string input) const;  // an earlier layer, or "input"; for ops that take one input
  const LayerSpec& spec() const { return spec_; }

 private:
  LayerSpec spec_;
};

class Sequential {
 public:
  Sequential(std::initializer_list<LayerExpr> layers) : layers_(layers) {}
  Sequential& append(LayerExpr layer);
  // `storage`: of the parameters where they are only read, f32, f16 or bf16. `permits`: less exact arithmetic than f32.
  Network network(Shape input, DType storage = DType::f32, Permissions permits = {}) const;

 private:
  std::vector<LayerExpr> layers_;
};

namespace dsl {

using Fields = std::vector<std::pair<std::string_view, FieldValue>>;

// Two extents of an image, height and width: Pair(3) is Pair(3, 3).
class Pair {
 public:
  Pair(int64_t both = 0) : height_(both), width_(both) {}
  Pair(int64_t height, int64_t width) : height_(height), width_(width) {}
  std::vector<int64_t> list() const { return {height_, width_}; }

 private:
  int64_t height_, width_;
};

// A configured op of the registry. A null initializer keeps the op's own. Throws SpecError with place "<op>/<field>".
std::shared_ptr<const Op> make_op(OpKind, std::string_view name, const Fields&);

template <typename T>
std::shared_ptr<const T> make(OpKind kind, std::string_view name, const Fields& fields) {
  return std::dynamic_pointer_cast<const T>(make_op(kind, name, fields));
}

}  // namespace dsl

}  // namespace shoal

#include "frontend/dsl/ops.h"  // IWYU pragma: export
