// Verifies a kernel: declarations first, then every instruction on its own, then what needs uniformity.
#include <algorithm>
#include <set>

#include "compiler/kernel/legality.h"
#include "compiler/kernel/tensor.h"
#include "compiler/kernel/uniformity.h"
#include "compiler/support/error.h"

namespace shoal::kernel {

namespace {

// Far beyond what any device holds, and small enough that sums of sizes, offsets and indices do not overflow.
constexpr int64_t max_elements = int64_t{1} << 48, max_shared_elements = int64_t{1} << 28;
constexpr int64_t max_local_elements = int64_t{1} << 20, max_threads = 1 << 16;

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

class Verifier {
 public:
  Verifier(const Kernel& kernel, std::string_view after) : kernel_(kernel), after_(after) {}

  void run() {
    declarations();
    scope_of_.resize(kernel_.code.size());
    scopes_.assign(1, {.opener = -1, .open = true});
    open_.assign(1, 0);
    for (index_ = 0; index_ < static_cast<int32_t>(kernel_.code.size()); ++index_) {
      instruction(kernel_.code[index_]);
      if (pending_ > 0) --pending_;
    }
    if (open_.size() > 1) fail_at(scopes_[open_.back()].opener, "this bracket is not closed");
    if (pending_ > 0) fail_at(index_ - 1, "the wide group is not complete");
    divergence();
  }

 private:
  // A bracket's body; values belong to the scope in which they are defined.
  struct Scope {
    int32_t opener = -1;
    bool open = false;
  };

  template <typename... Args>
  [[noreturn]] void fail_at(int32_t index, fmt::format_string<Args...> format, Args&&... args) const {
    throw InternalError(fmt::format("internal error: kernel '{}' after {}: instruction {}: '{}': {}", kernel_.name,
                                    after_, index, describe(kernel_, index),
                                    fmt::format(format, std::forward<Args>(args)...)));
  }
  template <typename... Args>
  void expect(bool condition, fmt::format_string<Args...> format, Args&&... args) const {
    if (!condition) fail_at(index_, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void declare(bool condition, fmt::format_string<Args...> format, Args&&... args) const {
    if (condition) return;
    throw InternalError(fmt::format("internal error: kernel '{}' after {}: {}", kernel_.name, after_,
                                    fmt::format(format, std::forward<Args>(args)...)));
  }

  void declarations() const {
    declare(is_identifier(kernel_.name), "the name is no identifier");
    declare(kernel_.warps >= 1 && kernel_.lanes >= 1 && int64_t{kernel_.warps} * kernel_.lanes <= max_threads,
            "{} warps of {} lanes", kernel_.warps, kernel_.lanes);
    declare(kernel_.shared_elements >= 0 && kernel_.shared_elements <= max_shared_elements,
            "a shared arena of {} elements", kernel_.shared_elements);
    std::set<std::string> names(kernel_.scalars.begin(), kernel_.scalars.end());
    declare(names.size() == kernel_.scalars.size(), "two scalars have one name");
    for (const std::string& name : names) declare(is_identifier(name), "scalar '{}' is no identifier", name);
    bool globals_ended = false;
    for (const Buffer& b : kernel_.buffers) {
      declare(is_identifier(b.name), "buffer '{}' is no identifier", b.name);
      declare(names.insert(b.name).second, "a second argument or buffer '{}'", b.name);
      const bool read_only = b.space == Space::global && !b.written;
      const bool is_half = b.type == Type::f16 || b.type == Type::bf16;
      declare(b.type == Type::f32 || b.type == Type::i32 || (is_half && read_only), "{} buffer '{}' of type {}{}",
              space_name(b.space), b.name, type_name(b.type), b.written ? " is written" : "");
      declare((b.size > 0 || (b.size == 0 && b.space == Space::global)) && b.size <= max_elements &&
                  (b.space != Space::local || b.size <= max_local_elements),
              "buffer '{}' of size {}", b.name, b.size);
      globals_ended = globals_ended || b.space != Space::global;
      declare(b.space != Space::global || !globals_ended, "global buffer '{}' after one that is not", b.name);
      declare(b.space != Space::shared || (b.offset >= 0 && b.offset <= kernel_.shared_elements - b.size),
              "shared buffer '{}' at {} of size {} leaves the arena of {} elements", b.name, b.offset, b.size,
              kernel_.shared_elements);
    }
  }

  void instruction(const Instruction& i) {
    scope_of_[index_] = open_.back();
    operands(i);
    if (pending_ > 0) wide_element(i);
    switch (op_kind(i.op)) {
      case OpKind::leaf: leaf(i); break;
      case OpKind::arith: arith(i); break;
      case OpKind::variable: variable(i); break;
      case OpKind::control: control(i); break;
      case OpKind::memory: memory(i); break;
      case OpKind::lanes: lanes(i); break;
      case OpKind::tensor: tensor(i); break;
      case OpKind::sync:
        expect(i.imm == 0 || i.imm == 1, "the scope of a barrier is warp or group");
        expect(i.type == Type::none, "a barrier has no value");
        break;
    }
  }

  void operands(const Instruction& i) const {
    for (int a = 0; a < 3; ++a) {
      const int32_t value = i.args[a];
      if (a >= op_operands(i.op)) {
        expect(value < 0, "{} takes {} operands", op_name(i.op), op_operands(i.op));
        continue;
      }
      const bool optional =
          (op_kind(i.op) == OpKind::memory && a < 2) || (i.op == Op::mma && a == 1 && (i.imm == 2 || i.imm == 3));
      if (value < 0 && optional) continue;
      expect(value >= 0 && value < index_, "operand {} is no earlier value", a);
      expect(scopes_[scope_of_[value]].open, "operand %{} stands in a bracket that is closed", value);
      expect(kernel_.code[value].type != Type::none, "operand %{} has no value", value);
      const bool names_var = a == 0 && (i.op == Op::get || i.op == Op::set);
      const bool is_var = kernel_.code[value].op == Op::var;
      expect(!names_var || is_var, "operand %{} is no var", value);
      expect(names_var || !is_var, "operand %{} is a var, which only get and set may name", value);
    }
    const bool accesses = op_kind(i.op) == OpKind::memory;
    expect(accesses || (i.buffer < 0 && i.width == 1), "only loads and stores name a buffer and a width");
  }

  Type type(int32_t value) const { return value < 0 ? Type::none : kernel_.code[value].type; }

  void leaf(const Instruction& i) const {
    if (i.op == Op::constant) {
      expect(i.type != Type::none && i.type == loaded_type(i.type), "a constant has the type of a value");
      expect(i.type != Type::i32 || (i.imm >= INT32_MIN && i.imm <= INT32_MAX), "the constant does not fit in 32 bits");
      expect(i.type != Type::pred || i.imm == 0 || i.imm == 1, "a pred is 0 or 1");
      return;
    }
    expect(i.type == Type::i32, "the value is an i32");
    if (i.op == Op::scalar) {
      expect(i.imm >= 0 && i.imm < static_cast<int64_t>(kernel_.scalars.size()), "the kernel has {} scalars",
             kernel_.scalars.size());
    }
  }

  void arith(const Instruction& i) const {
    const Type legal = result_type(i.op, {type(i.args[0]), type(i.args[1]), type(i.args[2])});
    expect(legal != Type::none, "no {} of ({}, {}, {})", op_name(i.op), type_name(type(i.args[0])),
           type_name(type(i.args[1])), type_name(type(i.args[2])));
    expect(legal == i.type, "the value is of type {}", type_name(legal));
  }

  void variable(const Instruction& i) const {
    if (i.op == Op::set) {
      expect(i.type == Type::none, "a set has no value");
      expect(type(i.args[0]) == type(i.args[1]), "a {} var set to a {}", type_name(type(i.args[0])),
             type_name(type(i.args[1])));
    } else {
      expect(i.type == type(i.args[0]), "the value is of type {}", type_name(type(i.args[0])));
    }
  }

  void control(const Instruction& i) {
    expect(i.type == (i.op == Op::loop ? Type::i32 : Type::none), "only a loop has a value, its i32 counter");
    if (i.op == Op::when || i.op == Op::again) expect(type(i.args[0]) == Type::pred, "the operand is a pred");
    if (i.op == Op::loop) {
      expect(type(i.args[0]) == Type::i32, "the count is an i32");
      expect(i.imm > 0 && i.imm <= INT32_MAX, "the step is positive");
    }
    if (i.op == Op::end || i.op == Op::again) {
      const int32_t opener = scopes_[open_.back()].opener;
      expect(opener >= 0, "no bracket is open");
      if ((kernel_.code[opener].op == Op::repeat) != (i.op == Op::again)) {
        expect(false, "the innermost bracket is '{}'", describe(kernel_, opener));
      }
      scopes_[open_.back()].open = false;
      open_.pop_back();
    } else {
      open_.push_back(static_cast<int32_t>(scopes_.size()));
      scopes_.push_back({.opener = index_, .open = true});
      scope_of_[index_] = open_.back();  // a counter is seen in its body only
    }
  }

  void memory(const Instruction& i) {
    expect(i.buffer >= 0 && i.buffer < static_cast<int32_t>(kernel_.buffers.size()), "no buffer {}", i.buffer);
    const Buffer& buffer = kernel_.buffers[i.buffer];
    expect(i.args[0] < 0 || type(i.args[0]) == Type::i64, "the base is an i64");
    expect(i.args[1] < 0 || type(i.args[1]) == Type::i32, "the index is an i32");
    expect(i.imm > -max_elements && i.imm < max_elements, "no buffer is so large");
    const bool is_static = i.args[0] < 0 && i.args[1] < 0;
    expect(buffer.space != Space::local || is_static, "a local access has a constant index, in imm");
    if (is_static) {
      expect(i.imm >= 0 && (buffer.size == 0 || i.imm < buffer.size), "the index is outside the {} elements",
             buffer.size);
    }
    if (i.op == Op::load) {
      expect(i.type == loaded_type(buffer.type), "the element is of type {}", type_name(buffer.type));
    } else {
      expect(i.type == Type::none, "a store has no value");
      expect(type(i.args[2]) == buffer.type, "the element is of type {}", type_name(buffer.type));
      expect(buffer.written, "the buffer is not marked as written");
    }
    expect(i.width == 0 || i.width == 1 || i.width == 2 || i.width == 4, "a width is 1, 2 or 4");
    expect(i.width != 0 || pending_ > 0, "width 0 outside a wide group");
    if (i.width > 1) {
      expect(!is_static || (buffer.offset % i.width + i.imm) % i.width == 0, "the wide access is not aligned");
      pending_ = i.width;
      head_ = index_;
    }
  }

  // The elements of a wide group follow its head and differ in imm (and, stores, in the value) only.
  void wide_element(const Instruction& i) const {
    const Instruction& head = kernel_.code[head_];
    const bool follows = i.op == head.op && i.width == 0 && i.buffer == head.buffer && i.args[0] == head.args[0] &&
                         i.args[1] == head.args[1] && i.imm == head.imm + (index_ - head_);
    if (!follows) expect(false, "not the next element of the wide group '{}'", describe(kernel_, head_));
  }

  void lanes(const Instruction& i) const {
    expect(i.type == type(i.args[0]), "the value is of type {}", type_name(type(i.args[0])));
    expect(i.imm > 0 && (i.imm & (i.imm - 1)) == 0 && i.imm <= max_threads && kernel_.lanes % (2 * i.imm) == 0,
           "the mask pairs no {} lanes", kernel_.lanes);
  }

  // The four parts of a product stand together, so that no part's operand is another part's result.
  void tensor(const Instruction& i) const {
    expect(kernel_.lanes == lanes_of_mma, "{} lanes multiply together, the warp has {}", lanes_of_mma, kernel_.lanes);
    expect(i.imm >= 0 && i.imm <= 3, "a product has the parts 0 to 3");
    const int64_t head = index_ - i.imm;
    expect(head >= 0 && head + 4 <= static_cast<int64_t>(kernel_.code.size()), "the product is not complete");
    for (int part = 0; part < 4; ++part) {
      const Instruction& other = kernel_.code[head + part];
      expect(other.op == Op::mma && other.imm == part, "the product is not complete");
    }
    const Type from = type(kernel_.code[head].args[0]);
    expect(from == Type::f32 || from == Type::i32, "a product of {}", type_name(from));
    for (int32_t value : i.args) expect(value < head, "an operand of a product is another part of it");
    expect((i.args[1] >= 0) == (i.imm < 2), "parts 0 and 1 have a register of B");
    expect(type(i.args[0]) == from && (i.args[1] < 0 || type(i.args[1]) == from) && type(i.args[2]) == Type::f32 &&
               i.type == Type::f32,
           "no mma of ({}, {}, {})", type_name(type(i.args[0])), type_name(type(i.args[1])),
           type_name(type(i.args[2])));
  }

  void divergence() {
    const Uniformity uniform = uniformity(kernel_);
    for (index_ = 0; index_ < static_cast<int32_t>(kernel_.code.size()); ++index_) {
      const Instruction& i = kernel_.code[index_];
      if (i.op == Op::loop) {
        expect(uniform.value[i.args[0]] != Extent::thread, "the count differs between the threads of a warp");
      } else if (i.op == Op::lanes_xor || i.op == Op::mma || (i.op == Op::barrier && i.imm == 0)) {
        expect(uniform.control[index_] != Extent::thread, "not all threads of the warp come here");
      } else if (i.op == Op::barrier) {
        expect(uniform.control[index_] == Extent::group, "not all threads of the group come here");
      }
    }
  }

  const Kernel& kernel_;
  std::string_view after_;
  int32_t index_ = 0;
  std::vector<int32_t> scope_of_;
  std::vector<Scope> scopes_;
  std::vector<int32_t> open_;
  int32_t head_ = -1;    // of the wide group that is going on
  int32_t pending_ = 0;  // elements of it that are still to come, the current one included
};

}  // namespace

void verify(const Kernel& kernel, std::string_view after) { Verifier(kernel, after).run(); }

}  // namespace shoal::kernel
