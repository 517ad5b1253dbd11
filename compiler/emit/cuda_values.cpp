// Pending text is written out before what it reads may change.
#include "compiler/emit/cuda_values.h"

#include <algorithm>
#include <utility>

#include "compiler/emit/cuda_addresses.h"
#include "compiler/emit/cuda_names.h"
#include "compiler/emit/cuda_uses.h"

namespace shoal::emit {
namespace {

constexpr size_t longest_inlined = 88;  // longer expressions get a name, so that lines stay readable

}  // namespace

CudaValues::CudaValues(const kernel::Kernel& kernel)
    : kernel_(kernel),
      ranges_(kernel::value_ranges(kernel)),
      in_bytes_(shared_byte_offsets(kernel)),
      values_(kernel.code.size()),
      uses_(inlining_uses(kernel)),
      renewed_(renewed_behind_steps(kernel)) {}

Expression CudaValues::atom(int32_t value) {
  if (!values_[value].atomic() && code(value).op != kernel::Op::loop) materialise(value);
  return values_[value];
}

void CudaValues::define(int32_t i, Expression e) {
  const kernel::Range& range = ranges_[i].range;
  if (code(i).type == kernel::Type::i32 && range.low == range.high && !in_bytes_[i])
    e = int_literal(static_cast<int32_t>(range.low));
  const bool free = e.atomic();
  const bool inlined = uses_[i] == 1 && e.text.size() <= longest_inlined;
  values_[i] = std::move(e);
  if (uses_[i] == 0 || free) return;
  if (inlined) {
    pending_.insert(i);
  } else {
    materialise(i);
  }
}

void CudaValues::materialise(int32_t i) {
  const Expression& e = values_[i];
  const bool is_unsigned = e.is_unsigned;
  const std::string text =
      fmt::format("const {} v{} = {};", is_unsigned ? "unsigned" : c_type(code(i).type), i, e.text);
  line("{}", text);
  if (renewed_[i]) written_[i] = text;
  values_[i] = name(fmt::format("v{}", i));
  values_[i].is_unsigned = is_unsigned;
  pending_.erase(i);
}

void CudaValues::flush_if(const std::function<bool(const Expression&)>& concerned) {
  const std::vector<int32_t> waiting(pending_.begin(), pending_.end());
  for (int32_t i : waiting)
    if (concerned(values_[i])) materialise(i);
}

void CudaValues::flush_readers_of(int64_t state) {
  flush_if([&](const Expression& e) { return std::find(e.reads.begin(), e.reads.end(), state) != e.reads.end(); });
}

void CudaValues::flush_all_readers() {
  flush_if([](const Expression& e) { return !e.reads.empty(); });
}

void CudaValues::write_renewed() {
  for (const auto& [value, text] : written_) line("{}", text);
}

}  // namespace shoal::emit
