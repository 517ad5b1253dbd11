// Ownership of a population's arrays, and their way to and from the user's.
#include "runtime/population.h"

#include <algorithm>
#include <utility>

#include "compiler/support/error.h"
#include "runtime/population_initialize.h"

namespace shoal::runtime {
namespace {

template <typename T>
void move_elements(const PopulationArray& from, PopulationArray& to) {
  const int64_t members = from.layout().members;
  // A chunk begins at a block of both layouts.
  const int64_t both = from.layout().block * to.layout().block;
  const int64_t step = std::max<int64_t>(1, from.chunk_members() / both) * both;
  for (int64_t first = 0; first < members; first += step)
    to.write_members<T>(first, from.read_members<T>(first, std::min(step, members - first)));
}

Shape with_members(int64_t members, const Shape& shape) {
  Shape whole{members};
  whole.insert(whole.end(), shape.begin(), shape.end());
  return whole;
}

}  // namespace

Population::Population(Device& device, int64_t members, int64_t first_member)
    : device_(device), members_(members), first_member_(first_member) {
  if (members < 1) throw SpecError("members", fmt::format("expected a positive integer, got {}", members));
  if (first_member < 0 || first_member + members > (int64_t{1} << 32))
    throw SpecError("members",
                    fmt::format("members are numbered below 2^32; got {} to {}", first_member, first_member + members));
}

bool Population::owns(const Argument& argument) {
  if (argument.is_output) return false;
  switch (argument.role) {
    case Role::parameter:
    case Role::state:
    case Role::hyper:
    case Role::key: return true;
    case Role::input:
    case Role::data:
    case Role::order: return false;
  }
  throw InternalError("internal error: a role that is none");
}

PopulationArray& Population::array(const Argument& argument, int64_t member_multiple) {
  const ArgumentLayout wanted = layout_of(argument, members_, member_multiple);
  Arrays& arrays = value_dtype(wanted.dtype) == wanted.dtype ? arrays_ : rounded_[wanted.dtype];
  std::unique_ptr<PopulationArray>& held = arrays[argument.name];
  if (held && held->layout() == wanted) return *held;
  auto made = on_host_ && wanted.per_member ? std::make_unique<PopulationArray>(argument.name, wanted)
                                            : std::make_unique<PopulationArray>(device_, argument.name, wanted);
  if (held) {
    check(held->layout().dtype == wanted.dtype && held->layout().row() == wanted.row() &&
              held->layout().per_member == wanted.per_member,
          "two programs disagree on the shape of {}", argument.name);
    if (wanted.dtype == DType::i32)
      move_elements<int32_t>(*held, *made);
    else
      move_elements<float>(*held, *made);
  }
  held = std::move(made);
  return *held;
}

bool Population::would_move(const Argument& argument, int64_t member_multiple) const {
  const auto held = arrays_.find(argument.name);
  return held != arrays_.end() && value_dtype(argument.dtype) == argument.dtype &&
         !(held->second->layout() == layout_of(argument, members_, member_multiple));
}

void Population::round_stored(const Argument& argument, int64_t member_multiple) {
  if (value_dtype(argument.dtype) == argument.dtype) return;
  PopulationArray& rounded = array(argument, member_multiple);
  if (const auto full = arrays_.find(argument.name); full != arrays_.end())
    move_elements<float>(*full->second, rounded);
}

std::vector<PopulationArray*> Population::all_of(const std::string& name) const {
  std::vector<PopulationArray*> found;
  const auto look = [&](const Arrays& arrays) {
    if (const auto at = arrays.find(name); at != arrays.end()) found.push_back(at->second.get());
  };
  look(arrays_);
  for (const auto& [dtype, arrays] : rounded_) look(arrays);
  return found;
}

PopulationArray& Population::array(const std::string& name) {
  return const_cast<PopulationArray&>(std::as_const(*this).array(name));
}

const PopulationArray& Population::array(const std::string& name) const {
  const std::vector<PopulationArray*> found = all_of(name);
  check(!found.empty(), "the population has no array {}", name);
  return *found[0];
}

std::vector<std::string> Population::names() const {
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays_) names.push_back(name);
  return names;
}

void Population::keep_on_host() {
  on_host_ = true;
  const auto move = [](const Arrays& arrays) {
    for (const auto& [name, array] : arrays)
      if (array->layout().per_member) array->move_to_host();
  };
  move(arrays_);
  for (const auto& [dtype, arrays] : rounded_) move(arrays);
}

void Population::initialize(const std::vector<Parameter>& parameters, uint64_t seed) {
  for (const Parameter& parameter : parameters) {
    for (PopulationArray* target : all_of(parameter.name)) {
      const int64_t chunk = target->chunk_members();
      for (int64_t first = 0; first < members_; first += chunk) {
        const int64_t count = std::min(chunk, members_ - first);
        target->write_members<float>(first, initial_values(parameter, seed, first_member_ + first, count));
      }
    }
  }
}

std::vector<io::NamedTensor> Population::parameters(const std::vector<Parameter>& parameters) const {
  std::vector<io::NamedTensor> tensors;
  for (const Parameter& parameter : parameters) {
    const std::vector<float> values = array(parameter.name).read<float>();
    tensors.push_back({parameter.name, io::make_tensor(with_members(members_, parameter.shape), values)});
  }
  return tensors;
}

void Population::set_parameters(const std::vector<Parameter>& parameters, const std::vector<io::NamedTensor>& tensors,
                                const std::string& place) {
  for (const io::NamedTensor& tensor : tensors)
    if (std::none_of(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == tensor.name; }))
      throw SpecError(place, fmt::format("array \"{}\" is no parameter of the network", tensor.name));
  for (const Parameter& parameter : parameters) {
    const io::Tensor& tensor = io::array_named(tensors, parameter.name, place);
    const Shape expected = with_members(members_, parameter.shape);
    if (tensor.shape != expected)
      throw SpecError(place, fmt::format("array \"{}\": expected shape {} [members, ...], got {}", parameter.name,
                                         shape_text(expected), shape_text(tensor.shape)));
    const std::vector<float> values = io::to_float(tensor, place + ", array " + parameter.name);
    for (PopulationArray* target : all_of(parameter.name)) target->write<float>(values);
  }
}

}  // namespace shoal::runtime
