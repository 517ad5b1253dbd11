// Interprets a kernel: one group after another, each thread from one synchronisation point to the next.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "compiler/kernel/legality.h"
#include "compiler/kernel/order.h"
#include "compiler/kernel/program.h"
#include "compiler/kernel/races.h"
#include "compiler/kernel/tensor.h"
#include "compiler/support/error.h"
#include "compiler/support/half.h"

namespace shoal::kernel {

namespace {

// Denormal numbers count as zeros of their sign.
float flush(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  return (bits & 0x7f800000u) == 0 ? std::bit_cast<float>(bits & 0x80000000u) : x;
}

// What x86 gives for what does not fit; callers may not rely on it.
int32_t truncate(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<int32_t>(x) : std::numeric_limits<int32_t>::min();
}

int32_t wrap(uint32_t x) { return static_cast<int32_t>(x); }
uint32_t bits(int32_t x) { return static_cast<uint32_t>(x); }
int64_t wrap64(uint64_t x) { return static_cast<int64_t>(x); }
uint64_t bits64(int64_t x) { return static_cast<uint64_t>(x); }

// A buffer as the threads of a group see it; elements of local buffers are in the thread's own memory.
struct View {
  char* data = nullptr;
  int64_t elements = 0;
  int64_t first = 0;              // its first element in the arena (shared) or in a thread's memory (local)
  uint8_t* is_written = nullptr;  // not global: of the first element
  RaceDetector* races = nullptr;  // not local
  bool is_local = false;
};

struct Thread {
  int32_t position = 0;
  Slot* slots = nullptr;
  char* local = nullptr;
  uint8_t* local_written = nullptr;
};

template <bool find_races>
class Interpreter {
 public:
  Interpreter(const Kernel& kernel, const std::vector<Memory>& memory, const std::vector<int32_t>& scalars,
              const InterpretOptions& options)
      : kernel_(kernel),
        program_(decode(kernel)),
        scalars_(scalars),
        order_(kernel.warps, kernel.lanes, options.order_seed) {
    check(kernel.scalars.size() == scalars.size(), "kernel '{}' takes {} scalars, got {}", kernel.name,
          kernel.scalars.size(), scalars.size());
    const int32_t threads = kernel.warps * kernel.lanes;
    slots_.resize(static_cast<size_t>(threads) * static_cast<size_t>(program_.slots));
    arena_.resize(static_cast<size_t>(kernel.shared_elements));
    arena_written_.resize(arena_.size());
    if constexpr (find_races) races_.reserve(kernel.buffers.size() + 1);
    if constexpr (find_races) races_.emplace_back(kernel.shared_elements);
    make_views(memory);
    local_.resize(static_cast<size_t>(local_elements_ * threads));
    local_written_.resize(local_.size());
    threads_.resize(static_cast<size_t>(threads));
    for (int32_t t = 0; t < threads; ++t) {
      threads_[t].slots = slots_.data() + static_cast<size_t>(t) * static_cast<size_t>(program_.slots);
      threads_[t].local = reinterpret_cast<char*>(local_.data() + static_cast<size_t>(t * local_elements_));
      threads_[t].local_written = local_written_.data() + static_cast<size_t>(t * local_elements_);
    }
    exchanged_.resize(static_cast<size_t>(kernel.lanes));
  }

  void run_group(int32_t group) {
    group_ = group;
    group_epoch_ = 0;
    warp_epoch_.assign(static_cast<size_t>(kernel_.warps), 0);
    std::fill(arena_written_.begin(), arena_written_.end(), uint8_t{0});
    std::fill(local_written_.begin(), local_written_.end(), uint8_t{0});
    if constexpr (find_races) races_[0].reset();
    for (int32_t t = 0; t < static_cast<int32_t>(threads_.size()); ++t) set_leaves(t);
    while (!run_to_group_barrier()) {
      ++group_epoch_;
      for (int32_t& epoch : warp_epoch_) ++epoch;
    }
  }

 private:
  void make_views(const std::vector<Memory>& memory) {
    size_t global = 0;
    for (const Buffer& b : kernel_.buffers) {
      View view{.elements = b.size};
      if (b.space == Space::global) {
        check(global < memory.size(), "kernel '{}' takes more than {} buffers", kernel_.name, memory.size());
        view.data = static_cast<char*>(memory[global].data);
        view.elements = memory[global].elements;
        if constexpr (find_races) {
          races_.emplace_back(view.elements);
          view.races = &races_.back();
        }
        ++global;
      } else if (b.space == Space::shared) {
        check(b.offset >= 0 && b.size >= 0 && b.offset + b.size <= kernel_.shared_elements,
              "shared buffer '{}' leaves the arena", b.name);
        view.data = reinterpret_cast<char*>(arena_.data() + b.offset);
        view.first = b.offset;
        view.is_written = arena_written_.data() + b.offset;
        if constexpr (find_races) view.races = &races_[0];
      } else {
        view.is_local = true;
        view.first = local_elements_;
        local_elements_ += b.size;
      }
      views_.push_back(view);
    }
    check(global == memory.size(), "kernel '{}' takes {} buffers, got {}", kernel_.name, global, memory.size());
  }

  void set_leaves(int32_t t) {
    threads_[t].position = 0;
    for (const auto& [slot, leaf] : program_.leaves) {
      Slot& s = threads_[t].slots[slot];
      s.l = 0;
      if (leaf.op == Op::constant && leaf.type == Type::f32) {
        s.f = leaf.fimm;
      } else if (leaf.op == Op::constant && leaf.type == Type::i64) {
        s.l = leaf.imm;
      } else if (leaf.op == Op::constant) {
        s.i = static_cast<int32_t>(leaf.imm);
      } else if (leaf.op == Op::scalar) {
        s.i = scalars_[static_cast<size_t>(leaf.imm)];
      } else {
        s.i = leaf.op == Op::group ? group_ : leaf.op == Op::warp ? t / kernel_.lanes : t % kernel_.lanes;
      }
    }
  }

  // Runs all warps until each waits for the group or has ended. Returns whether they have ended.
  bool run_to_group_barrier() {
    order_.begin_round();
    for (int32_t warp = order_.next_warp(); warp >= 0; warp = order_.next_warp()) {
      const int32_t first = warp * kernel_.lanes;
      for (const int32_t lane : order_.lanes(warp)) run(first + lane);
      const int32_t position = threads_[first].position;
      for (int32_t lane = 1; lane < kernel_.lanes; ++lane) {
        if (threads_[first + lane].position != position) fail_to_meet(first, first + lane);
      }
      const Decoded& d = program_.code[position];
      if (d.step == Step::finish || d.step == Step::barrier_group) {
        order_.retire(warp);
        continue;
      }
      if (d.step == Step::lanes_xor) exchange(first, d);
      const bool multiplies = d.step == Step::mma_tf32 || d.step == Step::mma_bf16;
      if (multiplies) multiply(first, &d);
      if (d.step == Step::barrier_warp) ++warp_epoch_[warp];
      for (int32_t lane = 0; lane < kernel_.lanes; ++lane) threads_[first + lane].position += multiplies ? 4 : 1;
    }
    const int32_t position = threads_[0].position;
    for (int32_t t = 1; t < static_cast<int32_t>(threads_.size()); ++t) {
      if (threads_[t].position != position) fail_to_meet(0, t);
    }
    if (program_.code[position].step == Step::finish) return true;
    for (Thread& thread : threads_) ++thread.position;
    return false;
  }

  void exchange(int32_t first, const Decoded& d) {
    for (int32_t lane = 0; lane < kernel_.lanes; ++lane) exchanged_[lane] = threads_[first + lane].slots[d.a];
    for (int32_t lane = 0; lane < kernel_.lanes; ++lane) {
      const auto other = static_cast<size_t>(lane ^ static_cast<int32_t>(d.imm));
      if (other >= exchanged_.size()) fail(d, first + lane, fmt::format("there is no lane {}", other));
      threads_[first + lane].slots[d.result] = exchanged_[other];
    }
  }

  // The four parts of a product of tensor cores, which stand one after another.
  void multiply(int32_t first, const Decoded* parts) {
    if (kernel_.lanes != lanes_of_mma) fail(*parts, first, fmt::format("{} lanes multiply", kernel_.lanes));
    for (int32_t lane = 0; lane < lanes_of_mma; ++lane) {
      const Slot* s = threads_[first + lane].slots;
      MmaLane& l = multiplied_[lane];
      for (int part = 0; part < 4; ++part) {
        l.a[part] = bits(s[parts[part].a].i);
        if (part < 2) l.b[part] = bits(s[parts[part].b].i);
        l.c[part] = s[parts[part].c].f;
      }
    }
    multiply_accumulate(multiplied_, parts->step == Step::mma_bf16);
    for (int32_t lane = 0; lane < lanes_of_mma; ++lane)
      for (int part = 0; part < 4; ++part)
        threads_[first + lane].slots[parts[part].result].f = multiplied_[lane].c[part];
  }

  [[noreturn]] void fail(const Decoded& d, int32_t t, const std::string& problem) const {
    throw InternalError(fmt::format("internal error: kernel '{}' instruction {} '{}' in group {} warp {} lane {}: {}",
                                    kernel_.name, d.source, describe(kernel_, d.source), group_, t / kernel_.lanes,
                                    t % kernel_.lanes, problem));
  }

  [[noreturn]] void fail_to_meet(int32_t a, int32_t b) const {
    const bool a_waits = program_.code[threads_[a].position].step != Step::finish;
    const int32_t waiting = a_waits ? a : b, other = a_waits ? b : a;
    const Decoded& there = program_.code[threads_[other].position];
    fail(program_.code[threads_[waiting].position], waiting,
         fmt::format("warp {} lane {} does not come here, it is at {}", other / kernel_.lanes, other % kernel_.lanes,
                     there.step == Step::finish
                         ? "the end of the kernel"
                         : fmt::format("instruction {} '{}'", there.source, describe(kernel_, there.source))));
  }

  int64_t element_of(const Decoded& d, const Slot* s, int32_t t) const {
    int64_t element = d.imm;
    if ((d.unused_operands & 1) == 0) element = wrap64(bits64(element) + bits64(s[d.a].l));
    if ((d.unused_operands & 2) == 0) element = wrap64(bits64(element) + bits64(s[d.b].i));
    const int64_t elements = views_[d.target].elements;
    if (element < 0 || element >= elements) {
      fail(d, t, fmt::format("element {} of '{}', which has {}", element, kernel_.buffers[d.target].name, elements));
    }
    return element;
  }

  Access access_of(int32_t t) const {
    const int32_t warp = t / kernel_.lanes;
    return {group_, warp, t, group_epoch_, warp_epoch_[warp]};
  }

  [[noreturn]] void fail_race(const Decoded& d, int32_t t, int64_t element, int32_t other) const {
    fail(d, t,
         fmt::format("a race on element {} of '{}' with warp {} lane {}: no barrier lies between, and one writes",
                     element, kernel_.buffers[d.target].name, other / kernel_.lanes, other % kernel_.lanes));
  }

  void load(const Decoded& d, Slot* s, int32_t t) {
    const View& view = views_[d.target];
    const Thread& thread = threads_[t];
    const int64_t element = element_of(d, s, t);
    const char* data = view.is_local ? thread.local + view.first * 4 : view.data;
    const uint8_t* written = view.is_local ? thread.local_written + view.first : view.is_written;
    if (written != nullptr && written[element] == 0) {
      fail(d, t,
           fmt::format("element {} of '{}' is read before it was written", element, kernel_.buffers[d.target].name));
    }
    if constexpr (find_races) {
      if (!view.is_local) {
        const int32_t other = view.races->read(view.first + element, access_of(t));
        if (other != RaceDetector::nobody) fail_race(d, t, element, other);
      }
    }
    if (d.step == Step::load) {
      std::memcpy(&s[d.result], data + element * 4, 4);
      return;
    }
    uint16_t half = 0;
    std::memcpy(&half, data + element * 2, 2);
    s[d.result].f = d.step == Step::load_f16 ? from_f16(half) : from_bf16(half);
  }

  void store(const Decoded& d, const Slot* s, int32_t t) {
    const View& view = views_[d.target];
    const Thread& thread = threads_[t];
    const int64_t element = element_of(d, s, t);
    char* data = view.is_local ? thread.local + view.first * 4 : view.data;
    uint8_t* written = view.is_local ? thread.local_written + view.first : view.is_written;
    if constexpr (find_races) {
      if (!view.is_local) {
        const int32_t other = view.races->write(view.first + element, access_of(t));
        if (other != RaceDetector::nobody) fail_race(d, t, element, other);
      }
    }
    if (written != nullptr) written[element] = 1;
    std::memcpy(data + element * 4, &s[d.c], 4);
  }

  // Runs thread `t` to its next synchronisation point, at which its position stays.
  void run(int32_t t) {
    Slot* const s = threads_[t].slots;
    const Decoded* const code = program_.code.data();
    const Decoded* at = code + threads_[t].position;
    for (;; ++at) {
      const Decoded& d = *at;
      switch (d.step) {
        case Step::add_f32: s[d.result].f = flush(flush(s[d.a].f) + flush(s[d.b].f)); break;
        case Step::add_i32: s[d.result].i = wrap(bits(s[d.a].i) + bits(s[d.b].i)); break;
        case Step::add_i64: s[d.result].l = wrap64(bits64(s[d.a].l) + bits64(s[d.b].l)); break;
        case Step::sub_f32: s[d.result].f = flush(flush(s[d.a].f) - flush(s[d.b].f)); break;
        case Step::sub_i32: s[d.result].i = wrap(bits(s[d.a].i) - bits(s[d.b].i)); break;
        case Step::sub_i64: s[d.result].l = wrap64(bits64(s[d.a].l) - bits64(s[d.b].l)); break;
        case Step::mul_f32: s[d.result].f = flush(flush(s[d.a].f) * flush(s[d.b].f)); break;
        case Step::mul_i32: s[d.result].i = wrap(bits(s[d.a].i) * bits(s[d.b].i)); break;
        case Step::mul_i64: s[d.result].l = wrap64(bits64(s[d.a].l) * bits64(s[d.b].l)); break;
        case Step::fma: s[d.result].f = flush(std::fma(flush(s[d.a].f), flush(s[d.b].f), flush(s[d.c].f))); break;
        case Step::div_f32: s[d.result].f = flush(flush(s[d.a].f) / flush(s[d.b].f)); break;
        case Step::div_i32:
        case Step::rem: {
          if (s[d.b].i == 0) fail(d, t, "division by zero");
          const uint32_t a = bits(s[d.a].i), b = bits(s[d.b].i);
          s[d.result].i = wrap(d.step == Step::rem ? a % b : a / b);
          break;
        }
        case Step::max_f32: {
          const float a = flush(s[d.a].f), b = flush(s[d.b].f);
          s[d.result].f = a > b ? a : b;
          break;
        }
        case Step::max_i32: s[d.result].i = std::max(s[d.a].i, s[d.b].i); break;
        case Step::min_f32: {
          const float a = flush(s[d.a].f), b = flush(s[d.b].f);
          s[d.result].f = a < b ? a : b;
          break;
        }
        case Step::min_i32: s[d.result].i = std::min(s[d.a].i, s[d.b].i); break;
        case Step::neg: s[d.result].i = s[d.a].i ^ std::numeric_limits<int32_t>::min(); break;
        case Step::abs: s[d.result].i = s[d.a].i & std::numeric_limits<int32_t>::max(); break;
        case Step::floor: s[d.result].f = std::floor(flush(s[d.a].f)); break;
        case Step::sqrt: s[d.result].f = std::sqrt(flush(s[d.a].f)); break;
        case Step::exp2: s[d.result].f = flush(std::exp2(flush(s[d.a].f))); break;
        case Step::rcp: s[d.result].f = flush(1.0f / flush(s[d.a].f)); break;
        case Step::band: s[d.result].i = s[d.a].i & s[d.b].i; break;
        case Step::bor: s[d.result].i = s[d.a].i | s[d.b].i; break;
        case Step::bxor: s[d.result].i = s[d.a].i ^ s[d.b].i; break;
        case Step::shl:
        case Step::shr: {
          const uint32_t a = bits(s[d.a].i), by = bits(s[d.b].i);
          if (by > 31) fail(d, t, fmt::format("a shift by {}", by));
          s[d.result].i = wrap(d.step == Step::shl ? a << by : a >> by);
          break;
        }
        case Step::lt_f32: s[d.result].i = flush(s[d.a].f) < flush(s[d.b].f); break;
        case Step::lt_i32: s[d.result].i = s[d.a].i < s[d.b].i; break;
        case Step::lt_i64: s[d.result].i = s[d.a].l < s[d.b].l; break;
        case Step::le_f32: s[d.result].i = flush(s[d.a].f) <= flush(s[d.b].f); break;
        case Step::le_i32: s[d.result].i = s[d.a].i <= s[d.b].i; break;
        case Step::le_i64: s[d.result].i = s[d.a].l <= s[d.b].l; break;
        case Step::eq_f32: s[d.result].i = flush(s[d.a].f) == flush(s[d.b].f); break;
        case Step::eq_i32: s[d.result].i = s[d.a].i == s[d.b].i; break;
        case Step::eq_i64: s[d.result].i = s[d.a].l == s[d.b].l; break;
        case Step::select: s[d.result] = s[d.a].i != 0 ? s[d.b] : s[d.c]; break;
        case Step::i32_to_f32: s[d.result].f = static_cast<float>(s[d.a].i); break;
        case Step::f32_to_i32: s[d.result].i = truncate(s[d.a].f); break;
        case Step::i32_to_i64: s[d.result].l = s[d.a].i; break;
        case Step::tf32: s[d.result].f = round_tf32(s[d.a].f); break;
        case Step::bf16_pair: s[d.result].i = bf16_pair(s[d.a].f, s[d.b].f); break;
        case Step::copy: s[d.result] = s[d.a]; break;
        case Step::loop:
          s[d.result].i = 0;
          if (s[d.a].i <= 0) at = code + d.target - 1;
          break;
        case Step::loop_end: {
          const int64_t next = s[d.result].i + d.imm;
          if (next < s[d.a].i) {
            s[d.result].i = static_cast<int32_t>(next);
            at = code + d.target - 1;
          }
          break;
        }
        case Step::when:
          if (s[d.a].i == 0) at = code + d.target - 1;
          break;
        case Step::again:
          if (s[d.a].i != 0) at = code + d.target - 1;
          break;
        case Step::load:
        case Step::load_f16:
        case Step::load_bf16: load(d, s, t); break;
        case Step::store: store(d, s, t); break;
        case Step::lanes_xor:
        case Step::mma_tf32:
        case Step::mma_bf16:
        case Step::barrier_warp:
        case Step::barrier_group:
        case Step::finish: threads_[t].position = static_cast<int32_t>(at - code); return;
      }
    }
  }

  const Kernel& kernel_;
  const Program program_;
  const std::vector<int32_t>& scalars_;
  Order order_;
  std::vector<Slot> slots_;
  std::vector<int32_t> arena_, local_;
  std::vector<uint8_t> arena_written_, local_written_;
  std::vector<RaceDetector> races_;  // of the arena, then of each global buffer
  std::vector<View> views_;
  int64_t local_elements_ = 0;  // of a thread
  std::vector<Thread> threads_;
  std::vector<Slot> exchanged_;
  std::array<MmaLane, lanes_of_mma> multiplied_;
  int32_t group_ = 0, group_epoch_ = 0;
  std::vector<int32_t> warp_epoch_;
};

template <bool find_races>
void run_groups(const Kernel& kernel, int32_t first, int32_t last, const std::vector<Memory>& memory,
                const std::vector<int32_t>& scalars, const InterpretOptions& options) {
  Interpreter<find_races> interpreter(kernel, memory, scalars, options);
  for (int32_t group = first; group < last; ++group) interpreter.run_group(group);
}

}  // namespace

void interpret(const Kernel& kernel, int32_t first_group, int32_t last_group, const std::vector<Memory>& memory,
               const std::vector<int32_t>& scalars, const InterpretOptions& options) {
  if (options.find_races) {
    run_groups<true>(kernel, first_group, last_group, memory, scalars, options);
  } else {
    run_groups<false>(kernel, first_group, last_group, memory, scalars, options);
  }
}

}  // namespace shoal::kernel
