// Reads one configured op: "relu", {"dense": {"units": 64}}, or a formula of the spec's `define` block.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/ops/formula.h"
#include "compiler/ops/op.h"
#include "frontend/json/cursor.h"

namespace shoal::json {

// What a name can mean at some place of a spec.
struct OpNames {
  std::string what;  // "layer", "loss": for messages
  std::vector<OpKind> kinds;
  const std::vector<Formula>* formulas = nullptr;                             // those that could stand here too
  std::unique_ptr<Op> make(const Cursor& at, const std::string& name) const;  // fails with near names
};

// The fields of `op` from an object; fails for those that are missing.
void read_fields(const Cursor&, Op& op);

// An op that stands alone: a name, or an object with one name as key.
std::unique_ptr<Op> read_op(const Cursor&, const OpNames&);

// An op that is known to be an T by the kinds of its names.
template <typename T>
std::shared_ptr<const T> read_op_as(const Cursor& at, const OpNames& names) {
  std::shared_ptr<const Op> op = read_op(at, names);
  const auto typed = std::dynamic_pointer_cast<const T>(op);
  check(typed != nullptr, "{} is no {}", op->info().name, names.what);
  return typed;
}

}  // namespace shoal::json
