// Nests: every computation as a loop nest over parallel and reduced axes with a scalar body (MLIR's linalg.generic).
//
// A nest is written for one member. Its axes are the sample axis (at most one) and unit axes; each is parallel or
// reduced. The body is a list of scalars in SSA form, evaluated at a point of the axes; loads index values through
// affine maps. `reduced` names the scalar that is summed (or maximised) over the reduced axes; the scalar of kind
// `accumulator` is the result of that, and what depends on it is the epilogue, evaluated once a parallel point.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/graph/graph.h"

namespace shoal::plan {

// A value in memory: an argument of the kernel, or a temporary that crosses nests.
struct Value {
  std::string name;          // unique, a readable identifier
  DType dtype = DType::f32;  // of what is read and written
  Shape dims;                // stored unit dimensions (the node's shape, or one flat dimension)
  Varies varies;             // temporaries always vary over member
  int32_t argument = -1;     // index in Plan::arguments, or -1 for a temporary
  bool samples_innermost =
      false;  // layout of a temporary: neighbours in memory are samples, not elements of the last dimension
  bool row_major =
      false;  // some reader addresses it as flat memory, so its dimensions may be neither permuted nor padded
  bool in_registers = false;  // every thread keeps the elements that it touches in registers of its own
  bool operator==(const Value&) const = default;
};

struct Axis {
  std::string name;
  int64_t extent = 1;
  bool sample = false;  // the sample axis; its extent is the batch
  bool reduced = false;
  bool window = false;  // parallel, and all of its points stand in every tile: the epilogue is of the tile's windows
  bool operator==(const Axis&) const = default;
};

// The number of the current iteration of the loop over time in which a nest stands, in the place of an axis.
constexpr int32_t time_axis = 1 << 20;

// factor * (axis, quotient or time). Axis numbers from axes.size() on name quotients.
struct Term {
  int32_t axis = 0;
  int64_t factor = 1;
  bool operator==(const Term&) const = default;
};
struct Index {  // sum of terms + offset
  std::vector<Term> terms;
  int64_t offset = 0;
  bool operator==(const Index&) const = default;
};
// numerator / divisor, valid only where the division leaves no rest and 0 <= quotient < extent (strided windows,
// transposed).
struct Quotient {
  Index numerator;
  int64_t divisor = 1, extent = 1;
  bool operator==(const Quotient&) const = default;
};
// Holds where 0 <= index < extent; or, with quotient >= 0, where that quotient is valid.
struct Guard {
  Index index = {};
  int64_t extent = 0;
  int32_t quotient = -1;
  bool operator==(const Guard&) const = default;
};
struct Access {
  int32_t value = -1;       // index in Plan::values
  std::vector<Index> dims;  // one a stored dimension
  int32_t indirect = -1;    // body scalar (i32) that replaces dims[0]: a gather
  bool operator==(const Access&) const = default;
};

struct Scalar {
  enum class Kind : uint8_t {
    constant,     // value, dtype
    coordinate,   // index as an i32
    position,     // i32 position of the sample in the batch
    step,         // i32 number of steps taken before
    load,         // access; where a guard fails the element is not touched and the result is `value`
    primitive,    // prim(args...)
    guarded,      // args[0] where all guards hold, else `value`
    accumulator,  // result of the reduction; of the point of the window at the offsets in access.dims, one an axis of
                  // it
  };
  Kind kind = Kind::constant;
  DType dtype = DType::f32;
  double value = 0;
  Index index = {};
  Access access = {};
  std::vector<Guard> guards = {};
  Prim prim = Prim::constant;
  std::array<int32_t, 3> args{-1, -1, -1};
  int64_t n = 0;  // of a shuffle
  bool operator==(const Scalar&) const = default;
};

struct Store {
  Access access = {};
  int32_t scalar = -1;
  bool operator==(const Store&) const = default;
};

// When a nest runs: in each of the K steps, or once before or after them.
enum class Phase : uint8_t { before, steps, after };

struct Nest {
  std::string name;
  std::vector<Axis> axes;  // parallel ones first; as made, the sample axis is first among its kind
  std::vector<Quotient> quotients;
  std::vector<Scalar> body;
  int32_t reduced = -1;
  Reduction reduction = Reduction::sum;
  bool over_chunks =
      false;          // reduces over the sample axis: adds to what the earlier chunks of the batch left in its stores
  int32_t loop = -1;  // index in Plan::loops of the loop over time in whose body it stands, -1 for none
  int region = 0;     // even: between chunk loops; odd: inside chunk loop (region - 1) / 2
  Phase phase = Phase::steps;
  bool relayout = false;  // a copy of one value into the other layout, done by transposing blocks across lanes
  std::vector<Store> stores;

  int parallel_count() const;
  const Axis* sample_axis() const;  // null when the nest has none
  bool operator==(const Nest&) const = default;
};

}  // namespace shoal::plan
