// What f16 and bf16 elements mean, in LLVM IR: one instruction where the CPU has it, else integer arithmetic, because
// LLVM would call a library that emitted code may not call.
#include <fmt/format.h>

#include <string>

#include "compiler/emit/llvm_emitter.h"

namespace shoal::emit::ir {

using kernel::Type;

std::string Emitter::loaded(Type element, bool is_vector, const std::string& bits) {
  const auto of = [&](Type type) { return is_vector ? out_.vector_type(type) : scalar_type(type); };
  const std::string f32 = of(Type::f32), i32 = of(Type::i32), pred = of(Type::pred), i16 = of(element);
  const auto constant = [&](Type type, const std::string& literal) {
    return is_vector ? Writer::splat_literal(type, literal) : literal;
  };
  if (element == Type::f16 && converts_halves()) {
    const std::string half = is_vector ? out_.vector_of("half") : "half";
    const std::string value = out_.temporary(fmt::format("bitcast {} {} to {}", i16, bits, half));
    return fmt::format("fpext {} {} to {}", half, value, f32);
  }
  const std::string wide = out_.temporary(fmt::format("zext {} {} to {}", i16, bits, i32));
  const auto integer = [&](const char* op, const std::string& a, int64_t b) {
    return out_.temporary(fmt::format("{} {} {}, {}", op, i32, a, constant(Type::i32, fmt::format("{}", b))));
  };
  const auto choose = [&](const std::string& condition, const std::string& a, const std::string& b) {
    return out_.temporary(fmt::format("select {0} {1}, {2} {3}, {2} {4}", pred, condition, i32, a, b));
  };
  const auto exceeds = [&](const std::string& a, int64_t b) {
    return out_.temporary(fmt::format("icmp sgt {} {}, {}", i32, a, constant(Type::i32, fmt::format("{}", b))));
  };
  if (element == Type::bf16) return fmt::format("bitcast {} {} to {}", i32, integer("shl", wide, 16), f32);

  // support/half.cpp says the same in C++.
  const std::string sign = integer("shl", integer("and", wide, 0x8000), 16), magnitude = integer("and", wide, 0x7fff);
  const std::string shifted = integer("shl", magnitude, 13);
  const std::string normal = integer("add", shifted, int64_t{112} << 23);
  const std::string whole = out_.temporary(fmt::format("uitofp {} {} to {}", i32, magnitude, f32));
  const std::string scaled =
      out_.temporary(fmt::format("fmul {} {}, {}", f32, whole, constant(Type::f32, float_literal(0x1p-24f))));
  const std::string tiny = out_.temporary(fmt::format("bitcast {} {} to {}", f32, scaled, i32));
  const std::string infinite = integer("or", shifted, 0x7f800000);
  const std::string huge = choose(exceeds(magnitude, 0x7c00), integer("or", infinite, 0x00400000), infinite);
  const std::string finite = choose(exceeds(magnitude, 0x3ff), normal, tiny);
  const std::string unsigned_value = choose(exceeds(magnitude, 0x7bff), huge, finite);
  const std::string signed_value = out_.temporary(fmt::format("or {} {}, {}", i32, unsigned_value, sign));
  return fmt::format("bitcast {} {} to {}", i32, signed_value, f32);
}

}  // namespace shoal::emit::ir
