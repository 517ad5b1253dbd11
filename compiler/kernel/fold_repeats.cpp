// First finds the runs: stretches between barriers are compared instruction by instruction, leaves by content. Then
// writes the code anew: the first stretch of a run stands for all of them, in a loop whose counter moves its arrays.
#include "compiler/kernel/fold_repeats.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "compiler/kernel/brackets.h"
#include "compiler/kernel/ranges.h"
#include "compiler/kernel/unused.h"

namespace shoal::kernel {
namespace {

constexpr int32_t least_repeats = 3;   // a loop costs a counter and a branch
constexpr int32_t least_in_turn = 24;  // instructions
constexpr int64_t widest = 4;          // elements of an access

// Instructions [first, last) and how far each shared array that they name moves with each further turn.
struct RepeatRun {
  int32_t first = 0, turn_end = 0, last = 0;  // of all turns; the first turn is [first, turn_end)
  int32_t turns = 1;
  std::map<int32_t, int64_t> strides = {};  // by the first turn's buffer
};

class RunFinder {
 public:
  explicit RunFinder(const Kernel& kernel)
      : kernel_(kernel),
        code_(kernel.code),
        rank_(code_.size() + 1),
        close_(code_.size()),
        last_use_(code_.size(), -1) {
    std::vector<int32_t> open;
    for (int32_t i = 0; i < size(); ++i) {
      rank_[i + 1] = rank_[i] + (is_leaf(i) ? 0 : 1);
      for (const int32_t value : code_[i].args)
        if (value >= 0) last_use_[value] = i;
      if (opens_bracket(code_[i].op)) open.push_back(i);
      if (closes_bracket(code_[i].op)) {
        close_[open.back()] = i;
        open.pop_back();
      }
    }
  }

  std::vector<RepeatRun> run() {
    bracket(0, size());
    return std::move(found_);
  }

 private:
  int32_t size() const { return static_cast<int32_t>(code_.size()); }
  bool is_leaf(int32_t i) const { return op_kind(code_[i].op) == OpKind::leaf; }

  // The runs of one bracket's body, and of the loops in it that stand in none.
  void bracket(int32_t begin, int32_t end) {
    std::vector<int32_t> barriers, loops;
    for (int32_t i = begin; i < end; ++i) {
      if (code_[i].op == Op::barrier) barriers.push_back(i);
      if (code_[i].op == Op::loop) loops.push_back(i);
      if (opens_bracket(code_[i].op)) i = close_[i];
    }
    for (size_t n = 0; n + 1 < barriers.size();) {
      const std::optional<RepeatRun> run = run_from(barriers, n, end);
      n += run ? static_cast<size_t>(run->turns) : 1;
      if (run) found_.push_back(*run);
    }
    for (const int32_t loop : loops) {
      const bool taken = std::any_of(found_.begin(), found_.end(),
                                     [&](const RepeatRun& run) { return run.first <= loop && loop < run.last; });
      if (!taken) bracket(loop + 1, close_[loop]);
    }
  }

  // The longest run whose first turn starts at barrier n.
  std::optional<RepeatRun> run_from(const std::vector<int32_t>& barriers, size_t n, int32_t end) const {
    RepeatRun run{.first = barriers[n], .turn_end = barriers[n + 1], .last = barriers[n + 1]};
    const int32_t length = rank_[run.turn_end] - rank_[run.first];
    if (length < least_in_turn || !is_closed(run.first, run.turn_end)) return {};
    for (size_t next = n + 1; next < barriers.size(); ++next) {
      const int32_t first = barriers[next], stop = next + 1 < barriers.size() ? barriers[next + 1] : end;
      const int32_t last = after(first, length, stop);
      if (last < 0 || !is_closed(first, last) || !repeats(run, first)) break;
      ++run.turns;
      run.last = last;
      if (rank_[stop] - rank_[first] != length) break;  // something else follows before the next barrier
    }
    if (run.turns < least_repeats) return {};
    return run;
  }

  // The end of `length` instructions without leaves; -1 if there are not so many.
  int32_t after(int32_t first, int32_t length, int32_t stop) const {
    if (rank_[stop] - rank_[first] < length) return -1;
    const auto end = std::lower_bound(rank_.begin() + first, rank_.begin() + stop, rank_[first] + length);
    return static_cast<int32_t>(end - rank_.begin());
  }

  // Nothing behind uses a value from here.
  bool is_closed(int32_t first, int32_t last) const {
    for (int32_t i = first; i < last; ++i)
      if (!is_leaf(i) && last_use_[i] >= last) return false;
    return true;
  }

  int32_t next_without_leaves(int32_t i) const {
    while (i < size() && is_leaf(i)) ++i;
    return i;
  }

  // Whether the instructions from `first` on are one more turn of the run, which then knows its strides.
  bool repeats(RepeatRun& run, int32_t first) const {
    std::map<int32_t, int64_t> strides = run.strides;
    int32_t j = next_without_leaves(first);
    for (int32_t i = next_without_leaves(run.first); i < run.turn_end; i = next_without_leaves(i + 1)) {
      const Instruction &a = code_[i], &b = code_[j];
      if (a.op != b.op || a.type != b.type || a.width != b.width || a.imm != b.imm ||
          std::bit_cast<int32_t>(a.fimm) != std::bit_cast<int32_t>(b.fimm))
        return false;
      for (size_t k = 0; k < a.args.size(); ++k)
        if (!same_operand(run.first, a.args[k], first, b.args[k])) return false;
      if (!same_buffer(a.buffer, b.buffer, run.turns, strides)) return false;
      j = next_without_leaves(j + 1);
    }
    run.strides = std::move(strides);
    return true;
  }

  bool same_operand(int32_t first_a, int32_t a, int32_t first_b, int32_t b) const {
    if (a < 0 || b < 0) return a == b;
    if (is_leaf(a) || is_leaf(b)) return code_[a] == code_[b];
    if (a < first_a || b < first_b) return a == b;
    return rank_[a] - rank_[first_a] == rank_[b] - rank_[first_b];
  }

  bool same_buffer(int32_t a, int32_t b, int32_t turn, std::map<int32_t, int64_t>& strides) const {
    if (a < 0 || b < 0) return a == b;
    const Buffer &x = kernel_.buffers[a], &y = kernel_.buffers[b];
    if (x.space != Space::shared) return a == b;
    const int64_t moved = y.offset - x.offset;
    if (y.space != x.space || y.type != x.type || y.size != x.size || moved % (turn * widest) != 0) return false;
    return strides.try_emplace(a, moved / turn).first->second == moved / turn;
  }

  const Kernel& kernel_;
  const std::vector<Instruction>& code_;
  std::vector<int32_t> rank_;  // how many instructions that are no leaves stand before
  std::vector<int32_t> close_, last_use_;
  std::vector<RepeatRun> found_;
};

class RunWriter {
 public:
  explicit RunWriter(Kernel& kernel)
      : kernel_(kernel), ranges_(value_ranges(kernel)), number_(kernel.code.size(), -1) {}

  void run(std::vector<RepeatRun> runs) {
    std::sort(runs.begin(), runs.end(), [](const RepeatRun& a, const RepeatRun& b) { return a.first < b.first; });
    int32_t i = 0;
    for (const RepeatRun& run : runs) {
      for (; i < run.first; ++i) copy(i);
      fold(run);
      i = run.last;
    }
    for (; i < static_cast<int32_t>(number_.size()); ++i) copy(i);
    kernel_.code = std::move(code_);
  }

 private:
  int32_t append(Instruction in) {
    code_.push_back(in);
    return static_cast<int32_t>(code_.size()) - 1;
  }
  int32_t integer(int64_t value) { return append({.op = Op::constant, .type = Type::i32, .imm = value}); }
  int32_t binary(Op op, int32_t a, int32_t b) { return append({.op = op, .type = Type::i32, .args = {a, b, -1}}); }

  Instruction renumbered(int32_t i) const {
    Instruction in = kernel_.code[i];
    for (int32_t& value : in.args)
      if (value >= 0) value = number_[value];
    return in;
  }
  void copy(int32_t i) { number_[i] = append(renumbered(i)); }

  void fold(const RepeatRun& run) {
    // Leaves of all turns come before the loop, as code behind it may use them too.
    for (int32_t i = run.first; i < run.last; ++i)
      if (op_kind(kernel_.code[i].op) == OpKind::leaf) copy(i);
    // The counter is itself the way of those arrays that move farthest.
    int64_t farthest = 1;
    for (const auto& [buffer, stride] : run.strides) farthest = std::max(farthest, stride < 0 ? -stride : stride);
    const int32_t count = integer(run.turns * farthest);
    const int32_t way = append({.op = Op::loop, .type = Type::i32, .args = {count, -1, -1}, .imm = farthest});
    std::map<int64_t, int32_t> offsets;  // of this turn's array in the span, by stride
    Moves moves;
    for (const auto& [buffer, stride] : run.strides) {
      if (stride == 0) continue;
      if (!offsets.contains(stride)) offsets[stride] = offset(way, farthest, run.turns, stride);
      moves.spans[buffer] = {span(buffer, stride, run.turns), offsets.at(stride), stride};
    }
    for (int32_t i = run.first; i < run.turn_end; ++i) turn_instruction(i, moves);
    append({.op = Op::end});
  }

  int32_t offset(int32_t way, int64_t farthest, int32_t turns, int64_t stride) {
    if (stride < 0) return binary(Op::sub, integer((turns - 1) * -stride), offset(way, farthest, turns, -stride));
    if (stride == farthest) return way;
    const int32_t divided = binary(Op::div, way, integer(farthest % stride == 0 ? farthest / stride : farthest));
    return farthest % stride == 0 ? divided : binary(Op::mul, divided, integer(stride));
  }

  // What the accesses of a turn become.
  struct Span {
    int32_t buffer = -1, offset = -1;
    int64_t stride = 0;
  };
  struct Moves {
    std::map<int32_t, Span> spans = {};                                   // by the first turn's buffer
    std::vector<std::map<std::pair<int32_t, int32_t>, int32_t>> sums{1};  // by open bracket: of index and offset
  };

  void turn_instruction(int32_t i, Moves& moves) {
    Instruction in = renumbered(i);
    if (op_kind(in.op) == OpKind::leaf) return;
    if (closes_bracket(in.op)) moves.sums.pop_back();
    if (const auto span = moves.spans.find(in.buffer); in.buffer >= 0 && span != moves.spans.end()) {
      in.buffer = span->second.buffer;
      in.args[1] = sum(kernel_.code[i].args[1], span->second, moves);
    }
    number_[i] = append(in);
    if (opens_bracket(in.op)) moves.sums.emplace_back();
  }

  // `old_index`: a value of the kernel as it was.
  int32_t sum(int32_t old_index, const Span& span, Moves& moves) {
    if (old_index < 0) return span.offset;
    const int32_t index = number_[old_index];
    for (const auto& bracket : moves.sums)
      if (const auto known = bracket.find({index, span.offset}); known != bracket.end()) return known->second;
    // Swizzled indices are chains of exclusive ors, of which the constant part leaves inner loops: stay in the chain.
    const int64_t lowest_bit = span.stride & -span.stride;
    const Range& range = ranges_[old_index].range;
    const Op op = range.non_negative() && range.high < lowest_bit ? Op::bxor : Op::add;
    return moves.sums.back()[{index, span.offset}] = binary(op, index, span.offset);
  }

  // The array that spans those of all turns.
  int32_t span(int32_t first, int64_t stride, int32_t turns) {
    Buffer buffer = kernel_.buffers[first];
    const int64_t distance = stride * (turns - 1), last_offset = buffer.offset + distance;
    buffer.offset = std::min(buffer.offset, last_offset);
    buffer.size += distance < 0 ? -distance : distance;
    buffer.name += fmt::format("_and_{}", turns - 1);
    auto known = spans_.try_emplace({first, stride, turns}, static_cast<int32_t>(kernel_.buffers.size()));
    if (!known.second) return known.first->second;
    while (is_taken(buffer.name)) buffer.name += "_";
    kernel_.buffers.push_back(buffer);
    return known.first->second;
  }

  bool is_taken(const std::string& name) const {
    return std::find(kernel_.scalars.begin(), kernel_.scalars.end(), name) != kernel_.scalars.end() ||
           std::any_of(kernel_.buffers.begin(), kernel_.buffers.end(), [&](const Buffer& b) { return b.name == name; });
  }

  Kernel& kernel_;
  const std::vector<ValueRange> ranges_;
  std::vector<int32_t> number_;  // of what is written already
  std::vector<Instruction> code_;
  std::map<std::tuple<int32_t, int64_t, int32_t>, int32_t> spans_;  // by first buffer, stride and turns
};

}  // namespace

void fold_repeats(Kernel& kernel) {
  std::vector<RepeatRun> runs = RunFinder(kernel).run();
  if (runs.empty()) return;
  RunWriter(kernel).run(std::move(runs));
  remove_unused(kernel);
}

}  // namespace shoal::kernel
