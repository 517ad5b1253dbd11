// Multiply-add for targets without an instruction for it: the same bits as where there is one, in arithmetic of
// doubles. A library's function would be a call for each lane, and slower by far.
#include <fmt/format.h>

#include <string>

#include "compiler/emit/llvm_emitter.h"

namespace shoal::emit::ir {

using kernel::Type;

// The product of two f32 is exact in a double. The sum is not: where it was rounded, and to an even last bit, it is
// moved by one to the odd neighbour on the side of the exact value ("round to odd"). Rounding that to f32 gives what
// rounding the exact value once gives, because a double has more than two bits more than twice f32's (Boldo and
// Melquiond, 2008).
std::string Emitter::fma_by_doubles(bool is_vector, const std::string* operands) {
  const auto of = [&](const char* type) { return is_vector ? out_.vector_of(type) : std::string(type); };
  const std::string f32 = of("float"), f64 = of("double"), i64 = of("i64"), pred = of("i1");
  const auto literal = [&](const char* number) {
    return is_vector ? fmt::format("splat (i64 {})", number) : std::string(number);
  };
  const auto wide = [&](const std::string& x) { return out_.temporary(fmt::format("fpext {} {} to {}", f32, x, f64)); };
  const auto floats = [&](const char* op, const std::string& x, const std::string& y) {
    return out_.temporary(fmt::format("{} {} {}, {}", op, f64, x, y));
  };
  const auto words = [&](const char* op, const std::string& x, const std::string& y) {
    return out_.temporary(fmt::format("{} {} {}, {}", op, i64, x, y));
  };
  const auto bits = [&](const std::string& x) {
    return out_.temporary(fmt::format("bitcast {} {} to {}", f64, x, i64));
  };
  const std::string product = floats("fmul", wide(operands[0]), wide(operands[1])), addend = wide(operands[2]);
  const std::string sum = floats("fadd", product, addend);
  // What the sum lacks, exactly (Knuth's two-sum); NaN where the sum is infinite or NaN, and then nothing is moved.
  const std::string of_addend = floats("fsub", sum, product), of_product = floats("fsub", sum, of_addend);
  const std::string rest = floats("fadd", floats("fsub", product, of_product), floats("fsub", addend, of_addend));
  const std::string is_rounded =
      out_.temporary(fmt::format("fcmp one {} {}, {}", f64, rest, is_vector ? "zeroinitializer" : "0.0"));
  const std::string all_ones = out_.temporary(fmt::format("sext {} {} to {}", pred, is_rounded, i64));
  const std::string number = bits(sum);
  const std::string is_even = words("xor", words("and", number, literal("1")), literal("1"));
  const std::string step = words("and", all_ones, is_even);
  // Away from zero when the rest has the sum's sign, else towards it: step ^ -1 + 1 is -step.
  const std::string towards_zero = words("lshr", words("xor", number, bits(rest)), literal("63"));
  const std::string minus = words("sub", literal("0"), towards_zero);
  const std::string move = words("sub", words("xor", step, minus), minus);
  const std::string odd = out_.temporary(fmt::format("bitcast {} {} to {}", i64, words("add", number, move), f64));
  return fmt::format("fptrunc {} {} to {}", f64, odd, f32);
}

}  // namespace shoal::emit::ir
