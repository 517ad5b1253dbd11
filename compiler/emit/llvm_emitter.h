// The state of one LLVM emission: the forms in which each value exists, what each slot holds now, the mask in force.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/emit/emit.h"
#include "compiler/emit/llvm_facts.h"
#include "compiler/emit/llvm_repeats.h"
#include "compiler/emit/llvm_writer.h"
#include "compiler/kernel/kernel.h"

namespace shoal::emit::ir {

class Emitter {
 public:
  Emitter(const kernel::Kernel&, const CpuFeatures&);
  std::string module();

 private:
  // Names or literals; empty where the form does not exist.
  struct Forms {
    std::string scalar{};     // uniform: the value; affine: its part that is the same in all lanes
    std::string wide{};       // the same in 64 bits
    std::string vector{};     // a value in each lane
    std::string kept_mask{};  // a varying pred as it crosses basic blocks
    std::string block{};      // where `vector` of a pred was made
  };
  // Which lanes are running, where not all are.
  struct Mask {
    std::string kept{};    // as it crosses basic blocks
    std::string vector{};  // <L x i1>
    std::string block{};   // where `vector` was made
    int32_t lane = -1;     // the only lane that is running, if it is known
  };
  struct Open {
    int32_t at = -1;                    // instruction that opened it
    std::vector<std::string> before{};  // what the changed slots held before
    std::string from{};                 // block that branched into it
    std::vector<size_t> phis{};         // placeholders: loops
    std::vector<std::string> names{};   // of those phis
    size_t counter_phi = 0, mask_phi = 0;
    std::string mask_before{};
    bool guarded = false;   // a loop that may run no iteration
    bool straight = false;  // no branches at all: a single iteration, or a predicate known to hold somewhere
  };
  struct Access {
    std::string pointer{};  // of lane 0, constant part included
    int64_t stride = 0;     // elements between lanes, where `offsets` is empty
    std::string offsets{};  // vector of further element offsets
    kernel::Type offset_type = kernel::Type::i32;
    kernel::Type element = kernel::Type::f32;  // of the buffer
    // What pointers advance by: elements of four bytes need no names of their own.
    std::string step() const { return kernel::element_bytes(element) == 4 ? "float" : scalar_type(element); }
    int64_t align() const { return kernel::element_bytes(element); }
  };

  // What the function of a repeated loop takes from outside the loop: a value in one of its forms, or a pointer.
  struct Parameter {
    enum class Kind : uint8_t { narrow, wide, vector, pointer } kind = Kind::narrow;
    int32_t value = -1;
    Address address{};
    std::string name{};
  };
  struct Function {
    int32_t model = -1;  // instruction
    std::string name{}, text{};
    std::vector<Parameter> parameters{};    // in the order in which the body came to want them
    std::vector<std::string> called_for{};  // what each call writes
  };

  bool has(std::string_view feature) const;
  bool is_arm() const { return features_.triple.starts_with("aarch64"); }
  bool rounds_down() const { return is_arm() || has("sse4.1"); }    // floor in one instruction
  bool fuses() const { return is_arm() || has("fma"); }             // multiply-add in one instruction
  bool converts_halves() const { return is_arm() || has("f16c"); }  // f16 to f32 in one instruction
  bool keeps_masks_in_registers() const { return has("avx512f"); }
  const kernel::Instruction& in(int32_t i) const { return kernel_.code[i]; }
  bool varying(int32_t i) const { return facts_.values[i].shape == Shape::varying; }
  bool uniform(int32_t i) const { return facts_.values[i].shape == Shape::uniform; }

  // Forms of a value, made on the spot where analysis did not foresee the wish.
  std::string scalar(int32_t i);
  std::string wide(int32_t i);
  std::string vector(int32_t i);
  void finish(int32_t i);  // after its definition: the forms that will be wanted
  std::string vector_from_scalar(int32_t i);

  // llvm_arith.cpp
  void leaf(int32_t i);
  void arith(int32_t i);
  std::string operation(int32_t i, kernel::Type type, bool is_vector, const std::string* operands);
  std::string intrinsic(std::string_view name, kernel::Type, bool is_vector, const std::string* operands, int count);
  std::string choose(std::string_view compare, const std::string& type, const std::string& a, const std::string& b);
  std::string floor_by_conversion(bool is_vector, const std::string& operand);
  std::string fma_by_doubles(bool is_vector, const std::string* operands);  // llvm_fma.cpp
  std::string convert_pred(const std::string& pred, kernel::Type to, bool is_vector);
  void lanes_xor(int32_t i);

  // llvm_memory.cpp
  void load(int32_t i);
  void store(int32_t i);
  Access access(const kernel::Instruction&);
  std::string pointer(const Address&);
  std::string element_pointer(const Access&, int32_t lane);
  std::string lane_pointers(const Access&);
  std::string gather(const Access&);
  // llvm_rows.cpp
  std::vector<int32_t> row_of(int32_t first) const;
  void load_rows(const std::vector<int32_t>& row, const Access& at);
  // An element as it is loaded, from how it stands in memory: what f16 and bf16 mean. llvm_half.cpp.
  std::string loaded(kernel::Type element, bool is_vector, const std::string& bits);
  std::string any_active_lane(kernel::Type, const std::string& vector);

  // llvm_control.cpp
  void slot_read(int32_t i);
  void slot_write(int32_t i, int32_t value);
  std::string slot_type(int32_t slot) const;
  std::string slot_zero(int32_t slot) const;
  void open_loop(int32_t i);
  void open_when(int32_t i);
  void open_repeat(int32_t i);
  void close_loop(const Open&);
  void close_when(const Open&);
  void close_repeat(const Open&, int32_t at);
  void start_phis(Open&);
  void fill_phis(const Open&, const std::string& latch);
  void leave(const Open&, const std::string& inside);
  std::string keep_mask(const std::string& vector);
  std::string use_mask(const std::string& kept);
  std::string mask();  // vector of the innermost mask, valid in this block
  std::string any(const std::string& mask_vector);
  void body(int32_t first, int32_t last);

  // llvm_functions.cpp
  bool is_parameter(int32_t value) const;  // of the function being written
  bool is_parameter(const Address&) const;
  std::string parameter(Parameter::Kind, int32_t value);
  std::string parameter(const Address&);
  std::string parameter_type(const Parameter&) const;
  bool is_alone(const Function&, const Parameter&) const;
  void call_function(int32_t i);
  void write_function(Function&);
  std::string definition(const Function&) const;
  std::string written_by(int32_t loop) const;

  // Several threads run a group together, each one warp.
  bool has_team() const { return kernel_.warps > 1; }
  void barrier();

  std::string signature() const;
  std::string entry_point();

  const kernel::Kernel& kernel_;
  const CpuFeatures& features_;
  Facts facts_;
  std::map<int32_t, Repeat> repeats_;
  std::map<int32_t, Function> functions_;  // by model
  Function* function_ = nullptr;           // being written
  Writer out_;
  std::vector<Forms> values_;
  std::vector<std::string> slots_;  // what each slot holds now
  std::vector<Mask> masks_;
  std::vector<Open> open_;
  std::map<Address, std::string> pointers_;
  std::set<int32_t> read_ahead_;               // loads that another one of their row has made
  std::map<std::string, std::string> called_;  // definitions of functions that arithmetic calls, by name
};

}  // namespace shoal::emit::ir
