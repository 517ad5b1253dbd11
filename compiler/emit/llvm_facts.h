// What the LLVM emitter knows about a kernel before it writes a line: which values are the same in all lanes, which
// slots each bracket changes, and in which forms (32 bits, 64 bits, vector, pointer) every value will be wanted.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::emit::ir {

// uniform: the same in all lanes, a scalar.  affine: an integer, scalar + lane * stride.  varying: a vector.
enum class Shape : uint8_t { uniform, affine, varying };

// buffer + base + index without the constant part; -1 for what is absent, constant or varying.
struct Address {
  int32_t buffer = -1, base = -1, index = -1;
  auto operator<=>(const Address&) const = default;
};

// Forms are made where the value is defined: no pass will move or merge them later.
struct ValueFacts {
  Shape shape = Shape::uniform;
  int64_t stride = 0;              // affine: of one lane
  bool narrow_use = false;         // wanted as a scalar of its own type
  bool wide_use = false;           // i32: wanted as a 64-bit index
  bool vector_use = false;         // wanted as a vector
  bool crosses_blocks = false;     // a varying pred that is used in another basic block than its own
  std::vector<Address> addresses;  // pointers whose last part to be known is this value
  bool used() const { return narrow_use || wide_use || vector_use; }
};

// Mutable state that becomes SSA: a var, or one element of a local array.
struct Slot {
  kernel::Type type = kernel::Type::none;
  bool varying = false;
  int32_t masks = 0;         // divergent brackets around its declaration
  int32_t declared_at = -1;  // -1: with the group
};

struct Facts {
  std::vector<ValueFacts> values;
  std::vector<int32_t> slot;  // of the slot that an instruction reads or sets, else -1
  std::vector<Slot> slots;
  std::vector<int32_t> close;  // of an opening instruction: its end or again
  std::vector<std::vector<int32_t>>
      changed;                     // of an opening instruction: slots from outside that its body sets, ascending
  std::vector<uint8_t> divergent;  // of a when or repeat: its threads may part
};

// The kernel must be verified.
Facts analyse(const kernel::Kernel&);

// Operations on 32-bit indices that may be done in 64 bits, because index arithmetic never overflows.
bool is_index_arithmetic(kernel::Op);

}  // namespace shoal::emit::ir
