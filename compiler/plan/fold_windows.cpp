// CPU: what reads a sum at all points of windows that lie side by side, as a pooling does, takes them from the
// registers in which the sum's tile has them, and the sum is not stored.
//
// The two nests become one: it has an axis for each dimension of the window, all of whose points stand in every tile,
// and its epilogue names the sum of each point. Runs behind border, so that windows of what is summed are plain
// indices.
#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/plan/bind.h"
#include "compiler/plan/index.h"
#include "compiler/plan/plan.h"

namespace shoal::plan {
namespace {

// Places in a tile's budget for each point of a window: one for an operand of the sum, which is read for all windows of
// the tile and so stays in a register too, and two for the sums of two windows, without which nothing is shared.
constexpr int64_t least_places = 3;

// Work that may be done in another nest of its region: no nest is, of which more than axes and a body is to be kept.
bool is_plain(const Nest& nest) {
  return nest.quotients.empty() && nest.phase == Phase::steps && !nest.over_chunks && !nest.relayout;
}

// How a reader walks through dimension `d` of the sum: windows of `extent` elements from `start` on.
struct Dimension {
  Index start;
  int64_t extent = 1;
  int64_t size = 1;  // of the dimension
};

// The parallel sample axis of a nest, -1 for none.
int32_t sample_of(const Nest& nest) {
  for (size_t a = 0; a < nest.axes.size(); ++a)
    if (nest.axes[a].sample && !nest.axes[a].reduced) return static_cast<int32_t>(a);
  return -1;
}

// The reader with the sum in its registers.
class Fold {
 public:
  Fold(const Nest& sum, const Nest& reader, const std::vector<Dimension>& dims)
      : sum_(sum), dims_(dims), nest_(reader) {
    make_axes(reader);
    nest_.body.clear();
    std::vector<bool> summed(sum.body.size(), false);
    summed[sum.reduced] = true;
    nest_.reduced = copied(sum.reduced, with_operands(sum, std::move(summed)), axes_, {});
    nest_.reduction = sum.reduction;
    copy_reader(reader);
  }

  Nest nest() && { return std::move(nest_); }

 private:
  void make_axes(const Nest& reader) {
    axes_.resize(sum_.axes.size());
    for (size_t d = 0; d < dims_.size(); ++d) {
      if (!has_axis(d)) continue;
      Index& index = axes_[axis_of(d)];
      index = dims_[d].start;
      if (dims_[d].extent == 1) continue;
      index.terms.push_back(next_axis());
      nest_.axes.push_back({sum_.axes[axis_of(d)].name + "_in", dims_[d].extent, false, false, true});
    }
    if (const int32_t sample = sample_of(sum_); sample >= 0) axes_[sample].terms = {{sample_of(reader), 1}};
    for (size_t a = 0; a < sum_.axes.size(); ++a) {
      if (!sum_.axes[a].window && !sum_.axes[a].reduced) continue;
      axes_[a].terms = {next_axis()};
      nest_.axes.push_back(sum_.axes[a]);
    }
  }

  Term next_axis() const { return {static_cast<int32_t>(nest_.axes.size()), 1}; }
  bool has_axis(size_t d) const { return !sum_.stores[0].access.dims[d].terms.empty(); }
  size_t axis_of(size_t d) const { return static_cast<size_t>(sum_.stores[0].access.dims[d].terms[0].axis); }

  // Each load of the sum is what the sum's nest would have stored there.
  void copy_reader(const Nest& reader) {
    std::vector<int32_t> number(reader.body.size(), -1);
    for (size_t i = 0; i < reader.body.size(); ++i) {
      Scalar s = reader.body[i];
      if (s.kind == Scalar::Kind::load && s.access.value == sum_.stores[0].access.value) {
        number[i] = stored_at(s.access);
        continue;
      }
      number[i] = add(std::move(s), number);
    }
    for (Store& store : nest_.stores) store.scalar = number[store.scalar];
  }

  int32_t stored_at(const Access& access) {
    std::vector<Index> at = axes_, of_window;
    for (size_t d = 0; d < dims_.size(); ++d) {
      if (!has_axis(d)) continue;
      at[axis_of(d)] = access.dims[d];
      if (dims_[d].extent > 1) of_window.push_back({{}, access.dims[d].offset - dims_[d].start.offset});
    }
    std::vector<bool> stored(sum_.body.size(), false);
    stored[sum_.stores[0].scalar] = true;
    return copied(sum_.stores[0].scalar, with_operands(sum_, std::move(stored)), at, of_window);
  }

  // Copies what is wanted of the sum's body; the new number of scalar `last`. `of_window`: whose sum an accumulator is,
  // where the reader brings a window.
  int32_t copied(int32_t last, const std::vector<bool>& wanted, const std::vector<Index>& axes,
                 const std::vector<Index>& of_window) {
    std::vector<int32_t> number(sum_.body.size(), -1);
    for (size_t i = 0; i < sum_.body.size(); ++i) {
      if (!wanted[i]) continue;
      Scalar s = sum_.body[i];
      s.index = substituted(s.index, axes);
      for (Index& index : s.access.dims) index = substituted(index, axes);
      for (Guard& guard : s.guards) guard.index = substituted(guard.index, axes);
      if (s.kind == Scalar::Kind::accumulator && !of_window.empty()) s.access.dims = of_window;
      number[i] = add(std::move(s), number);
    }
    return number[last];
  }

  int32_t add(Scalar s, const std::vector<int32_t>& number) {
    for (int32_t& arg : s.args)
      if (arg >= 0) arg = number[arg];
    if (s.access.indirect >= 0) s.access.indirect = number[s.access.indirect];
    nest_.body.push_back(std::move(s));
    return static_cast<int32_t>(nest_.body.size()) - 1;
  }

  const Nest& sum_;
  const std::vector<Dimension>& dims_;
  std::vector<Index> axes_;  // by axis of the sum: what it is in the new nest
  Nest nest_;
};

class WindowFolder {
 public:
  explicit WindowFolder(Plan& plan) : plan_(plan) {}

  void run() {
    for (size_t n = 0; n < plan_.nests.size(); ++n)
      if (const std::optional<Foldable> found = foldable(n)) {
        plan_.nests[n] = Fold(plan_.nests[found->sum], plan_.nests[n], found->dims).nest();
        plan_.nests.erase(plan_.nests.begin() + static_cast<std::ptrdiff_t>(found->sum));
        --n;
      }
  }

 private:
  struct Foldable {
    size_t sum;  // the nest
    std::vector<Dimension> dims;
  };

  // A sum that only nest `reader` reads, window by window.
  std::optional<Foldable> foldable(size_t reader) const {
    const Nest& nest = plan_.nests[reader];
    if (nest.reduced >= 0 || !is_plain(nest)) return {};
    for (const Scalar& s : nest.body) {
      if (s.kind != Scalar::Kind::load) continue;
      const std::optional<size_t> sum = only_maker(s.access.value, reader);
      if (!sum || !may_move(*sum, reader)) continue;
      std::optional<std::vector<Dimension>> dims = dimensions(plan_.nests[*sum], nest);
      if (dims && lie_side_by_side(*dims, plan_.nests[*sum], nest)) return Foldable{*sum, std::move(*dims)};
    }
    return {};
  }

  // The nest that makes a temporary which nest `reader` alone reads, and nothing else.
  std::optional<size_t> only_maker(int32_t value, size_t reader) const {
    if (plan_.values[value].argument >= 0) return {};
    std::optional<size_t> maker;
    for (size_t n = 0; n < plan_.nests.size(); ++n) {
      for (const Scalar& s : plan_.nests[n].body)
        if (s.kind == Scalar::Kind::load && s.access.value == value && n != reader) return {};
      for (const Store& store : plan_.nests[n].stores) {
        if (store.access.value != value) continue;
        if (maker || plan_.nests[n].stores.size() != 1) return {};
        maker = n;
      }
    }
    return maker;
  }

  // Whether what the sum reads is the same where the reader stands.
  bool may_move(size_t sum, size_t reader) const {
    const Nest &from = plan_.nests[sum], &to = plan_.nests[reader];
    if (sum > reader || from.reduced < 0 || !is_plain(from) || from.region != to.region || from.loop != to.loop)
      return false;
    for (const Scalar& s : from.body)
      for (size_t n = sum + 1; n <= reader && s.kind == Scalar::Kind::load; ++n)
        for (const Store& store : plan_.nests[n].stores)
          if (store.access.value == s.access.value) return false;
    return true;
  }

  // Whether the reader's windows lie side by side, so that no sum is computed twice, and two of them fit into a tile.
  bool lie_side_by_side(const std::vector<Dimension>& dims, const Nest& sum, const Nest& reader) const {
    std::vector<bool> named(reader.axes.size(), false);
    int64_t points = 1;
    for (const Dimension& d : dims) {
      points *= d.extent;
      int64_t last = d.start.offset + d.extent - 1;
      if (d.start.terms.size() > 1) return false;
      for (const Term& term : d.start.terms) {
        if (term.axis >= static_cast<int32_t>(reader.axes.size()) || term.factor < d.extent || named[term.axis])
          return false;
        named[term.axis] = true;
        last += term.factor * (reader.axes[term.axis].extent - 1);
      }
      if (last >= d.size) return false;  // goes through several dimensions as flat memory
    }
    for (size_t a = 0; a < reader.axes.size(); ++a)
      if (!named[a] && !reader.axes[a].sample) return false;
    if (points > 1 && std::ranges::any_of(sum.axes, &Axis::window)) return false;  // one of its own already
    const Schedule& schedule = plan_.schedule;
    const int64_t tile = int64_t{schedule.tile_sample} * schedule.tile_unit;
    return (points == 1 || points * least_places <= tile) && (sample_of(sum) >= 0) == (sample_of(reader) >= 0);
  }

  // By dimension of the sum in memory. None where its points are not stored as its axes number them, or where the
  // reader's loads are not all points of one window.
  std::optional<std::vector<Dimension>> dimensions(const Nest& sum, const Nest& reader) const {
    const Access& stored = sum.stores[0].access;
    const Shape& shape = plan_.values[stored.value].dims;
    std::vector<Dimension> dims(shape.size());
    std::vector<int64_t> last(shape.size());
    int64_t loads = 0, points = 1;
    for (const Scalar& s : reader.body) {
      if (s.kind != Scalar::Kind::load || s.access.value != stored.value) continue;
      if (!s.guards.empty() || s.access.indirect >= 0) return {};
      for (size_t d = 0; d < shape.size(); ++d) {
        const Index& index = s.access.dims[d];
        if (loads == 0) dims[d].start = index, last[d] = index.offset;
        if (index.terms != dims[d].start.terms) return {};
        dims[d].start.offset = std::min(dims[d].start.offset, index.offset);
        last[d] = std::max(last[d], index.offset);
      }
      ++loads;
    }
    for (size_t d = 0; d < shape.size(); ++d) {
      const Index& index = stored.dims[d];
      const bool whole = index.offset == 0 && index.terms.size() == 1 && index.terms[0].factor == 1 &&
                         index.terms[0].axis < static_cast<int32_t>(sum.axes.size()) &&
                         sum.axes[index.terms[0].axis].extent == shape[d];
      if (!whole && !(index == Index{} && shape[d] == 1)) return {};
      dims[d].extent = last[d] - dims[d].start.offset + 1;
      dims[d].size = shape[d];
      points *= dims[d].extent;
    }
    if (loads != points) return {};
    return dims;
  }

  Plan& plan_;
};

}  // namespace

void fold_windows(Plan& plan) { WindowFolder(plan).run(); }

}  // namespace shoal::plan
