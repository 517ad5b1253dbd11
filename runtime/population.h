// Population: the parameters, states, hyperparameters and order keys of P members on one device, shared by programs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/graph/scope.h"
#include "runtime/device.h"
#include "runtime/io/npz.h"
#include "runtime/population_array.h"

namespace shoal::runtime {

class Population {
 public:
  // Member m of this population is member first_member + m of all: its random numbers are keyed by that number, so that
  // a population may be trained in parts, on several machines, with the same result.
  Population(Device& device, int64_t members, int64_t first_member = 0);

  Device& device() const { return device_; }
  int64_t members() const { return members_; }
  int64_t first_member() const { return first_member_; }

  // Whether an argument belongs to the population rather than to one program.
  static bool owns(const Argument&);

  // The array of an argument in the layout that a module wants: made (zeros), or, when it is held in another layout,
  // moved into this one. References stay valid until the array is asked for in another layout.
  PopulationArray& array(const Argument&, int64_t member_multiple);
  // Where the argument is stored as f16 or bf16, and the population holds it as f32 too: the first is made anew from
  // the second, which stays as it is. A program that only reads parameters asks for this when it is made; what trains
  // them afterwards does not reach it.
  void round_stored(const Argument&, int64_t member_multiple);
  PopulationArray& array(const std::string& name);  // throws InternalError when there is none
  const PopulationArray& array(const std::string& name) const;
  // Whether array() would move the argument's array into another layout, for which both need memory.
  bool would_move(const Argument&, int64_t member_multiple) const;
  bool has(const std::string& name) const { return arrays_.count(name) != 0; }
  std::vector<std::string> names() const;

  // From now on the arrays of members stand in host memory, for programs that take them to the device in parts
  // (member_parts.h).
  void keep_on_host();
  bool is_on_host() const { return on_host_; }

  // Fills the parameters by their initializers; independent of the population's size, the schedule and the device.
  void initialize(const std::vector<Parameter>&, uint64_t seed);

  // The parameters as the user's arrays, [members, shape...] in PyTorch's layout, and back. set_parameters takes
  // arrays for all of `parameters`; throws SpecError at `place` for a missing or unknown name or another shape.
  std::vector<io::NamedTensor> parameters(const std::vector<Parameter>&) const;
  void set_parameters(const std::vector<Parameter>&, const std::vector<io::NamedTensor>&, const std::string& place);

 private:
  Device& device_;
  int64_t members_, first_member_;
  using Arrays = std::map<std::string, std::unique_ptr<PopulationArray>>;
  // Of this name, f32 or i32 first; empty when there is none.
  std::vector<PopulationArray*> all_of(const std::string& name) const;

  bool on_host_ = false;
  Arrays arrays_;
  std::map<DType, Arrays> rounded_;  // f16 and bf16: copies, or all there is where nothing trains
};

}  // namespace shoal::runtime
