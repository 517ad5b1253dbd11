// Writing the header: what each array holds and how to call, then the emitter's functions.
#include "runtime/device_header.h"

#include <algorithm>
#include <cctype>

#include "compiler/emit/emit.h"
#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

std::string shape_of(const Shape& shape) {
  std::string text;
  for (const int64_t extent : shape) text += fmt::format("[{}]", extent);
  return text;
}

const char* meaning_of(const Argument& argument) {
  if (argument.name == "scratch") return "working memory; what it holds does not matter";
  if (argument.is_output) return "written";
  switch (argument.role) {
    case Role::parameter: return "parameter";
    case Role::state: return "state of training, zeros at the start";
    case Role::hyper: return "hyperparameter of each member";
    case Role::key: return "any number for each member: the key of its sample order";
    case Role::input: return "input";
    case Role::data: return "samples";
    case Role::order: return "indices of samples";
  }
  return "";
}

// "element (member, sample, u) at ((member / 32) * 96 + (sample * 3 + u)) * 32 + member % 32"
std::string place_of(const Argument& argument) {
  const int64_t units = element_count(argument.shape), row = argument.samples * units;
  std::string inside = argument.samples > 1 ? fmt::format("sample * {} + u", units) : "u";
  std::string index = argument.samples > 1 ? "sample, u" : "u";
  if (units == 1) {
    inside = argument.samples > 1 ? "sample" : "0";
    index = argument.samples > 1 ? "sample" : "";
  }
  if (!argument.varies.member) return fmt::format("element ({}) at {}", index.empty() ? "only" : index, inside);
  const std::string what = index.empty() ? "member" : "member, " + index;
  if (argument.block == 1) return fmt::format("element ({}) at member * {} + {}", what, row, inside);
  return fmt::format("element ({0}) at ((member / {1}) * {2} + {3}) * {1} + member % {1}", what, argument.block, row,
                     inside);
}

// The names of the function's parameters; the arguments' own may be no identifiers.
std::vector<std::string> parameter_names(const Module& m) {
  std::vector<std::string> names;
  for (const kernel::Buffer& buffer : m.kernel.buffers)
    if (buffer.space == kernel::Space::global) names.push_back(buffer.name);
  check(names.size() == m.arguments.size(), "a module of {} arguments and {} buffers", m.arguments.size(),
        names.size());
  return names;
}

std::string call_of(const std::string& name, const Module& m) {
  std::string arguments;
  for (const std::string& parameter : parameter_names(m)) arguments += parameter + ", ";
  for (const std::string& scalar : m.scalars) arguments += scalar + ", ";
  return fmt::format("{}({}group, lane{})", name, arguments, m.kernel.shared_elements > 0 ? ", shoal_arena" : "");
}

const char* purpose_of(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::forward: return "the outputs of the members of one group";
    case ProgramKind::train:
      return "`steps` steps of training of the members of one group, of which `first_step` came before";
    case ProgramKind::evaluate: return "loss and metrics of the members of one group";
  }
  return "";
}

std::string about(const std::string& name, const DeviceFunction& function) {
  const Module& m = function.module;
  std::string text = fmt::format("\n// {}: {}\n//   {}\n", name, purpose_of(function.program.kind), call_of(name, m));
  text += fmt::format("// schedule {}; a group is {}.\n", m.schedule,
                      m.member_multiple == 1
                          ? "the member of that number"
                          : fmt::format("the members {0} * group to {0} * group + {1}; arrays are padded "
                                        "to a multiple of {0} members",
                                        m.member_multiple, m.member_multiple - 1));
  if (m.kernel.shared_elements > 0)
    text += fmt::format("// shoal_arena: {} bytes of shared memory, at a multiple of 16, which no other warp uses.\n",
                        m.kernel.shared_elements * 4);
  const std::vector<std::string> names = parameter_names(m);
  for (size_t i = 0; i < m.arguments.size(); ++i) {
    const Argument& argument = m.arguments[i];
    const std::string samples = argument.varies.sample ? fmt::format("[{} samples]", argument.samples) : "";
    const std::string own = argument.name == names[i] ? "" : fmt::format(" {}", argument.name);
    text += fmt::format("//   {}: {}{}, {}{}{}{}; {}\n", names[i], meaning_of(argument), own,
                        argument.dtype == DType::i32 ? "int" : "float", argument.varies.member ? "[members]" : "",
                        samples, shape_of(argument.shape), place_of(argument));
  }
  return text;
}

bool is_identifier(const std::string& name) {
  const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), fits);
}

// Takes the levels "warp" and "warp*N" out of a schedule: a group is one warp then.
std::string without_warps(const std::string& schedule) {
  std::string text = schedule;
  for (size_t at = 0; (at = text.find("warp", at)) != std::string::npos;) {
    size_t end = at + 4;
    while (end < text.size() && (text[end] == '*' || std::isdigit(static_cast<unsigned char>(text[end])))) ++end;
    const size_t begin = text[at - 1] == ',' ? at - 1 : at;
    if (begin == at && end < text.size() && text[end] == ',') ++end;
    text.erase(begin, end - begin);
    if (text[begin - 1] == '=' && (begin == text.size() || text[begin] == ' ')) text.insert(begin, "loop");
    at = begin;
  }
  return text;
}

}  // namespace

Module compile_for_one_warp(const Graph& graph, const Target& target, Options options) {
  if (target.kind != Target::Kind::cuda) throw SpecError("--target", "device functions are for GPUs: expected sm_NN");
  const bool given = !options.schedule.empty();
  Module module = compile(graph, target, options);
  if (module.kernel.warps == 1) return module;
  if (given)
    throw SpecError("--schedule", fmt::format("'{}' has {} warps; a device function is called by one", module.schedule,
                                              module.kernel.warps));
  options.schedule = without_warps(module.schedule);
  return compile(graph, target, options);
}

std::string device_header(const std::string& name, const std::vector<DeviceFunction>& functions) {
  if (!is_identifier(name)) throw SpecError("--name", fmt::format("expected an identifier of C++, got \"{}\"", name));
  std::string guard = name + "_shoal_device_functions";
  std::string text = fmt::format(
      "// A population of small networks as functions to call from a kernel of your own. Written by `shoal export\n"
      "// --device-function`; needs no other header. Compile with --fmad=false --ftz=true for the same bits as shoal's "
      "own\n"
      "// kernels; any other flags give the same to rounding.\n"
      "//\n"
      "// All 32 lanes of one warp call a function together, with lane = threadIdx.x % 32 in a one-dimensional block, "
      "and\n"
      "// come back in step. Different warps may work on different groups at once. An array that is written must not "
      "be\n"
      "// read by another warp meanwhile.\n"
      "#ifndef {0}\n#define {0}\n",
      guard);
  for (const DeviceFunction& function : functions) {
    kernel::Kernel kernel = function.module.kernel;
    kernel.name = fmt::format("{}_{}", name, program_kind_name(function.program.kind));
    kernel.header.clear();
    text += about(kernel.name, function);
    text += emit::cuda_device_function(kernel);
  }
  return text + "\n#endif\n";
}

}  // namespace shoal::runtime
