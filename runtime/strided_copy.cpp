// One thread an element: its place in the view and in the layout follow from its number by constant divisions.
#include "runtime/strided_copy.h"

#include <algorithm>
#include <limits>

#include "compiler/support/error.h"
#include "runtime/io/tensor.h"

namespace shoal::runtime {
namespace {

using kernel::Builder;
using kernel::Op;

constexpr int64_t most_elements = std::numeric_limits<int32_t>::max();

// i64 places of elements, put together from i32 parts.
class Place {
 public:
  explicit Place(Builder& builder) : builder_(builder) {}
  void add(int32_t part, int64_t factor) {
    if (factor == 0) return;
    int32_t term = builder_.emit(Op::to_i64, part);
    if (factor != 1) term = builder_.emit(Op::mul, term, builder_.constant_i64(factor));
    sum_ = sum_ < 0 ? term : builder_.emit(Op::add, sum_, term);
  }
  int32_t value() { return sum_ < 0 ? builder_.constant_i64(0) : sum_; }

 private:
  Builder& builder_;
  int32_t sum_ = -1;
};

int32_t quotient(Builder& b, int32_t value, int64_t divisor) {
  return divisor == 1 ? value : b.emit(Op::div, value, b.constant_i32(divisor));
}
int32_t remainder(Builder& b, int32_t value, int64_t divisor) {
  return divisor == 1 ? b.constant_i32(0) : b.emit(Op::rem, value, b.constant_i32(divisor));
}

int32_t place_in_view(Builder& b, const StridedView& view, int32_t element) {
  Place place(b);
  int64_t inner = 1;  // elements of the axes behind this one
  for (size_t axis = view.shape.size(); axis-- > 0; inner *= view.shape[axis])
    if (view.shape[axis] > 1)
      place.add(remainder(b, quotient(b, element, inner), view.shape[axis]), view.strides[axis]);
  return place.value();
}

// (member / block) * row * block + (element of the member) * block + member % block
int32_t place_in_layout(Builder& b, const ArgumentLayout& layout, int32_t element) {
  Place place(b);
  if (layout.block == 1) {
    place.add(element, 1);
    return place.value();
  }
  const int32_t member = quotient(b, element, layout.row());
  place.add(quotient(b, member, layout.block), layout.row() * layout.block);
  place.add(remainder(b, element, layout.row()), layout.block);
  place.add(remainder(b, member, layout.block), 1);
  return place.value();
}

}  // namespace

int64_t StridedView::elements() const { return element_count(shape); }

int64_t StridedView::bytes() const {
  int64_t last = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) return 0;
    last += (shape[axis] - 1) * strides[axis];
  }
  return (last + 1) * 4;
}

bool StridedView::dense() const {
  int64_t wanted = 1;
  for (size_t axis = shape.size(); axis-- > 0; wanted *= shape[axis])
    if (shape[axis] > 1 && strides[axis] != wanted) return false;
  return true;
}

void verify(const StridedView& view, const std::string& place) {
  if (view.strides.size() != view.shape.size())
    throw SpecError(place, fmt::format("{} strides for shape {}", view.strides.size(), io::shape_text(view.shape)));
  if (view.address % 4 != 0) throw SpecError(place, fmt::format("address {:#x} is no multiple of 4", view.address));
  int64_t elements = 1;
  for (size_t axis = 0; axis < view.shape.size(); ++axis) {
    if (view.shape[axis] < 1 || view.strides[axis] < 0)
      throw SpecError(place,
                      fmt::format("axis {}: extent {} and stride {}, expected a positive extent and a stride that "
                                  "is not negative",
                                  axis, view.shape[axis], view.strides[axis]));
    if (__builtin_mul_overflow(elements, view.shape[axis], &elements) || elements > most_elements)
      throw SpecError(place,
                      fmt::format("shape {} has more than {} elements", io::shape_text(view.shape), most_elements));
    if (view.strides[axis] > (int64_t{1} << 40))
      throw SpecError(place, fmt::format("axis {}: a stride of {} elements", axis, view.strides[axis]));
  }
}

Module strided_copy(const Target& target, const ArgumentLayout& layout, const StridedView& view,
                    CopyDirection direction) {
  const bool into = direction == CopyDirection::into_layout;
  Module m;
  m.target = target;
  m.schedule = "copy";
  kernel::Kernel& k = m.kernel;
  k.name = into ? "shoal_copy_in" : "shoal_copy_out";
  k.header =
      fmt::format("shoal copy of {} elements {} the layout of a program", view.elements(), into ? "into" : "out of");
  k.lanes = target.lanes;
  k.warps = target.kind == Target::Kind::cuda ? 4 : 1;
  const kernel::Type type = layout.dtype == DType::i32 ? kernel::Type::i32 : kernel::Type::f32;
  k.buffers.push_back({"view", kernel::Space::global, type, 0, 0, !into});
  k.buffers.push_back({"packed", kernel::Space::global, type, 0, 0, into});

  Builder b(k);
  const int64_t threads = int64_t{k.lanes} * k.warps;
  const auto elements = view.elements();
  int32_t thread = b.leaf(Op::lane);
  if (k.warps > 1) thread = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(k.lanes)), thread);
  const int32_t element = b.emit(Op::add, b.emit(Op::mul, b.leaf(Op::group), b.constant_i32(threads)), thread);
  b.when(b.emit(Op::lt, element, b.constant_i32(elements)));
  const int32_t outside = place_in_view(b, view, element), inside = place_in_layout(b, layout, element);
  const int32_t value = b.load(into ? 0 : 1, into ? outside : inside, -1, 0);
  b.store(into ? 1 : 0, into ? inside : outside, -1, 0, value);
  b.end();
  kernel::verify(k, "strided_copy");
  m.groups = (elements + threads - 1) / threads;
  m.source = target.kind == Target::Kind::cuda ? emit::cuda(k) : emit::llvm(k, target.cpu);
  return m;
}

}  // namespace shoal::runtime
