// Choosing between in place and copied.
#include "runtime/bound_array.h"

#include "compiler/support/error.h"
#include "runtime/io/tensor.h"

namespace shoal::runtime {
namespace {

// Kernels load up to 16 bytes at once, and read the members that pad the last group.
bool is_usable_in_place(const ArgumentLayout& layout, const StridedView& view) {
  return layout.block == 1 && layout.padded == layout.members && view.dense() && view.address % 16 == 0;
}

}  // namespace

BoundArray::BoundArray(Device& device, const std::string& name, const ArgumentLayout& layout, const StridedView& view,
                       bool written)
    : written_(written) {
  verify(view, name);
  if (view.elements() != layout.dense_elements())
    throw SpecError(name, fmt::format("expected a view of {} elements, got {} of shape {}", layout.dense_elements(),
                                      view.elements(), io::shape_text(view.shape)));
  view_ = device.view(view.address, view.bytes());
  if (is_usable_in_place(layout, view)) return;
  packed_ = device.allocate(layout.bytes());
  copy_ = device.load(
      strided_copy(device.target(), layout, view, written ? CopyDirection::out_of_layout : CopyDirection::into_layout));
}

DeviceBuffer* BoundArray::buffer() const { return packed_ ? packed_.get() : view_.get(); }

std::unique_ptr<Ticket> BoundArray::before_launch() {
  return copy_ && !written_ ? copy_->start({view_.get(), packed_.get()}, {}) : nullptr;
}

std::unique_ptr<Ticket> BoundArray::after_launch() {
  return copy_ && written_ ? copy_->start({view_.get(), packed_.get()}, {}) : nullptr;
}

}  // namespace shoal::runtime
