// Multiply-add for targets without an instruction for it: the same bits as where there is one, in arithmetic of
// doubles. A library's function would be a call for each lane, and slower by far.
#include <fmt/format.h>

#include <string>

#include "compiler/emit/llvm_emitter.h"

namespace shoal::emit::ir {

using kernel::Type;

namespace {

// The product of two f32 is exact in a double. The sum is not: where it was rounded, and to an even last bit, it is
// moved by one to the odd neighbour on the side of the exact value ("round to odd"). Rounding that to f32 gives what
// rounding the exact value once gives, because a double has more than two bits more than twice f32's (Boldo and
// Melquiond, 2008).
std::string fma_text(Writer& out, bool is_vector) {
  const auto of = [&](const char* type) { return is_vector ? out.vector_of(type) : std::string(type); };
  const std::string f32 = of("float"), f64 = of("double"), i64 = of("i64"), pred = of("i1");
  const auto literal = [&](const char* number) {
    return is_vector ? fmt::format("splat (i64 {})", number) : std::string(number);
  };
  const auto wide = [&](const char* x) { return out.temporary(fmt::format("fpext {} {} to {}", f32, x, f64)); };
  const auto floats = [&](const char* op, const std::string& x, const std::string& y) {
    return out.temporary(fmt::format("{} {} {}, {}", op, f64, x, y));
  };
  const auto words = [&](const char* op, const std::string& x, const std::string& y) {
    return out.temporary(fmt::format("{} {} {}, {}", op, i64, x, y));
  };
  const auto bits = [&](const std::string& x) {
    return out.temporary(fmt::format("bitcast {} {} to {}", f64, x, i64));
  };
  const std::string product = floats("fmul", wide("%a"), wide("%b")), addend = wide("%c");
  const std::string sum = floats("fadd", product, addend);
  // What the sum lacks, exactly (Knuth's two-sum); NaN where the sum is infinite or NaN, and then nothing is moved.
  const std::string of_addend = floats("fsub", sum, product), of_product = floats("fsub", sum, of_addend);
  const std::string rest = floats("fadd", floats("fsub", product, of_product), floats("fsub", addend, of_addend));
  const std::string is_rounded =
      out.temporary(fmt::format("fcmp one {} {}, {}", f64, rest, is_vector ? "zeroinitializer" : "0.0"));
  const std::string all_ones = out.temporary(fmt::format("sext {} {} to {}", pred, is_rounded, i64));
  const std::string number = bits(sum);
  const std::string is_even = words("xor", words("and", number, literal("1")), literal("1"));
  const std::string step = words("and", all_ones, is_even);
  // Away from zero when the rest has the sum's sign, else towards it: (step ^ -1) + 1 is -step.
  const std::string towards_zero = words("lshr", words("xor", number, bits(rest)), literal("63"));
  const std::string minus = words("sub", literal("0"), towards_zero);
  const std::string move = words("sub", words("xor", step, minus), minus);
  const std::string odd = out.temporary(fmt::format("bitcast {} {} to {}", i64, words("add", number, move), f64));
  out.line(fmt::format("ret {} {}", f32, out.temporary(fmt::format("fptrunc {} {} to {}", f64, odd, f32))));
  return out.text();
}

}  // namespace

// A function of its own, because fifty instructions for each multiply-add would make kernels ten times as long; it
// leaves the caller's registers alone, so that a call costs hardly more than its work.
std::string Emitter::fma_by_doubles(bool is_vector, const std::string* operands) {
  const std::string type = is_vector ? out_.vector_type(Type::f32) : "float";
  const std::string name = is_vector ? "@shoal_fma_vector" : "@shoal_fma";
  std::string& function = called_[name];
  if (function.empty()) {
    Writer writer(kernel_.lanes);
    function = fmt::format("define internal preserve_allcc {0} {1}({0} %a, {0} %b, {0} %c) #0 {{\n{2}}}\n\n", type,
                           name, fma_text(writer, is_vector));
  }
  return fmt::format("call preserve_allcc {0} {1}({0} {2}, {0} {3}, {0} {4})", type, name, operands[0], operands[1],
                     operands[2]);
}

}  // namespace shoal::emit::ir
