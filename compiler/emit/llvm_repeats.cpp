// Candidates by size and content, longest first; then a comparison, instruction by instruction, that pairs what
// differs.
#include "compiler/emit/llvm_repeats.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "compiler/kernel/brackets.h"
#include "compiler/support/hash.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Kernel;
using kernel::Op;
using kernel::OpKind;

namespace {

constexpr int64_t least_executed = 256;  // instructions: a call costs about ten
constexpr int32_t least_written = 6;
constexpr int32_t most_registers = 4;  // that hold values across a call

struct Loop {
  int32_t open = 0, close = 0;
  int32_t size() const { return close - open; }
};

class Finder {
 public:
  Finder(const Kernel& kernel, const Facts& facts) : kernel_(kernel), code_(kernel.code), facts_(facts) {}

  std::map<int32_t, Repeat> run() {
    std::map<std::pair<int32_t, Hash128>, std::vector<Loop>, Order> classes;
    for (const Loop& loop : candidates()) classes[{loop.size(), content(loop)}].push_back(loop);
    for (const auto& [key, loops] : classes) {
      std::vector<Loop> models;
      for (const Loop& loop : loops) {
        if (is_taken(loop)) continue;
        const bool known = std::any_of(models.begin(), models.end(), [&](const Loop& m) { return join(m, loop); });
        if (!known) models.push_back(loop);
      }
    }
    return std::move(found_);
  }

 private:
  struct Order {  // longest first
    bool operator()(const std::pair<int32_t, Hash128>& a, const std::pair<int32_t, Hash128>& b) const {
      if (a.first != b.first) return a.first > b.first;
      return std::pair(a.second.high, a.second.low) < std::pair(b.second.high, b.second.low);
    }
  };

  std::vector<Loop> candidates() const {
    std::vector<int32_t> last(facts_.slots.size(), -1);  // access of each register
    for (int32_t i = 0; i < int32_t(code_.size()); ++i)
      if (facts_.slot[i] >= 0) last[facts_.slot[i]] = i;
    std::vector<Loop> loops;
    std::vector<int32_t> open;
    int32_t parted = 0;
    for (int32_t i = 0; i < int32_t(code_.size()); ++i) {
      const Op op = code_[i].op;
      if (op == Op::loop && parted == 0 && is_whole({i, facts_.close[i]}) &&
          registers_across({i, facts_.close[i]}, open, last) <= most_registers)
        loops.push_back({i, facts_.close[i]});
      if (kernel::opens_bracket(op)) {
        open.push_back(i);
        parted += facts_.divergent[i];
      } else if (op == Op::end || op == Op::again) {
        parted -= facts_.divergent[open.back()];
        open.pop_back();
      }
    }
    return loops;
  }

  // Mutable vector registers whose value is needed after the loop, or in the next turn of a loop around it.
  int64_t registers_across(const Loop& loop, const std::vector<int32_t>& open, const std::vector<int32_t>& last) const {
    int64_t count = 0;
    for (size_t s = 0; s < facts_.slots.size(); ++s) {
      if (facts_.slots[s].declared_at > loop.open) continue;
      const auto outermost = std::upper_bound(open.begin(), open.end(), facts_.slots[s].declared_at);
      count += facts_.slots[s].varying && last[s] > (outermost == open.end() ? loop.close : *outermost);
    }
    return count;
  }

  // Large enough, and reached by nothing but values and buffers.
  bool is_whole(const Loop& loop) const {
    if (loop.size() < least_written || executed(loop) < least_executed) return false;
    for (int32_t i = loop.open; i <= loop.close; ++i) {
      const int32_t slot = facts_.slot[i];
      if (slot >= 0 && facts_.slots[slot].declared_at < loop.open) return false;
      for (const int32_t v : code_[i].args)
        if (is_outside(v, loop) && code_[v].type == kernel::Type::pred && facts_.values[v].shape == Shape::varying)
          return false;
    }
    return true;
  }

  int64_t executed(const Loop& loop) const {
    constexpr int64_t many = 1 << 20;
    std::vector<int64_t> times{1};
    int64_t total = 0;
    for (int32_t i = loop.open; i <= loop.close; ++i) {
      const Instruction& in = code_[i];
      total = std::min(many, total + times.back());
      if (in.op == Op::loop) {
        const Instruction& count = code_[in.args[0]];
        const int64_t trips = count.op == Op::constant ? (count.imm + in.imm - 1) / in.imm : many;
        times.push_back(std::min(many, times.back() * std::max<int64_t>(0, trips)));
      } else if (in.op == Op::when || in.op == Op::repeat) {
        times.push_back(times.back());
      } else if (in.op == Op::end || in.op == Op::again) {
        times.pop_back();
      }
    }
    return total;
  }

  static bool is_outside(int32_t value, const Loop& loop) { return value >= 0 && value < loop.open; }
  // The same wherever it stands.
  bool is_literal(int32_t value) const {
    const Op op = code_[value].op;
    return op == Op::constant || op == Op::lane;
  }

  Hash128 content(const Loop& loop) const {
    std::vector<int64_t> words;
    for (int32_t i = loop.open; i <= loop.close; ++i) {
      const Instruction& in = code_[i];
      words.insert(words.end(), {int64_t(in.op), int64_t(in.type), in.width, in.imm, std::bit_cast<int32_t>(in.fimm)});
      for (const int32_t v : in.args) words.push_back(v < 0 ? -1 : is_outside(v, loop) ? -2 : v - loop.open);
    }
    return hash128({reinterpret_cast<const char*>(words.data()), words.size() * sizeof(int64_t)});
  }

  bool is_taken(const Loop& loop) const {
    return std::any_of(found_.begin(), found_.end(), [&](const auto& found) {
      return found.first <= loop.open && loop.close <= facts_.close[found.first];
    });
  }

  // Whether `other` is `model` with other buffers and values; if so, both are found.
  bool join(const Loop& model, const Loop& other) {
    Repeat repeat{.model = model.open, .values = {}, .buffers = {}};
    std::map<int32_t, int32_t> back;  // of buffers: two that are told apart must stay apart
    for (int32_t n = 0; n <= model.size(); ++n) {
      const Instruction &a = code_[model.open + n], &b = code_[other.open + n];
      if (a.op != b.op || a.type != b.type || a.width != b.width || a.imm != b.imm ||
          std::bit_cast<int32_t>(a.fimm) != std::bit_cast<int32_t>(b.fimm))
        return false;
      for (size_t k = 0; k < a.args.size(); ++k)
        if (!pair_values(model, a.args[k], other, b.args[k], repeat)) return false;
      if (a.buffer >= 0 && !pair_buffers(a.buffer, b.buffer, repeat, back)) return false;
    }
    found_[model.open].model = model.open;
    found_[other.open] = std::move(repeat);
    return true;
  }

  bool pair_values(const Loop& model, int32_t a, const Loop& other, int32_t b, Repeat& repeat) const {
    if (is_outside(a, model) != is_outside(b, other)) return false;
    if (!is_outside(a, model)) return a < 0 ? a == b : a - model.open == b - other.open;
    const Instruction &x = code_[a], &y = code_[b];
    if (is_literal(a) || is_literal(b)) return x == y;
    const ValueFacts &f = facts_.values[a], &g = facts_.values[b];
    if (x.type != y.type || f.shape != g.shape || f.stride != g.stride) return false;
    return repeat.values.try_emplace(a, b).first->second == b;
  }

  bool pair_buffers(int32_t a, int32_t b, Repeat& repeat, std::map<int32_t, int32_t>& back) const {
    const kernel::Buffer &x = kernel_.buffers[a], &y = kernel_.buffers[b];
    if (x.space != y.space || x.type != y.type || x.written != y.written) return false;
    return repeat.buffers.try_emplace(a, b).first->second == b && back.try_emplace(b, a).first->second == a;
  }

  const Kernel& kernel_;
  const std::vector<Instruction>& code_;
  const Facts& facts_;
  std::map<int32_t, Repeat> found_;
};

}  // namespace

std::map<int32_t, Repeat> find_repeats(const Kernel& kernel, const Facts& facts) { return Finder(kernel, facts).run(); }

}  // namespace shoal::emit::ir
