// Control of the LLVM emitter: brackets become basic blocks, slots become phis, parting threads become masks.
//
// Loops are rotated (the test stands at the end), behind a guard where the count may be zero. Where threads part, the
// body is entered when any lane is on; so what is uniform in it may run as it is.
#include <fmt/format.h>

#include <string>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/kernel/uniformity.h"
#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Op;
using kernel::Type;

// ---- masks: in 32-bit lanes between blocks, because <8 x i1> has no register before AVX-512.

std::string Emitter::keep_mask(const std::string& vector_value) {
  if (keeps_masks_in_registers()) return vector_value;
  return out_.temporary(
      fmt::format("sext {} {} to {}", out_.vector_type(Type::pred), vector_value, out_.vector_type(Type::i32)));
}

std::string Emitter::use_mask(const std::string& kept) {
  if (keeps_masks_in_registers()) return kept;
  return out_.temporary(fmt::format("icmp slt {} {}, zeroinitializer", out_.vector_type(Type::i32), kept));
}

std::string Emitter::mask() {
  Mask& innermost = masks_.back();
  if (innermost.block != out_.block()) {
    innermost.vector = use_mask(innermost.kept);
    innermost.block = out_.block();
  }
  return innermost.vector;
}

std::string Emitter::any(const std::string& mask_vector) {
  const std::string bits = fmt::format("i{}", kernel_.lanes);
  const std::string on =
      out_.temporary(fmt::format("bitcast {} {} to {}", out_.vector_type(Type::pred), mask_vector, bits));
  return out_.temporary(fmt::format("icmp ne {} {}, 0", bits, on));
}

// ---- slots

std::string Emitter::slot_type(int32_t slot) const {
  const Slot& facts = facts_.slots[slot];
  if (!facts.varying) return scalar_type(facts.type);
  const bool kept = facts.type == Type::pred && !keeps_masks_in_registers();
  return out_.vector_type(kept ? Type::i32 : facts.type);
}

std::string Emitter::slot_zero(int32_t slot) const {
  const Slot& facts = facts_.slots[slot];
  if (facts.varying) return "zeroinitializer";
  if (facts.type == Type::f32) return float_literal(0.0f);
  return facts.type == Type::pred ? "false" : "0";
}

void Emitter::slot_read(int32_t i) {
  const int32_t slot = facts_.slot[i];
  Forms& forms = values_[i];
  if (!facts_.values[i].used()) return;
  if (!facts_.slots[slot].varying) {
    forms.scalar = slots_[slot];
  } else {
    forms.vector = facts_.slots[slot].type == Type::pred ? use_mask(slots_[slot]) : slots_[slot];
  }
  finish(i);
}

void Emitter::slot_write(int32_t i, int32_t value) {
  const int32_t slot = facts_.slot[i];
  const Slot& facts = facts_.slots[slot];
  if (!facts.varying) {
    slots_[slot] = scalar(value);
    return;
  }
  std::string next = vector(value);
  if (facts.type == Type::pred) next = keep_mask(next);
  if (in(i).op != Op::var && int32_t(masks_.size()) > facts.masks) {
    next = out_.temporary(fmt::format("select {0} {1}, {2} {3}, {2} {4}", out_.vector_type(Type::pred), mask(),
                                      slot_type(slot), next, slots_[slot]));
  }
  slots_[slot] = next;
}

// ---- brackets

void Emitter::start_phis(Open& open) {
  for (int32_t slot : facts_.changed[open.at]) {
    open.phis.push_back(out_.placeholder());
    open.names.push_back(fmt::format("%p{}.{}", open.at, slot));
    open.before.push_back(slots_[slot]);
    slots_[slot] = open.names.back();
  }
}

void Emitter::fill_phis(const Open& open, const std::string& latch) {
  for (size_t k = 0; k < open.phis.size(); ++k) {
    const int32_t slot = facts_.changed[open.at][k];
    out_.fill(open.phis[k], fmt::format("{} = phi {} [ {}, %{} ], [ {}, %{} ]", open.names[k], slot_type(slot),
                                        open.before[k], open.from, slots_[slot], latch));
  }
}

// At `exit`, reached from inside a bracket and from before it: each changed slot is one or the other.
void Emitter::leave(const Open& open, const std::string& inside) {
  for (size_t k = 0; k < open.before.size(); ++k) {
    const int32_t slot = facts_.changed[open.at][k];
    slots_[slot] = out_.temporary(fmt::format("phi {} [ {}, %{} ], [ {}, %{} ]", slot_type(slot), slots_[slot], inside,
                                              open.before[k], open.from));
  }
}

void Emitter::open_loop(int32_t i) {
  const Instruction& loop = in(i);
  Open open{.at = i};
  const bool constant = in(loop.args[0]).op == Op::constant;
  const int64_t count = constant ? in(loop.args[0]).imm : 0;
  Forms& forms = values_[i];
  if (constant && count <= loop.imm) {
    open.at = count <= 0 ? -1 : i;
    open.straight = true;
    forms.scalar = forms.wide = std::string("0");
    open_.push_back(open);
    if (count > 0) finish(i);
    return;
  }
  const std::string limit = wide(loop.args[0]);
  open.from = out_.block();
  open.guarded = !constant;
  if (open.guarded) {
    const std::string runs = out_.temporary(fmt::format("icmp sgt i64 {}, 0", limit));
    out_.line(fmt::format("br i1 {}, label %loop{}, label %after{}", runs, i, i));
  } else {
    out_.line(fmt::format("br label %loop{}", i));
  }
  out_.label(fmt::format("loop{}", i));
  forms.wide = fmt::format("%v{}.w", i);
  open.counter_phi = out_.placeholder();
  start_phis(open);
  if (facts_.values[i].narrow_use || facts_.values[i].vector_use) {
    forms.scalar = fmt::format("%v{}", i);
    out_.define(forms.scalar, fmt::format("trunc i64 {} to i32", forms.wide));
  }
  open_.push_back(open);
  finish(i);
}

void Emitter::close_loop(const Open& open) {
  if (open.straight) return;
  const Instruction& loop = in(open.at);
  const std::string counter = fmt::format("%v{}.w", open.at), next = fmt::format("%v{}.next", open.at);
  out_.define(next, fmt::format("add nuw nsw i64 {}, {}", counter, loop.imm));
  const std::string more = out_.temporary(fmt::format("icmp slt i64 {}, {}", next, wide(loop.args[0])));
  const std::string latch = out_.block();
  out_.fill(open.counter_phi, fmt::format("{} = phi i64 [ 0, %{} ], [ {}, %{} ]", counter, open.from, next, latch));
  fill_phis(open, latch);
  out_.line(fmt::format("br i1 {}, label %loop{}, label %after{}", more, open.at, open.at));
  out_.label(fmt::format("after{}", open.at));
  if (open.guarded) leave(open, latch);
}

void Emitter::open_when(int32_t i) {
  const int32_t pred = in(i).args[0];
  Open open{.at = i};
  if (in(pred).op == Op::constant) {
    open.straight = true;
    if (in(pred).imm == 0) open.at = -1;
    open_.push_back(open);
    return;
  }
  if (const int32_t lane = kernel::only_lane(kernel_, pred); facts_.divergent[i] && lane >= 0 && masks_.empty()) {
    // Some lane always enters.
    open.straight = true;
    masks_.push_back({.kept = out_.lane_mask_literal(lane, keeps_masks_in_registers()), .lane = lane});
    open_.push_back(open);
    return;
  }
  for (int32_t slot : facts_.changed[i]) open.before.push_back(slots_[slot]);
  std::string enter;
  if (facts_.divergent[i]) {
    std::string on = vector(pred);
    if (!masks_.empty()) {
      on = out_.temporary(fmt::format("and {} {}, {}", out_.vector_type(Type::pred), on, mask()));
    }
    masks_.push_back({.kept = keep_mask(on), .vector = on, .block = out_.block()});
    enter = any(on);
  } else {
    enter = scalar(pred);
  }
  open.from = out_.block();
  out_.line(fmt::format("br i1 {}, label %then{}, label %after{}", enter, i, i));
  out_.label(fmt::format("then{}", i));
  open_.push_back(open);
}

void Emitter::close_when(const Open& open) {
  if (open.at >= 0 && facts_.divergent[open.at]) masks_.pop_back();
  if (open.straight) return;
  const std::string inside = out_.block();
  out_.line(fmt::format("br label %after{}", open.at));
  out_.label(fmt::format("after{}", open.at));
  leave(open, inside);
}

void Emitter::open_repeat(int32_t i) {
  Open open{.at = i};
  std::string kept;
  if (facts_.divergent[i]) {
    const std::string all = keeps_masks_in_registers() ? "splat (i1 true)" : "splat (i32 -1)";
    kept = masks_.empty() ? all : masks_.back().kept;
  }
  open.from = out_.block();
  out_.line(fmt::format("br label %loop{}", i));
  out_.label(fmt::format("loop{}", i));
  start_phis(open);
  if (facts_.divergent[i]) {
    open.mask_phi = out_.placeholder();
    open.mask_before = kept;
    masks_.push_back({.kept = fmt::format("%m{}", i)});
  }
  open_.push_back(open);
}

void Emitter::close_repeat(const Open& open, int32_t at) {
  const int32_t pred = in(at).args[0];
  std::string more, kept;
  if (facts_.divergent[open.at]) {
    const std::string on =
        out_.temporary(fmt::format("and {} {}, {}", out_.vector_type(Type::pred), vector(pred), mask()));
    kept = keep_mask(on);
    more = any(on);
  } else {
    more = scalar(pred);
  }
  const std::string latch = out_.block();
  fill_phis(open, latch);
  if (facts_.divergent[open.at]) {
    const std::string type = out_.vector_type(keeps_masks_in_registers() ? Type::pred : Type::i32);
    out_.fill(open.mask_phi, fmt::format("%m{} = phi {} [ {}, %{} ], [ {}, %{} ]", open.at, type, open.mask_before,
                                         open.from, kept, latch));
    masks_.pop_back();
  }
  out_.line(fmt::format("br i1 {}, label %loop{}, label %after{}", more, open.at, open.at));
  out_.label(fmt::format("after{}", open.at));
}

}  // namespace shoal::emit::ir
