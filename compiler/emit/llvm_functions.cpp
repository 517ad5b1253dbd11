// Functions of the LLVM emitter: a loop that is repeated with other buffers becomes one function, called in the place
// of each. Its parameters are the pointers and values that its body asks for from outside.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>

#include "compiler/emit/llvm_emitter.h"
#include "compiler/support/error.h"

namespace shoal::emit::ir {

using kernel::Op;
using kernel::Space;
using kernel::Type;

// Literals are the same everywhere.
bool Emitter::is_parameter(int32_t value) const {
  if (!function_ || value < 0 || value >= function_->model) return false;
  const Op op = in(value).op;
  return op != Op::constant && op != Op::lane && (op != Op::warp || has_team());
}

bool Emitter::is_parameter(const Address& address) const {
  return function_ && std::max(address.base, address.index) < function_->model;
}

std::string Emitter::parameter(Parameter::Kind kind, int32_t value) {
  for (const Parameter& p : function_->parameters)
    if (p.kind == kind && p.value == value) return p.name;
  std::string name = fmt::format("%a{}", function_->parameters.size());
  function_->parameters.push_back({.kind = kind, .value = value, .name = name});
  return name;
}

std::string Emitter::parameter(const Address& address) {
  for (const Parameter& p : function_->parameters)
    if (p.kind == Parameter::Kind::pointer && p.address == address) return p.name;
  std::string name = fmt::format("%a{}_{}", function_->parameters.size(), kernel_.buffers[address.buffer].name);
  function_->parameters.push_back({.kind = Parameter::Kind::pointer, .address = address, .name = name});
  return name;
}

std::string Emitter::parameter_type(const Parameter& p) const {
  switch (p.kind) {
    case Parameter::Kind::narrow: return scalar_type(in(p.value).type);
    case Parameter::Kind::wide: return "i64";
    case Parameter::Kind::vector: return out_.vector_type(in(p.value).type);
    case Parameter::Kind::pointer: return "ptr";
  }
  throw InternalError("internal error: emit llvm: a parameter of no kind");
}

// The buffer that a loop stores to last names it.
std::string Emitter::written_by(int32_t loop) const {
  for (int32_t i = facts_.close[loop]; i > loop; --i)
    if (in(i).op == Op::store) return kernel_.buffers[in(i).buffer].name;
  return "nothing";
}

void Emitter::call_function(int32_t i) {
  const Repeat& repeat = repeats_.at(i);
  Function& function = functions_[repeat.model];
  if (function.text.empty()) {
    function.model = repeat.model;
    function.name = fmt::format("@nest{}_{}", repeat.model, written_by(repeat.model));
    write_function(function);
  }
  function.called_for.push_back(written_by(i));
  auto here = [](const std::map<int32_t, int32_t>& pairs, int32_t of_model) {
    const auto at = pairs.find(of_model);
    return at == pairs.end() ? of_model : at->second;
  };
  std::string arguments;
  for (const Parameter& p : function.parameters) {
    std::string argument;
    switch (p.kind) {
      case Parameter::Kind::narrow: argument = scalar(here(repeat.values, p.value)); break;
      case Parameter::Kind::wide: argument = wide(here(repeat.values, p.value)); break;
      case Parameter::Kind::vector: argument = vector(here(repeat.values, p.value)); break;
      case Parameter::Kind::pointer:
        argument = pointer({.buffer = here(repeat.buffers, p.address.buffer),
                            .base = here(repeat.values, p.address.base),
                            .index = here(repeat.values, p.address.index)});
        break;
    }
    arguments += fmt::format("{}{} {}", arguments.empty() ? "" : ", ", parameter_type(p), argument);
  }
  if (has_team()) arguments += fmt::format("{}ptr %team", arguments.empty() ? "" : ", ");
  out_.line(fmt::format("call void {}({})", function.name, arguments));
}

// The model's body with a writer of its own; what the emitter holds of the caller waits.
void Emitter::write_function(Function& function) {
  Writer caller = std::exchange(out_, Writer(kernel_.lanes));
  auto pointers = std::exchange(pointers_, {});
  auto open = std::exchange(open_, {});
  const std::vector<std::string> slots = slots_;
  function_ = &function;
  out_.label("entry");
  open_loop(function.model);
  check(open_.back().at >= 0, "emit llvm: a repeated loop that never runs, instruction {}", function.model);
  body(function.model + 1, facts_.close[function.model] + 1);
  out_.line("ret void");
  function.text = out_.text();
  function_ = nullptr;
  slots_ = slots;
  open_ = std::move(open);
  pointers_ = std::move(pointers);
  caller.declare_all(out_);
  out_ = std::move(caller);
}

// Whether nothing else that the function is given reaches the parameter's memory, in any of its calls.
bool Emitter::is_alone(const Function& function, const Parameter& p) const {
  const kernel::Buffer& buffer = kernel_.buffers[p.address.buffer];
  if (has_team() && (buffer.written || buffer.space == Space::shared)) return false;
  auto reaches = [&](const kernel::Buffer& a, const kernel::Buffer& b) {
    if (a.space != Space::shared || b.space != Space::shared) return &a == &b;
    return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
  };
  for (const auto& [open, repeat] : repeats_) {
    if (repeat.model != function.model) continue;
    auto here = [&](int32_t of_model) -> const kernel::Buffer& {
      const auto at = repeat.buffers.find(of_model);
      return kernel_.buffers[at == repeat.buffers.end() ? of_model : at->second];
    };
    for (const Parameter& other : function.parameters)
      if (&other != &p && other.kind == Parameter::Kind::pointer &&
          reaches(here(p.address.buffer), here(other.address.buffer)))
        return false;
  }
  return true;
}

std::string Emitter::definition(const Function& function) const {
  std::string parameters;
  for (const Parameter& p : function.parameters) {
    const bool is_pointer = p.kind == Parameter::Kind::pointer;
    const bool read_only = is_pointer && !kernel_.buffers[p.address.buffer].written;
    parameters +=
        fmt::format("{}{} {}{}{}", parameters.empty() ? "" : ", ", parameter_type(p),
                    is_pointer && is_alone(function, p) ? "noalias " : "", read_only ? "readonly " : "", p.name);
  }
  if (has_team()) parameters += fmt::format("{}ptr %team", parameters.empty() ? "" : ", ");
  return fmt::format("; {}\ndefine internal void {}({}) #0 {{\n{}}}\n\n", fmt::join(function.called_for, ", "),
                     function.name, parameters, function.text);
}

}  // namespace shoal::emit::ir
