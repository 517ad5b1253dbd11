// Emits a kernel as CUDA C++: walks the instructions once, in order, and writes each value where its only user needs
// it.
//
// A value used once, in the bracket that defines it, stays PENDING as expression text until its user takes it. Pending
// text that reads mutable state (a var, a local register, memory) is written out as a variable of its own just before
// that state may change, so the order of reads and writes is the kernel's.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/emit/cuda_accesses.h"
#include "compiler/emit/cuda_constants.h"
#include "compiler/emit/cuda_expression.h"
#include "compiler/emit/cuda_functions.h"
#include "compiler/emit/cuda_names.h"
#include "compiler/emit/cuda_uses.h"
#include "compiler/emit/cuda_values.h"
#include "compiler/emit/emit.h"
#include "compiler/support/error.h"

namespace shoal::emit {
namespace {

using kernel::Buffer;
using kernel::Instruction;
using kernel::Op;
using kernel::Space;
using kernel::Type;

// Keys of mutable state in Expression::reads: a var is its instruction's index, the rest stands outside that range.
constexpr int64_t global_memory = -1;
int64_t local_element(int32_t buffer, int64_t element) { return (int64_t{buffer} + 1) << 40 | element; }

std::string_view component(int64_t n) { return std::string_view("xyzw").substr(static_cast<size_t>(n), 1); }

class CudaEmitter : private CudaValues {
 public:
  // `callable`: as a device function instead of a kernel.
  CudaEmitter(const kernel::Kernel& kernel, bool callable, int resident)
      : CudaValues(kernel),
        callable_(callable),
        resident_(resident),
        held_(held_constants(kernel)),
        renewed_behind_(!callable && renews_behind_steps(kernel) ? end_of_steps(kernel) : -1) {
    for (const Instruction& in : kernel.code)
      if (in.buffer >= 0) used_buffers_.insert(in.buffer);
  }

  std::string run() {
    check(names_.unique(kernel_.name) == kernel_.name, "kernel name '{}' is no CUDA identifier", kernel_.name);
    check(kernel_.lanes == 32 || (kernel_.warps == 1 && kernel_.lanes < 32), "a CUDA kernel with {} warps of {} lanes",
          kernel_.warps, kernel_.lanes);
    write_signature();
    write_prologue();
    for (size_t i = 0; i < kernel_.code.size(); i++) instruction(static_cast<int32_t>(i));
    if (renewed_behind_ >= 0) close("");
    if (callable_ && kernel_.lanes > 1) line("__syncwarp();");
    return text_ + "}\n";
  }

 private:
  const Buffer& buffer_of(const Instruction& in) const { return kernel_.buffers[in.buffer]; }

  // ---- before the body

  void write_signature() {
    text_ = comment_lines(kernel_.header);
    text_ += cuda_functions(kernel_, callable_);
    std::vector<std::string> parameters;
    buffer_names_.resize(kernel_.buffers.size());
    for (size_t b = 0; b < kernel_.buffers.size(); b++) {
      const Buffer& buffer = kernel_.buffers[b];
      buffer_names_[b] = names_.unique(buffer.name);
      if (buffer.space != Space::global) continue;
      // Only buffers that nobody writes promise not to alias: a caller may bind one allocation to two written
      // arguments.
      const char* format = buffer.written ? "{0}* {1}" : "const {0}* __restrict__ {1}";
      parameters.push_back(fmt::format(fmt::runtime(format), c_type(buffer.type), buffer_names_[b]));
    }
    for (const std::string& scalar : kernel_.scalars) {
      scalar_names_.push_back(names_.unique(scalar));
      parameters.push_back("int " + scalar_names_.back());
    }
    if (callable_) {
      for (const char* own : {"int group", "int lane"}) parameters.emplace_back(own);
      if (kernel_.shared_elements > 0) parameters.emplace_back("float4* shoal_arena");
      text_ += fmt::format("__device__ __forceinline__ void {}(", kernel_.name);
    } else {
      const std::string blocks = resident_ > 0 ? fmt::format(", {}", resident_) : "";
      text_ += fmt::format("extern \"C\" __global__ void __launch_bounds__({}{}) {}(", kernel_.warps * kernel_.lanes,
                           blocks, kernel_.name);
    }
    for (size_t p = 0; p < parameters.size(); p++) text_ += (p ? ",\n    " : "\n    ") + parameters[p];
    text_ += ") {\n";
  }

  void write_place(const char* block, const char* thread) {
    const auto used = [&](Op op) {
      return std::any_of(kernel_.code.begin(), kernel_.code.end(), [&](const Instruction& in) { return in.op == op; });
    };
    if (used(Op::group) && !callable_) line("const int group = {};", block);
    if (used(Op::warp) && kernel_.warps > 1) line("const int warp = {} / {};", thread, kernel_.lanes);
    if (used(Op::lane) && !callable_)
      line("const int lane = {}{};", thread, kernel_.warps > 1 ? fmt::format(" % {}", kernel_.lanes) : "");
  }

  void write_prologue() {
    const auto in_shared = [&](int32_t b) { return kernel_.buffers[b].space == Space::shared; };
    write_place("(int)blockIdx.x", "(int)threadIdx.x");
    if (std::any_of(used_buffers_.begin(), used_buffers_.end(), in_shared)) {
      if (!callable_) line("extern __shared__ float4 shoal_arena[];");
      line("const unsigned arena = (unsigned)__cvta_generic_to_shared(shoal_arena);");
    }
    for (int32_t b : used_buffers_) {
      const Buffer& buffer = kernel_.buffers[b];
      if (in_shared(b))
        line("constexpr int {} = {};  // {} elements", buffer_names_[b], buffer.offset * 4, buffer.size);
    }
    for (const auto& [bits, number] : held_)  // no count of steps is so negative, which the compiler cannot know
      line("const float k{} = __int_as_float(0x{:08x} + ({} == -2147483647 - 1));", number, bits, scalar_names_.at(0));
    declare_local_registers();
  }

  // Local arrays are only accessed at constant indices: one scalar for each element that the code names.
  void declare_local_registers() {
    std::set<std::pair<int32_t, int64_t>> elements;
    for (const Instruction& in : kernel_.code)
      if (in.buffer >= 0 && buffer_of(in).space == Space::local) elements.insert({in.buffer, in.imm});
    constexpr int per_line = 8;
    std::string names;
    int count = 0;
    for (auto it = elements.begin(); it != elements.end(); ++it) {
      const auto [b, element] = *it;
      std::string register_name = names_.unique(fmt::format("{}_{}", buffer_names_[b], element));
      names += (count++ ? ", " : "") + register_name;
      registers_[local_element(b, element)] = std::move(register_name);
      const auto next = std::next(it);
      if (count < per_line && next != elements.end() && next->first == b) continue;
      line("{} {};", c_type(kernel_.buffers[b].type), names);
      names.clear();
      count = 0;
    }
  }

  // ---- arithmetic

  bool is_byte_counter(int32_t value) const { return in_bytes_[value] && code(value).op == Op::loop; }
  static Expression byte_counter(int32_t loop) { return name(fmt::format("b{}", loop)); }

  // Four times operand n, which may be a byte offset already.
  Expression times_four(const Instruction& in, int n) {
    Expression e = is_byte_counter(in.args[n]) ? byte_counter(in.args[n]) : arg(in, n);
    if (in_bytes_[in.args[n]]) return e;
    if (e.is_literal) return int_literal(e.literal * 4);
    return binary(as_unsigned(e), "*", int_literal(4), Precedence::product);
  }

  Expression byte_offset(int32_t i) {
    const Instruction& in = code(i);
    Expression e;
    if (in.op == Op::mul) {
      const bool scaled = is_byte_counter(in.args[0]);
      e = binary(as_unsigned(scaled ? byte_counter(in.args[0]) : arg(in, 0)), "*",
                 int_literal(static_cast<int32_t>(code(in.args[1]).imm * (scaled ? 1 : 4))), Precedence::product);
      pending_.erase(in.args[1]);
    } else {
      const Expression a = as_unsigned(times_four(in, 0)), b = as_unsigned(times_four(in, 1));
      e = in.op == Op::add    ? binary(a, "+", b, Precedence::sum)
          : in.op == Op::sub  ? binary(a, "-", b, Precedence::sum)
          : in.op == Op::bxor ? binary(a, "^", b, Precedence::bits)
                              : binary(a, "|", b, Precedence::bits);
    }
    e.is_unsigned = true;
    return e;
  }

  Expression integer(int32_t i, const char* op, Precedence level) {
    const Instruction& in = code(i);
    Expression a = arg(in, 0), b = arg(in, 1);
    if (code(in.args[0]).type != Type::i32) return binary(a, op, b, level);
    if (in.op == Op::add && a.is_literal && a.literal == 0) return b;
    if (in.op == Op::add && b.is_literal && b.literal == 0) return a;
    if (ranges_[i].exact) return binary(as_signed(a), op, as_signed(b), level);
    Expression e = binary(as_unsigned(a), op, as_unsigned(b), level);  // wraps: signed overflow would be undefined
    e.is_unsigned = true;
    return e;
  }

  Expression shift(int32_t i, const char* op) {
    const Instruction& in = code(i);
    const Expression a = arg(in, 0), amount = as_signed(arg(in, 1));
    if (ranges_[i].exact) return binary(as_signed(a), op, amount, Precedence::shift);
    Expression e = binary(as_unsigned(a), op, amount, Precedence::shift);
    e.is_unsigned = true;
    return e;
  }

  Expression bits(const Instruction& in, const char* op) {
    const Expression a = arg(in, 0), b = arg(in, 1);
    if (!a.is_unsigned && !b.is_unsigned) return binary(a, op, b, Precedence::bits);
    Expression e = binary(as_unsigned(a), op, as_unsigned(b), Precedence::bits);
    e.is_unsigned = true;
    return e;
  }

  Expression compare(const Instruction& in, const char* op, Precedence level) {
    const Expression a = arg(in, 0), b = arg(in, 1);
    if (in.op == Op::eq && (a.is_unsigned || b.is_unsigned)) return binary(as_unsigned(a), op, as_unsigned(b), level);
    return binary(as_signed(a), op, as_signed(b), level);
  }

  Expression extremum(const Instruction& in, const char* op) {
    // Against a constant, one instruction gives the same number (of a zero perhaps the other sign) and keeps what is
    // no number.
    const Instruction& first = code(in.args[0]);
    if (in.type == Type::f32 && first.op == Op::constant && first.fimm == first.fimm)
      return call(in.op == Op::max ? "shoal_max" : "shoal_min", {arg(in, 0), arg(in, 1)});
    const Expression a = as_signed(atom(in.args[0])), b = as_signed(atom(in.args[1]));
    return conditional(binary(a, op, b, Precedence::relation), a, b);
  }

  Expression select(const Instruction& in) {
    // A load below ?: would become conditional, and cost a branch where a select is free.
    for (int n : {1, 2})
      if (values_[in.args[n]].reads_memory) materialise(in.args[n]);
    const Expression predicate = arg(in, 0), yes = arg(in, 1), no = arg(in, 2);
    return conditional(predicate, as_signed(yes), as_signed(no));
  }

  Expression to_f32(const Instruction& in) {
    const Expression a = arg(in, 0);
    if (code(in.args[0]).type == Type::pred) return conditional(a, float_literal(1), float_literal(0));
    return prefix("(float)", as_signed(a));
  }
  Expression to_i32(const Instruction& in) {
    const Expression a = arg(in, 0);
    if (code(in.args[0]).type == Type::pred) return prefix("(int)", a);
    return call("__float2int_rz", {a});
  }

  Expression constant(const Instruction& in) const {
    switch (in.type) {
      case Type::f32: {
        const auto held = held_.find(std::bit_cast<uint32_t>(in.fimm));
        return held == held_.end() ? float_literal(in.fimm) : name(fmt::format("k{}", held->second));
      }
      case Type::i32: return int_literal(static_cast<int32_t>(in.imm));
      case Type::i64: return long_literal(in.imm);
      case Type::pred: return name(in.imm ? "true" : "false");
      case Type::f16:
      case Type::bf16:
      case Type::none: break;
    }
    throw InternalError("internal error: a constant without a value's type");
  }

  // ---- memory

  // "arena + index, array + constant": an address of shared memory in bytes, and what its instruction adds to it.
  std::string shared_address(const Instruction& in) {
    check(in.args[0] < 0, "a base into shared memory");
    const Expression index = in.args[1] >= 0 ? times_four(in, 1) : int_literal(0);
    const int64_t bytes = 4 * in.imm + (index.is_literal ? index.literal : 0);
    std::string text = index.is_literal ? "arena" : "arena + " + operand(index, Precedence::sum);
    text += ", " + buffer_names_[in.buffer];
    if (bytes != 0) text += fmt::format(" {} {}", bytes < 0 ? '-' : '+', bytes < 0 ? -bytes : bytes);
    return text;
  }

  // "array + (base + index), constant": the same of global memory, whose elements have 4 bytes.
  std::string global_address(const Instruction& in) {
    const bool apart = in.imm <= INT32_MAX / 4 && in.imm >= INT32_MIN / 4;
    const bool alone = in.args[0] < 0 && in.args[1] < 0;
    const std::string index =
        alone && apart ? "" : " + " + operand(global_index(in, apart ? 0 : in.imm), Precedence::product);
    return fmt::format("{}{}, {}", buffer_names_[in.buffer], index, apart ? 4 * in.imm : 0);
  }
  std::string ptx_address(const Instruction& in) {
    return buffer_of(in).space == Space::shared ? shared_address(in) : global_address(in);
  }

  void ptx_load(int32_t i) {
    const Instruction& in = code(i);
    if (std::all_of(uses_.begin() + i, uses_.begin() + i + in.width, [](int uses) { return uses == 0; })) return;
    std::string names;
    for (int n = 0; n < in.width; n++) {
      values_[i + n] = name(fmt::format("v{}", i + n));
      names += values_[i + n].text + ", ";
    }
    line("{}({}{});", access_function(in.op, buffer_of(in), in.width), names, ptx_address(in));
  }

  void ptx_store(const Instruction& in, const std::string& address, const std::vector<Expression>& stored) {
    std::string text = address;
    for (const Expression& e : stored) text += ", " + e.text;
    line("{}({});", access_function(in.op, buffer_of(in), in.width), text);
  }

  // base + index + imm
  Expression global_index(const Instruction& in, int64_t imm) {
    Expression index;
    bool empty = true;
    const auto add = [&](const Expression& e) {
      index = empty ? e : binary(index, "+", e, Precedence::sum);
      empty = false;
    };
    if (in.args[0] >= 0) add(arg(in, 0));
    if (in.args[1] >= 0) add(as_signed(arg(in, 1)));
    if (imm == 0 && !empty) return index;
    const Expression offset = name(fmt::format("{}{}", empty || imm > 0 ? imm : -imm, imm_suffix(in)));
    return empty ? offset : binary(index, imm < 0 ? "-" : "+", offset, Precedence::sum);
  }

  // name[base + index + imm]
  Expression element(const Instruction& in) {
    const Expression index = global_index(in, in.imm);
    Expression e = name(buffer_names_[in.buffer] + "[" + index.text + "]");
    merge_reads(e, index);
    return e;
  }

  // index + imm is an int sum unless it might leave the ints: an index inside a small buffer cannot.
  std::string_view imm_suffix(const Instruction& in) const {
    if (in.imm > INT32_MAX || in.imm < -INT32_MAX) return "LL";
    if (in.args[0] >= 0 || in.args[1] < 0) return "";
    const int64_t size = buffer_of(in).size;
    if (size > 0 && size <= INT32_MAX) return "";
    const kernel::Range& range = ranges_[in.args[1]].range;
    return range.high + in.imm <= INT32_MAX && range.low + in.imm >= INT32_MIN ? "" : "LL";
  }

  void load(int32_t i) {
    const Instruction& in = code(i);
    if (in.width == 0 && buffer_of(in).space != Space::local) return;  // defined with the first of its group
    Expression e;
    if (buffer_of(in).space == Space::local) {
      e = name(registers_.at(local_element(in.buffer, in.imm)));
      e.reads.push_back(local_element(in.buffer, in.imm));
      return define(i, std::move(e));
    }
    if (is_ptx_access(buffer_of(in), in.width, callable_)) return ptx_load(i);
    e = element(in);
    if (in.width > 1)
      return wide_load(i, fmt::format("*(const {}*)&{}", c_vector(buffer_of(in).type, in.width), e.text));
    e = converted(buffer_of(in).type, e);
    e.reads_memory = true;
    e.reads.push_back(global_memory);
    define(i, std::move(e));
  }

  void wide_load(int32_t i, const std::string& element) {
    const Type stored = buffer_of(code(i)).type;
    line("const {} q{} = {};", c_vector(stored, code(i).width), i, element);
    for (int n = 0; n < code(i).width; n++) {
      values_[i + n] = converted(stored, name(fmt::format("q{}.{}", i, component(n))));
      if (stored != loaded_type(stored) && uses_[i + n] > 0) materialise(i + n);
    }
  }

  // What a load makes of an element: the prologue's functions widen those of 16 bits.
  static Expression converted(Type element, const Expression& e) {
    return element == loaded_type(element) ? e : call(element == Type::f16 ? "shoal_f16" : "shoal_bf16", {e});
  }

  void store(int32_t i) {
    const Instruction& in = code(i);
    const Buffer& buffer = buffer_of(in);
    if (buffer.space == Space::local) {
      const Expression value = as_signed(arg(in, 2));
      flush_readers_of(local_element(in.buffer, in.imm));
      return line("{} = {};", registers_.at(local_element(in.buffer, in.imm)), value.text);
    }
    if (in.width == 0) return;  // written with the first of its group
    const bool ptx = is_ptx_access(buffer, in.width, callable_);
    const std::string target = ptx ? ptx_address(in) : element(in).text;
    std::vector<Expression> stored;
    for (int n = 0; n < in.width; n++) stored.push_back(as_signed(arg(code(i + n), 2)));
    flush_readers_of(global_memory);
    if (ptx) return ptx_store(in, target, stored);
    if (in.width == 1) return line("{} = {};", target, stored[0].text);
    const std::string vector = c_vector(buffer.type, in.width);
    line("*({}*)&{} = {};", vector, target, call(("make_" + vector).c_str(), stored).text);
  }

  // ---- structure

  void loop(int32_t i) {
    const Expression count = as_signed(atom(code(i).args[0]));  // C tests it every time: nothing that could change
    flush_all_readers();
    line("#pragma unroll 1");
    const bool bytes = in_bytes_[i];
    const int64_t step = code(i).imm * (bytes ? 4 : 1);
    const std::string counter = fmt::format("{}{}", bytes ? "b" : "i", i);
    values_[i] = name(counter);
    if (bytes) values_[i] = binary(values_[i], ">>", int_literal(2), Precedence::shift);
    const std::string next = step == 1 ? counter + "++" : fmt::format("{} += {}", counter, step);
    const Expression limit = bytes ? int_literal(count.literal * 4) : count;
    open(fmt::format("for (int {0} = 0; {0} < {1}; {2})", counter, operand(limit, Precedence::sum), next));
  }

  // Addresses of before the steps are computed anew behind them: kept, each array's is two registers that the steps
  // lack, or a spill. A place that is read again is none that the compiler knows.
  void end(int32_t i) {
    close("");
    if (i != renewed_behind_) return;
    open("");
    write_place("shoal_block_again()", "shoal_thread_again()");
    write_renewed();
  }

  void repeat(int32_t i) {
    flush_all_readers();
    line("bool again{};", i);  // a variable of the body would be out of scope in the condition
    repeats_.push_back(i);
    open("do");
  }

  void again(const Instruction& in) {
    const std::string flag = fmt::format("again{}", repeats_.back());
    repeats_.pop_back();
    line("{} = {};", flag, arg(in, 0).text);
    close(fmt::format(" while ({});", flag));
  }

  void lanes_xor(int32_t i) {
    const Instruction& in = code(i);
    Expression value = arg(in, 0);
    const bool pred = in.type == Type::pred;
    const std::string text = pred ? "(int)" + operand(value, Precedence::unary) : value.text;
    line("const {} v{} = __shfl_xor_sync(0xffffffffu, {}, {}){};", value.is_unsigned ? "unsigned" : c_type(in.type), i,
         text, in.imm, pred ? " != 0" : "");
    values_[i] = name(fmt::format("v{}", i));
    values_[i].is_unsigned = value.is_unsigned;
  }

  // The call stands where the first of the four parts does.
  void mma(int32_t i) {
    if (code(i).imm != 0) return;
    std::string arguments[3];
    for (int operand = 0; operand < 3; ++operand)
      for (int part = 0; part < (operand == 1 ? 2 : 4); ++part)
        arguments[operand] += ", " + as_signed(arg(code(i + part), operand)).text;
    line("float v{}, v{}, v{}, v{};", i, i + 1, i + 2, i + 3);
    line("shoal_mma_{}(v{}, v{}, v{}, v{}{}{}{});", code(code(i).args[0]).type == Type::f32 ? "tf32" : "bf16", i, i + 1,
         i + 2, i + 3, arguments[0], arguments[1], arguments[2]);
    for (int part = 0; part < 4; ++part) values_[i + part] = name(fmt::format("v{}", i + part));
  }

  void instruction(int32_t i) {
    const Instruction& in = code(i);
    const bool f32 = in.type == Type::f32;
    if (in_bytes_[i] && in.op != Op::loop) return define(i, byte_offset(i));
    switch (in.op) {
      case Op::constant: return define(i, constant(in));
      case Op::scalar: return define(i, name(scalar_names_.at(static_cast<size_t>(in.imm))));
      case Op::group: return define(i, name("group"));
      case Op::warp: return define(i, kernel_.warps > 1 ? name("warp") : int_literal(0));
      case Op::lane: return define(i, name("lane"));
      case Op::add: return define(i, integer(i, "+", Precedence::sum));
      case Op::sub: return define(i, integer(i, "-", Precedence::sum));
      case Op::mul: return define(i, integer(i, "*", Precedence::product));
      case Op::fma: return define(i, call("shoal_fma", {arg(in, 0), arg(in, 1), arg(in, 2)}));
      case Op::div:
        if (f32) return define(i, call("shoal_div", {arg(in, 0), arg(in, 1)}));
        return define(i, integer(i, "/", Precedence::product));
      case Op::rem: return define(i, integer(i, "%", Precedence::product));
      case Op::max: return define(i, extremum(in, ">"));
      case Op::min: return define(i, extremum(in, "<"));
      case Op::neg: return define(i, prefix("-", arg(in, 0)));
      case Op::abs: return define(i, call("fabsf", {arg(in, 0)}));
      case Op::floor: return define(i, call("floorf", {arg(in, 0)}));
      case Op::sqrt: return define(i, call("shoal_sqrt", {arg(in, 0)}));
      case Op::exp2: return define(i, call("shoal_exp2", {arg(in, 0)}));
      case Op::rcp: return define(i, call("shoal_rcp", {arg(in, 0)}));
      case Op::band: return define(i, bits(in, "&"));
      case Op::bor: return define(i, bits(in, "|"));
      case Op::bxor: return define(i, bits(in, "^"));
      case Op::shl: return define(i, shift(i, "<<"));
      case Op::shr: return define(i, shift(i, ">>"));
      case Op::lt: return define(i, compare(in, "<", Precedence::relation));
      case Op::le: return define(i, compare(in, "<=", Precedence::relation));
      case Op::eq: return define(i, compare(in, "==", Precedence::equality));
      case Op::select: return define(i, select(in));
      case Op::to_f32: return define(i, to_f32(in));
      case Op::to_i32: return define(i, to_i32(in));
      case Op::to_i64: return define(i, prefix("(long long)", as_signed(arg(in, 0))));
      case Op::bits_f32: {
        const Expression a = arg(in, 0);
        return define(i, call(a.is_unsigned ? "__uint_as_float" : "__int_as_float", {a}));
      }
      case Op::bits_i32: return define(i, call("__float_as_int", {arg(in, 0)}));
      case Op::tf32: return define(i, call("shoal_tf32", {arg(in, 0)}));
      case Op::bf16_pair: return define(i, call("shoal_bf16_pair", {arg(in, 0), arg(in, 1)}));
      case Op::var: return line("{} x{} = {};", c_type(in.type), i, as_signed(arg(in, 0)).text);
      case Op::get: {
        Expression e = name(fmt::format("x{}", in.args[0]));
        e.reads.push_back(in.args[0]);
        return define(i, std::move(e));
      }
      case Op::set: {
        const Expression value = as_signed(arg(in, 1));
        flush_readers_of(in.args[0]);
        return line("x{} = {};", in.args[0], value.text);
      }
      case Op::loop: return loop(i);
      case Op::when: {
        const Expression predicate = arg(in, 0);
        flush_all_readers();
        return open(fmt::format("if ({})", predicate.text));
      }
      case Op::repeat: return repeat(i);
      case Op::again: return again(in);
      case Op::end: return end(i);
      case Op::load: return load(i);
      case Op::store: return store(i);
      case Op::lanes_xor: return lanes_xor(i);
      case Op::mma: return mma(i);
      case Op::barrier:
        flush_readers_of(global_memory);
        return line("{}", in.imm && !callable_ ? "__syncthreads();" : "__syncwarp();");
    }
  }

  const bool callable_;
  const int resident_;
  const std::map<uint32_t, int> held_;
  const int32_t renewed_behind_;  // the end of the steps behind which addresses are computed anew; -1: none are
  std::set<int32_t> used_buffers_;
  CudaNames names_;
  std::vector<std::string> buffer_names_, scalar_names_;
  std::map<int64_t, std::string> registers_;
  std::vector<int32_t> repeats_;
};

}  // namespace

std::string cuda(const kernel::Kernel& kernel, int resident) { return CudaEmitter(kernel, false, resident).run(); }

std::string cuda_device_function(const kernel::Kernel& kernel) {
  check(kernel.warps == 1, "a device function of {} warps", kernel.warps);
  return CudaEmitter(kernel, true, 0).run();
}

}  // namespace shoal::emit
