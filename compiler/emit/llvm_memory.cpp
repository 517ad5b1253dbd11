// Memory of the LLVM emitter: a uniform base pointer with constant displacements, and the cheapest access a stride
// allows.
#include <fmt/format.h>

#include <string>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Instruction;
using kernel::Op;
using kernel::Type;

// Made once for each (buffer, base, index), at the definition of the later one: no pass would find the repetition.
std::string Emitter::pointer(const Address& address) {
  if (is_parameter(address)) return parameter(address);
  std::string& made = pointers_[address];
  if (!made.empty()) return made;
  if (address.base < 0 && address.index < 0) return made = "%b_" + kernel_.buffers[address.buffer].name;
  Address without = address;
  int32_t last = address.index;
  if (address.index >= 0) {
    without.index = -1;
  } else {
    last = address.base;
    without.base = -1;
  }
  const std::string from = pointer(without);
  const std::string offset = wide(last);
  if (offset == "0") return pointers_[address] = from;  // of `lane`: nothing but the stride
  const Access at{.element = kernel_.buffers[address.buffer].type};
  return pointers_[address] =
             out_.temporary(fmt::format("getelementptr inbounds {}, ptr {}, i64 {}", at.step(), from, offset));
}

Emitter::Access Emitter::access(const Instruction& op) {
  Address address{.buffer = op.buffer};
  Access result{.element = kernel_.buffers[op.buffer].type};
  int64_t displacement = op.imm;
  int32_t moving[2] = {-1, -1};
  for (int k = 0; k < 2; ++k) {
    const int32_t part = op.args[k];
    if (part < 0) continue;
    if (in(part).op == Op::constant) {
      displacement += in(part).imm;
    } else if (varying(part)) {
      moving[k] = part;
    } else {
      (k == 0 ? address.base : address.index) = part;
      result.stride += facts_.values[part].stride;
    }
  }
  result.pointer = pointer(address);
  if (displacement != 0) {
    result.pointer = out_.temporary(
        fmt::format("getelementptr inbounds {}, ptr {}, i64 {}", result.step(), result.pointer, displacement));
  }
  if (moving[0] < 0 && moving[1] < 0) return result;

  const Type type = moving[0] >= 0 ? Type::i64 : Type::i32;
  result.offset_type = type;
  for (int k = 0; k < 2; ++k) {
    if (moving[k] < 0) continue;
    std::string part = vector(moving[k]);
    if (in(moving[k]).type != type) {
      part = out_.temporary(
          fmt::format("sext {} {} to {}", out_.vector_type(Type::i32), part, out_.vector_type(Type::i64)));
    }
    result.offsets = result.offsets.empty()
                         ? part
                         : out_.temporary(fmt::format("add {} {}, {}", out_.vector_type(type), result.offsets, part));
  }
  if (result.stride != 0) {
    result.offsets = out_.temporary(
        fmt::format("add {} {}, {}", out_.vector_type(type), result.offsets, out_.lanes_literal(type, result.stride)));
    result.stride = 0;
  }
  return result;
}

std::string Emitter::element_pointer(const Access& at, int32_t lane) {
  if (lane * at.stride == 0) return at.pointer;
  return out_.temporary(
      fmt::format("getelementptr inbounds {}, ptr {}, i64 {}", at.step(), at.pointer, lane * at.stride));
}

std::string Emitter::lane_pointers(const Access& at) {
  const std::string offsets = at.offsets.empty() ? out_.lanes_literal(Type::i64, at.stride) : at.offsets;
  const Type type = at.offsets.empty() ? Type::i64 : at.offset_type;
  return out_.temporary(
      fmt::format("getelementptr inbounds {}, ptr {}, {} {}", at.step(), at.pointer, out_.vector_type(type), offsets));
}

// A right-hand side. Lanes that are off read nothing and hold zero.
std::string Emitter::gather(const Access& at) {
  const Type type = at.element;
  const std::string of = out_.vector_type(type), pred = out_.vector_type(Type::pred);
  if (at.offsets.empty() && masks_.empty()) {
    // Loads and inserts at known distances: 1.25 ns for eight on a Zen 3, where a gather by loaded indices takes 3.5.
    std::string all = "poison";
    for (int32_t lane = 0; lane < kernel_.lanes; ++lane) {
      const std::string one = out_.temporary(
          fmt::format("load {}, ptr {}, align {}", scalar_type(type), element_pointer(at, lane), at.align()));
      const std::string insert =
          fmt::format("insertelement {} {}, {} {}, i64 {}", of, all, scalar_type(type), one, lane);
      if (lane + 1 == kernel_.lanes) return insert;
      all = out_.temporary(insert);
    }
  }
  const bool single = (at.offsets.empty() || at.offset_type == Type::i32) && at.align() == 4 && has("avx2");
  if (single && (kernel_.lanes == 8 || kernel_.lanes == 4) && !has("avx512f")) {
    // By its own name, because LLVM takes llvm.masked.gather apart into branches on CPUs that it calls slow at it.
    const bool is_float = type == Type::f32;
    const std::string name =
        fmt::format("@llvm.x86.avx2.gather.d.{}{}", is_float ? "ps" : "d", kernel_.lanes == 8 ? ".256" : "");
    const std::string index = out_.vector_type(Type::i32);
    const std::string offsets = at.offsets.empty() ? out_.lanes_literal(Type::i32, at.stride) : at.offsets;
    std::string lanes = Writer::splat_literal(Type::i32, "-1");
    if (!masks_.empty()) lanes = out_.temporary(fmt::format("sext {} {} to {}", pred, mask(), index));
    if (is_float) lanes = out_.temporary(fmt::format("bitcast {} {} to {}", index, lanes, of));
    out_.declare(fmt::format("{0} {1}({0}, ptr, {2}, {0}, i8)", of, name, index));
    return fmt::format("call {0} {1}({0} zeroinitializer, ptr {2}, {3} {4}, {0} {5}, i8 4)", of, name, at.pointer,
                       index, offsets, lanes);
  }
  const std::string pointers = out_.vector_of("ptr"),
                    name = fmt::format("@llvm.masked.gather.{}.v{}p0", out_.suffix(type), kernel_.lanes);
  out_.declare(fmt::format("{0} {1}({2}, i32, {3}, {0})", of, name, pointers, pred));
  const std::string lanes = masks_.empty() ? Writer::splat_literal(Type::pred, "true") : mask();
  return fmt::format("call {0} {1}({2} {3}, i32 {6}, {4} {5}, {0} zeroinitializer)", of, name, pointers,
                     lane_pointers(at), pred, lanes, at.align());
}

void Emitter::load(int32_t i) {
  if (read_ahead_.erase(i) > 0) return finish(i);
  const Access at = access(in(i));
  if (!at.offsets.empty()) {
    if (const std::vector<int32_t> row = row_of(i); row.size() > 1) {
      load_rows(row, at);
      return finish(i);
    }
  }
  const std::string of = out_.vector_type(at.element);
  const bool is_vector = !at.offsets.empty() || at.stride != 0;
  std::string text;
  if (!is_vector) {
    // Under a mask too: at least one lane is on, and it reads this very element.
    text = fmt::format("load {}, ptr {}, align {}", scalar_type(at.element), at.pointer, at.align());
  } else if (!at.offsets.empty() || at.stride != 1) {
    text = gather(at);
  } else if (masks_.empty()) {
    text = fmt::format("load {}, ptr {}, align {}", of, at.pointer, at.align());
  } else {
    const std::string pred = out_.vector_type(Type::pred);
    const std::string function = fmt::format("@llvm.masked.load.{}.p0", out_.suffix(at.element));
    out_.declare(fmt::format("{0} {1}(ptr, i32, {2}, {0})", of, function, pred));
    text = fmt::format("call {0} {1}(ptr {2}, i32 {5}, {3} {4}, {0} zeroinitializer)", of, function, at.pointer, pred,
                       mask(), at.align());
  }
  const std::string name = fmt::format("%v{}", i);
  const bool widens = at.element != kernel::loaded_type(at.element);
  out_.define(name, widens ? loaded(at.element, is_vector, out_.temporary(text)) : text);
  (is_vector ? values_[i].vector : values_[i].scalar) = name;
  finish(i);
}

// The value of one lane that is on: where all lanes store to one element, a race-free kernel has one lane on.
std::string Emitter::any_active_lane(Type type, const std::string& vector_value) {
  std::string lane = fmt::format("{}", kernel_.lanes - 1);
  if (!masks_.empty() && masks_.back().lane >= 0) {
    lane = fmt::format("{}", masks_.back().lane);
  } else if (!masks_.empty()) {
    const std::string bits = fmt::format("i{}", kernel_.lanes);
    const std::string on =
        out_.temporary(fmt::format("bitcast {} {} to {}", out_.vector_type(Type::pred), mask(), bits));
    const std::string long_on = out_.temporary(fmt::format("zext {} {} to i64", bits, on));
    out_.declare("i64 @llvm.ctlz.i64(i64, i1)");
    const std::string leading = out_.temporary(fmt::format("call i64 @llvm.ctlz.i64(i64 {}, i1 true)", long_on));
    const std::string last = out_.temporary(fmt::format("sub i64 63, {}", leading));
    lane = out_.temporary(fmt::format("and i64 {}, {}", last, kernel_.lanes - 1));
  }
  return out_.temporary(fmt::format("extractelement {} {}, i64 {}", out_.vector_type(type), vector_value, lane));
}

void Emitter::store(int32_t i) {
  const int32_t value = in(i).args[2];
  const Type type = in(value).type;
  const Access at = access(in(i));
  const std::string of = out_.vector_type(type), pred = out_.vector_type(Type::pred);
  if (at.offsets.empty() && at.stride == 0) {
    const std::string one = uniform(value) ? scalar(value) : any_active_lane(type, vector(value));
    out_.line(fmt::format("store {} {}, ptr {}, align 4", scalar_type(type), one, at.pointer));
    return;
  }
  const std::string all = vector(value);
  if (at.offsets.empty() && masks_.empty()) {
    if (at.stride == 1) {
      out_.line(fmt::format("store {} {}, ptr {}, align 4", of, all, at.pointer));
      return;
    }
    for (int32_t lane = 0; lane < kernel_.lanes; ++lane) {
      const std::string one = out_.temporary(fmt::format("extractelement {} {}, i64 {}", of, all, lane));
      out_.line(fmt::format("store {} {}, ptr {}, align 4", scalar_type(type), one, element_pointer(at, lane)));
    }
    return;
  }
  const std::string lanes = masks_.empty() ? Writer::splat_literal(Type::pred, "true") : mask();
  if (at.offsets.empty() && at.stride == 1) {
    const std::string function = fmt::format("@llvm.masked.store.{}.p0", out_.suffix(type));
    out_.declare(fmt::format("void {}({}, ptr, i32, {})", function, of, pred));
    out_.line(fmt::format("call void {}({} {}, ptr {}, i32 4, {} {})", function, of, all, at.pointer, pred, lanes));
    return;
  }
  const std::string pointers = out_.vector_of("ptr");
  const std::string function = fmt::format("@llvm.masked.scatter.{}.v{}p0", out_.suffix(type), kernel_.lanes);
  out_.declare(fmt::format("void {}({}, {}, i32, {})", function, of, pointers, pred));
  out_.line(fmt::format("call void {}({} {}, {} {}, i32 4, {} {})", function, of, all, pointers, lane_pointers(at),
                        pred, lanes));
}

}  // namespace shoal::emit::ir
