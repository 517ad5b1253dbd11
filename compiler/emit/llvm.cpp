// Kernel -> LLVM IR text: the module around the group loop, and the walk over the instructions.
//
// One inner function holds the loop over groups; its buffers are parameters because only parameters can be `noalias`.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/support/error.h"

namespace shoal::emit {

std::string llvm(const kernel::Kernel& kernel, const CpuFeatures& features) {
  return ir::Emitter(kernel, features).module();
}

namespace ir {

using kernel::Op;
using kernel::OpKind;
using kernel::Space;
using kernel::Type;

Emitter::Emitter(const kernel::Kernel& kernel, const CpuFeatures& features)
    : kernel_(kernel),
      features_(features),
      facts_(analyse(kernel)),
      repeats_(find_repeats(kernel, facts_)),
      out_(kernel.lanes),
      values_(kernel.code.size()) {
  check(kernel.lanes >= 1, "emit llvm: kernel {} has {} lanes", kernel.name, kernel.lanes);
}

bool Emitter::has(std::string_view feature) const {
  std::string_view rest = features_.features;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view one = rest.substr(0, comma);
    if (one.size() == feature.size() + 1 && one[0] == '+' && one.substr(1) == feature) return true;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return false;
}

std::string Emitter::scalar(int32_t i) {
  check(!varying(i), "emit llvm: scalar wanted of the varying value {}", i);
  if (is_parameter(i)) return parameter(in(i).type == Type::i64 ? Parameter::Kind::wide : Parameter::Kind::narrow, i);
  if (!values_[i].scalar.empty()) return values_[i].scalar;
  check(!values_[i].wide.empty(), "emit llvm: value {} is used before it is defined", i);
  return out_.temporary(fmt::format("trunc i64 {} to i32", values_[i].wide));
}

std::string Emitter::wide(int32_t i) {
  if (in(i).type == Type::i64) return scalar(i);
  if (is_parameter(i)) return parameter(Parameter::Kind::wide, i);
  if (!values_[i].wide.empty()) return values_[i].wide;
  return out_.temporary(fmt::format("sext i32 {} to i64", scalar(i)));
}

std::string Emitter::vector_from_scalar(int32_t i) {
  const std::string base = out_.splat(in(i).type, scalar(i));
  if (uniform(i)) return base;
  const std::string lanes = out_.lanes_literal(in(i).type, facts_.values[i].stride);
  return out_.temporary(fmt::format("add {} {}, {}", out_.vector_type(in(i).type), base, lanes));
}

std::string Emitter::vector(int32_t i) {
  if (is_parameter(i)) return parameter(Parameter::Kind::vector, i);
  const Forms& forms = values_[i];
  if (!forms.kept_mask.empty() && forms.block != out_.block()) return use_mask(forms.kept_mask);
  if (!forms.vector.empty()) return forms.vector;
  return vector_from_scalar(i);
}

void Emitter::finish(int32_t i) {
  const ValueFacts& wanted = facts_.values[i];
  Forms& forms = values_[i];
  if (varying(i)) {
    forms.block = out_.block();
    if (in(i).type == Type::pred && wanted.crosses_blocks) forms.kept_mask = keep_mask(forms.vector);
    return;
  }
  if (wanted.wide_use && in(i).type == Type::i32 && forms.wide.empty()) forms.wide = wide(i);
  if (wanted.vector_use && forms.vector.empty()) forms.vector = vector_from_scalar(i);
  for (const Address& address : wanted.addresses) pointer(address);
}

void Emitter::body(int32_t first, int32_t last) {
  for (int32_t i = first; i < last; ++i) {
    switch (in(i).op) {
      case Op::constant:
      case Op::scalar:
      case Op::group:
      case Op::warp:
      case Op::lane: leaf(i); break;
      case Op::add:
      case Op::sub:
      case Op::mul:
      case Op::fma:
      case Op::div:
      case Op::rem:
      case Op::max:
      case Op::min:
      case Op::neg:
      case Op::abs:
      case Op::floor:
      case Op::sqrt:
      case Op::exp2:
      case Op::rcp:
      case Op::band:
      case Op::bor:
      case Op::bxor:
      case Op::shl:
      case Op::shr:
      case Op::lt:
      case Op::le:
      case Op::eq:
      case Op::select:
      case Op::to_f32:
      case Op::to_i32:
      case Op::to_i64:
      case Op::bits_f32:
      case Op::bits_i32:
      case Op::tf32:
      case Op::bf16_pair:
        if (facts_.values[i].used()) arith(i);
        break;
      case Op::lanes_xor:
        if (facts_.values[i].used()) lanes_xor(i);
        break;
      case Op::mma: throw InternalError("internal error: emit llvm: a CPU has no tensor cores");
      case Op::var: slot_write(i, in(i).args[0]); break;
      case Op::get: slot_read(i); break;
      case Op::set: slot_write(i, in(i).args[1]); break;
      case Op::load:
        if (facts_.slot[i] >= 0) {
          slot_read(i);
        } else if (facts_.values[i].used()) {
          load(i);
        }
        break;
      case Op::store:
        if (facts_.slot[i] >= 0) {
          slot_write(i, in(i).args[2]);
        } else {
          store(i);
        }
        break;
      case Op::loop:
        if (!function_ && repeats_.contains(i)) {
          call_function(i);
          i = facts_.close[i];
          break;
        }
        open_loop(i);
        // A loop that never runs is left out with all that it holds.
        if (open_.back().at < 0) {
          open_.pop_back();
          i = facts_.close[i];
        }
        break;
      case Op::when:
        open_when(i);
        if (open_.back().at < 0) {
          open_.pop_back();
          i = facts_.close[i];
        }
        break;
      case Op::repeat: open_repeat(i); break;
      case Op::again:
      case Op::end: {
        const Open closing = std::move(open_.back());
        open_.pop_back();
        if (in(closing.at).op == Op::loop) close_loop(closing);
        if (in(closing.at).op == Op::when) close_when(closing);
        if (in(closing.at).op == Op::repeat) close_repeat(closing, i);
        break;
      }
      case Op::barrier:
        // A warp is one vector, whose lanes never part; the threads of a team do.
        if (in(i).imm == 1 && has_team()) barrier();
        break;
    }
  }
}

// The team's barrier is the runtime's: how threads wait for each other is no affair of the kernel.
void Emitter::barrier() {
  const std::string wait = out_.temporary("load ptr, ptr %team, align 8");
  out_.line(fmt::format("call void {}(ptr %team)", wait));
}

std::string Emitter::signature() const {
  std::string text = "define internal void @shoal_groups(";
  for (const kernel::Buffer& buffer : kernel_.buffers) {
    if (buffer.space != Space::global) continue;
    // What a team writes changes under the eyes of each of its threads.
    const char* promise = !buffer.written ? "noalias readonly " : has_team() ? "" : "noalias ";
    text += fmt::format("ptr {}%b_{}, ", promise, buffer.name);
  }
  for (const std::string& name : kernel_.scalars) text += fmt::format("i32 %s_{}, ", name);
  text += has_team() ? "ptr align 64 %scratch, i32 %warp, ptr %team, " : "ptr noalias align 64 %scratch, ";
  return text + "i64 %first, i64 %last) #0 {\n";
}

// The function that the runtime calls: it unpacks the arguments.
std::string Emitter::entry_point() {
  std::string text = fmt::format(
      "define void @{}(ptr %buffers, ptr %scalars, ptr %scratch, i32 %first_group, i32 %last_group, i32 %warp, "
      "ptr %team) #0 {{\nentry:\n",
      kernel_.name);
  std::string arguments;
  int32_t n = 0;
  for (const kernel::Buffer& buffer : kernel_.buffers) {
    if (buffer.space != Space::global) continue;
    text += fmt::format("  %pb{0} = getelementptr inbounds ptr, ptr %buffers, i64 {0}\n", n);
    text += fmt::format("  %b{0} = load ptr, ptr %pb{0}, align 8\n", n);
    arguments += fmt::format("ptr %b{}, ", n++);
  }
  n = 0;
  for (size_t s = 0; s < kernel_.scalars.size(); ++s, ++n) {
    text += fmt::format("  %ps{0} = getelementptr inbounds i32, ptr %scalars, i64 {0}\n", n);
    text += fmt::format("  %s{0} = load i32, ptr %ps{0}, align 4\n", n);
    arguments += fmt::format("i32 %s{}, ", n);
  }
  text += "  %first = sext i32 %first_group to i64\n  %last = sext i32 %last_group to i64\n";
  text += fmt::format("  call void @shoal_groups({}ptr %scratch, {}i64 %first, i64 %last)\n  ret void\n}}\n", arguments,
                      has_team() ? "i32 %warp, ptr %team, " : "");
  return text;
}

std::string Emitter::module() {
  out_.label("entry");
  for (const kernel::Buffer& buffer : kernel_.buffers) {
    if (buffer.space != Space::shared) continue;
    out_.define("%b_" + buffer.name, fmt::format("getelementptr inbounds float, ptr %scratch, i64 {}", buffer.offset));
  }
  const std::string none = out_.temporary("icmp sge i64 %first, %last");
  out_.line(fmt::format("br i1 {}, label %done, label %groups", none));
  out_.label("groups");
  const size_t group_phi = out_.placeholder();
  out_.define("%group.n", "trunc i64 %group to i32");
  for (size_t slot = 0; slot < facts_.slots.size(); ++slot) slots_.push_back(slot_zero(int32_t(slot)));
  body(0, int32_t(kernel_.code.size()));
  if (has_team()) barrier();  // the next group uses the same scratch
  out_.define("%group.next", "add nsw i64 %group, 1");
  out_.define("%group.more", "icmp slt i64 %group.next, %last");
  out_.fill(group_phi, fmt::format("%group = phi i64 [ %first, %entry ], [ %group.next, %{} ]", out_.block()));
  out_.line("br i1 %group.more, label %groups, label %done");
  out_.label("done");
  out_.line("ret void");

  std::string text;
  std::string_view header = kernel_.header;
  while (!header.empty()) {
    const size_t end = header.find('\n');
    text += fmt::format("; {}\n", header.substr(0, end));
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
  }
  text += fmt::format("target triple = \"{}\"\n\n", features_.triple);
  for (const auto& [name, callee] : called_) text += callee;
  for (const auto& [model, function] : functions_) text += definition(function);
  text += signature() + out_.text() + "}\n\n" + entry_point() + "\n" + out_.declarations();
  // Without the minimum LLVM would split 512-bit vectors on CPUs that it believes to clock down.
  const int32_t bits = kernel_.lanes * 32 >= 512 ? 512 : kernel_.lanes * 32 >= 256 ? 256 : 128;
  text += fmt::format(
      "\nattributes #0 = {{ nounwind \"target-cpu\"=\"{}\" \"target-features\"=\"{}\" \"prefer-vector-width\"=\"{}\" "
      "\"min-legal-vector-width\"=\"{}\" }}\n",
      features_.cpu, features_.features, bits, bits);
  return text;
}

}  // namespace ir
}  // namespace shoal::emit
