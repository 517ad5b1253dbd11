// Kernels of the fake libcuda: the text behind an image runs in the emulator, on the fake's memory.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "fake_state.h"
#include "tests/emulate/emulate.h"

namespace fake {
namespace {

namespace emulate = shoal::emulate;

// Compiling takes a second: one text is compiled once a process.
emulate::Program& program_of(const std::string& text, const std::string& name) {
  static auto* programs = new std::map<std::pair<std::string, bool>, std::unique_ptr<emulate::Program>>;
  std::unique_ptr<emulate::Program>& held = (*programs)[{name + "\n" + text, state().checked}];
  if (!held) held = std::make_unique<emulate::Program>(emulate::compile(text, name, {.check = state().checked}));
  return *held;
}

// "const float* __restrict__ x, int steps" of the kernel, one entry a parameter.
std::vector<std::string> parameter_list(const Function& function) {
  const std::string& text = function.module->image;
  const size_t kernel = text.find(" " + function.name + "(");
  if (text.empty() || kernel == std::string::npos) return {};
  const size_t open = text.find('(', kernel), close = text.find(')', open);
  std::vector<std::string> list;
  for (size_t at = open + 1; at < close;) {
    const size_t comma = std::min(text.find(',', at), close);
    list.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return list;
}

void write_changes(const std::vector<char>& parameter, const std::vector<uint32_t>& before,
                   const std::vector<uint32_t>& after) {
  char* memory = nullptr;
  std::memcpy(&memory, parameter.data(), sizeof memory);
  for (size_t word = 0; word < after.size(); word++)
    if (after[word] != before[word]) std::memcpy(memory + word * 4, &after[word], 4);
}

}  // namespace

std::vector<size_t> parameter_bytes(const Function& function) {
  std::vector<size_t> sizes;
  for (const std::string& parameter : parameter_list(function))
    sizes.push_back(parameter.find('*') != std::string::npos ? 8 : 4);
  return sizes;
}

int run_kernel(const Function& function, unsigned grid, unsigned block, unsigned shared_bytes,
               const std::vector<std::vector<char>>& parameters) {
  const std::vector<std::string> list = parameter_list(function);
  if (list.empty()) return ok;  // machine code: there is nobody to run it
  std::vector<emulate::Argument> arguments;
  std::vector<std::vector<uint32_t>> copies(list.size());  // arguments may share an allocation
  for (size_t i = 0; i < list.size(); i++) {
    emulate::Argument argument;
    argument.name = list[i];
    if (parameters[i].size() == 4) {
      argument.is_buffer = false;
      std::memcpy(&argument.scalar, parameters[i].data(), 4);
    } else {
      unsigned long long address = 0;
      std::memcpy(&address, parameters[i].data(), 8);
      const auto* allocation = holder(address, 1);
      if (!allocation) {
        fault(fmt::format("{} gets an address that is no memory of the GPU:{}", function.name, list[i]));
        return illegal_address;
      }
      argument.bytes = static_cast<int64_t>(allocation->first + allocation->second.bytes - address);
      copies[i].resize(static_cast<size_t>(argument.bytes) / 4 + 1);
      std::memcpy(copies[i].data(), reinterpret_cast<void*>(address), static_cast<size_t>(argument.bytes));
      argument.data = copies[i].data();
      argument.read_only = list[i].find("const ") != std::string::npos;
    }
    arguments.push_back(argument);
  }
  const std::vector<std::vector<uint32_t>> before = copies;
  try {
    const emulate::Report report =
        program_of(function.module->image, function.name)
            .launch(static_cast<int>(grid), static_cast<int>(block), shared_bytes, arguments);
    if (report.clean()) {
      for (size_t i = 0; i < list.size(); i++)
        if (parameters[i].size() == 8) write_changes(parameters[i], before[i], copies[i]);
      return ok;
    }
    fault(report.text());
  } catch (const std::exception& error) {
    fault(fmt::format("{}: {}", function.name, error.what()));
  }
  return illegal_address;
}

}  // namespace fake
