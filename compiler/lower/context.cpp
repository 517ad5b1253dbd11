// Buffers of the kernel, the member's place in each, and single elements read and written.
#include "compiler/lower/context.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "compiler/support/error.h"

namespace shoal::lower {

using kernel::Op;
using kernel::Space;
using kernel::Type;

namespace {

Type memory_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return Type::f32;
    case DType::i32:
    case DType::boolean: return Type::i32;
    case DType::f16: return Type::f16;
    case DType::bf16: return Type::bf16;
  }
  return Type::none;
}

// What divides the i64 start of a member's part: the product that member_base() makes.
int64_t multiple_of_base(const kernel::Kernel& kernel, int32_t base) {
  const kernel::Instruction& in = kernel.code[base];
  return in.op == Op::mul && kernel.code[in.args[1]].op == Op::constant ? kernel.code[in.args[1]].imm : 1;
}

std::string identifier(const std::string& name) {
  std::string text;
  for (char c : name) text += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) text = "p" + text;
  return text;
}

}  // namespace

Context::Context(const plan::Plan& plan_, kernel::Builder& builder_)
    : plan(plan_), builder(builder_), addresses(builder_) {
  using plan::PopulationAxis;
  kernel::Kernel& k = builder.kernel();
  const plan::Schedule& schedule = plan.schedule;
  const plan::Spread& member = schedule[PopulationAxis::member];
  bool in_lanes = schedule.members_in_lanes();
  k.warps = schedule.warps();
  k.lanes = schedule.lanes();
  threads_share = !in_lanes && k.warps * k.lanes > schedule.members_of_group();
  whole_group = schedule[PopulationAxis::sample].warp * schedule[PopulationAxis::unit].warp > 1;
  lane_ = builder.leaf(Op::lane);
  if (k.warps > 1) warp_ = builder.leaf(Op::warp);

  // The index of the member (or of the block of `lanes` members) that this thread works on, and its number in the
  // group.
  int32_t group = builder.leaf(Op::group);
  int32_t slot = -1;  // of the member, or of the block of members
  if (member.warp > 1) {
    int divisor = schedule[PopulationAxis::sample].warp * schedule[PopulationAxis::unit].warp;
    slot = divisor == 1 ? warp_ : builder.emit(Op::div, warp_, builder.constant_i32(divisor));
  }
  if (!in_lanes && member.lane > 1) {
    int32_t in_warp = builder.emit(Op::div, lane_, builder.constant_i32(schedule.lanes_of_member()));
    slot = slot < 0 ? in_warp
                    : builder.emit(Op::add, builder.emit(Op::mul, slot, builder.constant_i32(member.lane)), in_warp);
  }
  const int64_t slots = int64_t{member.warp} * (in_lanes ? 1 : member.lane);
  if (slots > 1) group = builder.emit(Op::add, builder.emit(Op::mul, group, builder.constant_i32(slots)), slot);
  int32_t member_index = builder.emit(Op::to_i64, group);
  auto member_base = [&](int64_t elements) {
    return builder.emit(Op::mul, member_index, builder.constant_i64(elements * (in_lanes ? k.lanes : 1)));
  };

  std::vector<std::string> used;
  auto unique = [&](std::string name) {
    name = identifier(name);
    std::string candidate = name;
    for (int i = 2; std::find(used.begin(), used.end(), candidate) != used.end(); ++i)
      candidate = name + "_" + std::to_string(i);
    used.push_back(candidate);
    return candidate;
  };
  slots_.resize(plan.values.size());
  buffer_.assign(plan.values.size(), -1);
  base_.assign(plan.values.size(), -1);
  for (const plan::PlanArgument& a : plan.arguments) {
    int64_t fixed = a.varies.member ? 0 : element_count(a.shape) * (a.varies.sample ? plan.batch : 1);
    buffer_[a.value] = static_cast<int32_t>(k.buffers.size());
    k.buffers.push_back({unique(a.name), Space::global, memory_type(a.dtype), fixed, 0, a.written});
    if (a.varies.member) base_[a.value] = member_base(plan.places[a.value].size);
  }
  int32_t scratch = -1;
  if (plan.scratch_size > 0) {
    scratch = static_cast<int32_t>(k.buffers.size());
    k.buffers.push_back({unique("scratch"), Space::global, Type::f32, 0, 0, true});
    scratch_base_ = member_base(plan.scratch_size);
  }
  const int64_t sharing = schedule.members_of_group();
  k.shared_elements = plan.shared_size * sharing;
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const plan::Place& p = plan.places[v];
    if (plan.values[v].argument >= 0 || p.first_nest < 0) continue;
    if (p.kind == plan::Place::Kind::scratch) {
      buffer_[v] = scratch;
      base_[v] = scratch_base_;
      continue;
    }
    if (p.kind == plan::Place::Kind::registers) {
      buffer_[v] = static_cast<int32_t>(k.buffers.size());
      k.buffers.push_back(
          {unique(plan.values[v].name), Space::local, memory_type(plan.values[v].dtype), p.size, 0, true});
      continue;
    }
    buffer_[v] = static_cast<int32_t>(k.buffers.size());
    int64_t size = in_lanes ? p.size * sharing : plan.shared_size * (sharing - 1) + p.size;
    int64_t offset = in_lanes ? p.offset * sharing : p.offset;
    k.buffers.push_back(
        {unique(plan.values[v].name), Space::shared, memory_type(plan.values[v].dtype), size, offset, true});
  }
  if (slots > 1 && !in_lanes && plan.shared_size > 0) member_slot_ = slot;
}

// (id / div) % count of an id in [0, total).
int32_t Context::part(int32_t id, int32_t div, int32_t count, int32_t total) {
  if (count == 1) return -1;
  std::vector<int32_t> key{id, div, count};
  if (int32_t known = threads_.find(key); known >= 0) return known;
  int32_t result = id;
  if (div > 1) result = builder.emit(Op::div, result, builder.constant_i32(div));
  if (div * count < total) result = builder.emit(Op::rem, result, builder.constant_i32(count));
  threads_.insert(key, result);
  return result;
}

// Runs of neighbouring bits of the lane, each moved to its place.
int32_t Context::lane(const plan::AxisBinding& binding) {
  const std::vector<int32_t>& bits = binding.lane_bits;
  if (bits.empty()) return -1;
  std::vector<int32_t> key{-1};
  key.insert(key.end(), bits.begin(), bits.end());
  if (int32_t known = threads_.find(key); known >= 0) return known;
  int32_t result = -1;
  for (size_t j = 0; j < bits.size();) {
    size_t end = j + 1;
    while (end < bits.size() && bits[end] == bits[end - 1] + 1) ++end;
    int32_t run = part(lane_, 1 << bits[j], 1 << (end - j), builder.kernel().lanes);
    if (j > 0) run = builder.emit(Op::mul, run, builder.constant_i32(int64_t{1} << j));
    result = result < 0 ? run : builder.emit(Op::bor, result, run);
    j = end;
  }
  threads_.insert(key, result);
  return result;
}

int32_t Context::warp(const plan::AxisBinding& binding) {
  return part(warp_, binding.warp_div, binding.warp_count, builder.kernel().warps);
}

int32_t Context::thread(const plan::AxisBinding& binding) {
  if (binding.warp_count == 1) return lane(binding);
  std::vector<int32_t> key{-2, binding.warp_div, binding.warp_count};
  key.insert(key.end(), binding.lane_bits.begin(), binding.lane_bits.end());
  if (int32_t known = threads_.find(key); known >= 0) return known;
  int32_t result = builder.emit(Op::mul, warp(binding), builder.constant_i32(binding.lane_count));
  if (int32_t in_warp = lane(binding); in_warp >= 0) result = builder.emit(Op::add, result, in_warp);
  threads_.insert(key, result);
  return result;
}

int32_t Context::is_lane(size_t number) {
  if (const int32_t known = is_lane_.find(number); known >= 0) return known;
  const int32_t is = builder.emit(Op::eq, lane_, builder.constant_i32(static_cast<int64_t>(number)));
  is_lane_.insert(number, is);
  return is;
}

int32_t Context::first_of_idle(const plan::Binding& binding) {
  int32_t pred = -1;
  auto require = [&](int32_t id, int32_t div, int32_t count, int32_t total) {
    if (count == 1) return;
    if (div > 1) id = builder.emit(Op::div, id, builder.constant_i32(div));
    if (div * count < total) id = builder.emit(Op::rem, id, builder.constant_i32(count));
    int32_t first = builder.emit(Op::eq, id, builder.constant_i32(0));
    pred = pred < 0 ? first : builder.emit(Op::band, pred, first);
  };
  require(lane_, binding.idle_lane_div, binding.idle_lanes, builder.kernel().lanes);
  require(warp_, binding.idle_warp_div, binding.idle_warps, builder.kernel().warps);
  return pred;
}

// Position in the value's own order of elements.
Linear Context::linear(int32_t value, const Linear& sample, const std::vector<Linear>& dims) const {
  const plan::Value& v = plan.values[value];
  const plan::Place& p = plan.places[value];
  Linear element;
  for (size_t d = 0; d < dims.size(); ++d) element.add(dims[d], p.strides[d]);
  if (v.varies.sample) {
    element.add(sample, p.sample_stride);
    if (p.sample_extent == plan.batch) element.add(chunk.base, p.sample_stride);
  }
  return element;
}

Context::Target Context::locate(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  const plan::Value& v = plan.values[value];
  const plan::Place& p = plan.places[value];
  check(buffer_[value] >= 0, "value '{}' has no memory", v.name);
  if (p.kind == plan::Place::Kind::registers) return in_own_registers(value, sample, dims);
  if (p.swizzle > 0) return in_matrix(value, sample, dims);
  Linear element = linear(value, sample, dims), index;
  bool in_lanes = plan.schedule.members_in_lanes();
  bool shared = v.argument < 0 && p.kind == plan::Place::Kind::shared;
  if (p.kind == plan::Place::Kind::scratch) element.constant += p.offset;
  if (!in_lanes || !v.varies.member) {
    index = element;
    if (shared) index.add(member_slot_, plan.shared_size);
  } else {
    // Members in lanes: each element is followed by its copies of the other lanes (and, in shared memory, warps).
    int64_t lanes = builder.kernel().lanes, copies = shared ? lanes * builder.kernel().warps : lanes;
    index.add(element, copies);
    index.add(lane_, 1);
    if (shared) index.add(warp_, lanes);
  }
  return {buffer_[value], base_[value], addresses.index(index), index.constant};
}

Context::Target Context::in_matrix(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  const plan::Value& v = plan.values[value];
  const plan::Place& p = plan.places[value];
  Linear row, column;
  for (size_t d = 0; d < dims.size(); ++d) {
    bool is_column = p.strides[d] < p.swizzle;
    (is_column ? column : row).add(dims[d], is_column ? p.strides[d] : p.strides[d] / p.swizzle);
  }
  if (v.varies.sample) {
    bool is_column = p.sample_stride < p.swizzle;
    int64_t stride = is_column ? p.sample_stride : p.sample_stride / p.swizzle;
    (is_column ? column : row).add(sample, stride);
    if (p.sample_extent == plan.batch) (is_column ? column : row).add(chunk.base, stride);
  }
  auto [index, imm] = addresses.swizzled(row, column, p.swizzle);
  if (member_slot_ >= 0) {
    Linear sum;
    sum.add(index, 1);
    sum.add(member_slot_, plan.shared_size);
    index = addresses.index(sum);
  }
  return {buffer_[value], base_[value], index, imm};
}

// The constant part of the position tells the points of one thread apart; the rest says which thread it is.
Context::Target Context::in_own_registers(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  int64_t position = linear(value, sample, dims).constant;
  auto slot = slots_[value].emplace(position, static_cast<int64_t>(slots_[value].size())).first;
  check(slot->second < plan.places[value].size, "value '{}' takes more than {} registers", plan.values[value].name,
        plan.places[value].size);
  return {buffer_[value], -1, -1, slot->second};
}

void Context::prepare(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  if (in_registers(value)) return;  // the points are not known yet
  locate(value, sample, dims);
}

int Context::width_at(const Target& t) const {
  const kernel::Kernel& k = builder.kernel();
  if (plan.access == 1 || k.buffers[t.buffer].space == Space::local) return 1;
  int64_t multiple = plan.access;
  if (t.base >= 0) multiple = std::gcd(multiple, multiple_of_base(k, t.base));
  if (t.index >= 0) multiple = std::gcd(multiple, bounds_of(k, t.index).multiple);
  multiple = std::gcd(multiple, t.imm);
  multiple = std::gcd(multiple, k.buffers[t.buffer].space == Space::shared ? k.buffers[t.buffer].offset : 0);
  return static_cast<int>(multiple);
}

void Context::expect(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  if (plan.access == 1 || in_registers(value)) return;
  Target t = locate(value, sample, dims);
  expected_[{t.buffer, t.base, t.index, t.imm >> 2}] |= 1 << (t.imm & 3);
}

// Booleans are kept as 0 and 1; integers in scratch (which is f32) as their bits.
int32_t Context::from_memory(int32_t buffer, DType dtype, int32_t loaded) {
  if (dtype == DType::f32) return loaded;
  if (builder.kernel().buffers[buffer].type == Type::f32) loaded = builder.emit(Op::bits_i32, loaded);
  return dtype == DType::boolean ? builder.emit(Op::lt, builder.constant_i32(0), loaded) : loaded;
}

int32_t Context::to_memory(int32_t buffer, DType dtype, int32_t value) {
  if (dtype == DType::boolean) value = builder.emit(Op::to_i32, value);
  bool integer = dtype != DType::f32;
  return integer && builder.kernel().buffers[buffer].type == Type::f32 ? builder.emit(Op::bits_f32, value) : value;
}

int32_t Context::whole_index(const Target& t) {
  if (t.index < 0) return builder.constant_i32(t.imm);
  return t.imm == 0 ? t.index : builder.emit(Op::add, t.index, builder.constant_i32(t.imm));
}

int32_t Context::load(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t valid) {
  Target t = locate(value, sample, dims);
  DType dtype = plan.values[value].dtype;
  if (valid >= 0 && !in_registers(value)) {
    int32_t first = whole_index(locate(value, {}, std::vector<Linear>(dims.size())));
    t.index = builder.emit(Op::select, valid, whole_index(t), first);
    t.imm = 0;
  }
  std::array<int64_t, 4> key{t.buffer, t.base, t.index, t.imm};
  if (int32_t known = loads_.find(key); known >= 0) return known;
  Target begin = t;
  int width = 1;
  if (auto found = expected_.find({t.buffer, t.base, t.index, t.imm >> 2}); found != expected_.end() && valid < 0) {
    for (int wanted : {4, 2}) {
      begin.imm = t.imm & ~int64_t{wanted - 1};
      int all = (1 << wanted) - 1;
      bool whole = (found->second >> (begin.imm & 3) & all) == all;
      if (wanted > plan.access || !whole || width_at(begin) < wanted) continue;
      width = wanted;
      break;
    }
    if (width == 1) begin = t;
  }
  int32_t loaded = builder.load(begin.buffer, begin.base, begin.index, begin.imm, width);
  int32_t result = -1;
  for (int i = 0; i < width; ++i) {
    int32_t element = from_memory(t.buffer, dtype, loaded + i);
    loads_.insert({t.buffer, t.base, t.index, begin.imm + i}, element);
    if (begin.imm + i == t.imm) result = element;
  }
  return result;
}

void Context::store(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t scalar) {
  store_all({{value, sample, dims, scalar}});
}

bool Context::neighbours(const Element& first, const Element& second) {
  if (first.value != second.value || in_registers(first.value)) return false;
  Target t = locate(first.value, first.sample, first.dims);
  ++t.imm;
  return t == locate(second.value, second.sample, second.dims);
}

void Context::store_all(const std::vector<Element>& elements) {
  std::vector<Target> targets;
  std::vector<int32_t> scalars;
  for (const Element& e : elements) {
    targets.push_back(locate(e.value, e.sample, e.dims));
    scalars.push_back(to_memory(targets.back().buffer, plan.values[e.value].dtype, e.scalar));
  }
  for (size_t i = 0; i < targets.size();) {
    size_t run = 1;
    Target next = targets[i];
    while (i + run < targets.size() && (++next.imm, next == targets[i + run])) ++run;
    int width = width_at(targets[i]);
    while (width > static_cast<int>(run)) width /= 2;
    for (int n = 0; n < width; ++n) {
      const Target& t = targets[i + n];
      builder.store(t.buffer, t.base, t.index, t.imm, scalars[i + n], n == 0 ? width : 0);
    }
    i += width;
  }
}

void Context::open() {
  addresses.open();
  loads_.open();
  threads_.open();
  is_lane_.open();
}

void Context::close() {
  addresses.close();
  loads_.close();
  threads_.close();
  is_lane_.close();
}

}  // namespace shoal::lower
