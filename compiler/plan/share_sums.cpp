// CPU: lanes of sums over samples. They run along a unit axis, each lane summing for a unit of its own, or along the
// samples, each lane summing a part of all; the cheaper way is taken, nest by nest.
//
// Where activations stand with samples side by side, lanes along units read them from a copy in the other layout, or
// element by element; lanes along samples read them as they stand, and pay for adding up their parts. So these suit
// sums of much into little: gradients of biases and of the weights of a convolution.
#include <algorithm>
#include <cmath>
#include <utility>

#include "compiler/plan/bind.h"
#include "compiler/plan/vector_cycles.h"
#include "compiler/plan/walk.h"

namespace shoal::plan {
namespace {

// Cycles, as in vector_cycles.h.
constexpr double exchange_of_sum = 7;  // to add up a vector of parts, and to store the sum
constexpr double relayout_of_element = 0.9;

class SumBinder {
 public:
  explicit SumBinder(Plan& plan) : plan_(plan) {}

  void run() {
    for (size_t n = 0; n < plan_.nests.size(); ++n) {
      if (!may_share(n)) continue;
      const Binding shared = bind_along_samples(plan_, plan_.nests[n]);
      if (shared.idle_warps > 1 || cycles(n, shared) >= cycles(n, plan_.bindings[n])) continue;
      plan_.bindings[n] = shared;
      finish_apart(n);
    }
  }

 private:
  // A sum of numbers over samples that fill all lanes of every vector.
  bool may_share(size_t n) const {
    const Nest& nest = plan_.nests[n];
    const Schedule& schedule = plan_.schedule;
    const int64_t lanes = schedule.lanes();
    if (lanes == 1 || schedule[PopulationAxis::sample].lane != lanes) return false;
    if (plan_.chunk % lanes != 0 || plan_.batch % plan_.chunk != 0) return false;
    if (nest.reduced < 0 || nest.reduction != Reduction::sum || nest.body[nest.reduced].dtype != DType::f32)
      return false;
    if (!nest.quotients.empty() || !nest.sample_axis() || !nest.sample_axis()->reduced) return false;
    const std::vector<bool> summed = summed_scalars(nest);
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& s = nest.body[i];
      if (!summed[i]) continue;
      if (s.kind == Scalar::Kind::accumulator || s.access.indirect >= 0) return false;
      if (s.kind != Scalar::Kind::load) continue;
      for (const Store& store : nest.stores)
        if (store.access.value == s.access.value) return false;
    }
    return true;
  }

  // Of the sum, and of copies in the other layout that only it would read; the rest is the same in both ways.
  double cycles(size_t n, const Binding& binding) const {
    const Nest& nest = plan_.nests[n];
    const std::vector<bool> summed = summed_scalars(nest);
    std::vector<int> tile;
    double points = 1, steps = 1, held = 1, results = 1;
    bool shares = false;
    for (size_t a = 0; a < nest.axes.size(); ++a) {
      const AxisBinding& axis = binding.axes[a];
      const auto extent = static_cast<double>(nest.axes[a].extent);
      tile.push_back(nest.axes[a].reduced ? 1 : axis.tile);
      if (nest.axes[a].reduced) {
        steps *= extent / axis.lane_count;
        shares = shares || axis.lane_count > 1;
      } else {
        points *= std::ceil(extent / axis.threads), held *= axis.tile, results *= extent;
      }
    }
    double operations = 0, loads = 0, shuffles = 0, copies = 0;
    for (size_t i = 0; i < nest.body.size(); ++i) {
      const Scalar& s = nest.body[i];
      if (!summed[i]) continue;
      if (s.kind == Scalar::Kind::primitive || s.kind == Scalar::Kind::guarded) operations += held;
      if (s.kind != Scalar::Kind::load) continue;
      const double elements = elements_of_tile(plan_, nest, s, tile);
      const Along along = walk(nest, binding, s.access);
      const bool apart = along == Along::neither && differs(nest, binding, s.access);
      const int scattered =
          apart || (along != Along::neither && never_side_by_side(s.access.value, along)) ? plan_.schedule.lanes() : 1;
      loads += elements * scattered;
      if (scattered > 1) shuffles += elements * scattered;
      if (scattered == 1 && along != Along::neither && needs_copy(n, s.access.value, along))
        copies +=
            static_cast<double>(plan_.batch) * static_cast<double>(element_count(plan_.values[s.access.value].dims));
    }
    const double step = vector_cycles::of_step(std::max(operations, held) * vector_cycles::arithmetic,
                                               loads * vector_cycles::load, shuffles * vector_cycles::shuffle);
    return points / held * steps * step + (shares ? results * exchange_of_sum : 0) + copies * relayout_of_element;
  }

  // Whether lanes read different elements.
  static bool differs(const Nest& nest, const Binding& binding, const Access& access) {
    for (const Index& index : access.dims)
      for (const Term& term : index.terms)
        if (term.axis < static_cast<int32_t>(nest.axes.size()) && binding.axes[term.axis].lane_count > 1) return true;
    return false;
  }

  bool never_side_by_side(int32_t value, Along along) const {
    return plan_.values[value].argument >= 0 && along == Along::samples && plan_.values[value].varies.sample;
  }

  // Whether a value that is read along `along` is made along the other axis, and nobody else wants a copy.
  bool needs_copy(size_t n, int32_t value, Along along) const {
    if (plan_.values[value].argument >= 0 || !plan_.values[value].varies.sample) return false;
    for (size_t m = 0; m < plan_.nests.size(); ++m) {
      const Nest& nest = plan_.nests[m];
      for (const Store& store : nest.stores)
        if (store.access.value == value && walk(nest, plan_.bindings[m], store.access) == along) return false;
      if (m == n) continue;
      for (const Scalar& s : nest.body)
        if (s.kind == Scalar::Kind::load && s.access.value == value && walk(nest, plan_.bindings[m], s.access) == along)
          return false;
    }
    return true;
  }

  // What is computed from the sums has points enough for all lanes: a nest of its own behind that of the sums.
  void finish_apart(size_t n) {
    const Nest whole = plan_.nests[n];
    const size_t axes = static_cast<size_t>(whole.parallel_count());
    const bool trivial =
        whole.stores.size() == 1 && whole.body[whole.stores[0].scalar].kind == Scalar::Kind::accumulator;
    if (trivial || axes == 0 || whole.over_chunks) return;
    Value sums;
    sums.name = whole.name + "_sums";
    sums.varies = {true, false};
    Access at{static_cast<int32_t>(plan_.values.size()), {}, -1};
    for (size_t a = 0; a < axes; ++a) {
      sums.dims.push_back(whole.axes[a].extent);
      at.dims.push_back({{{static_cast<int32_t>(a), 1}}, 0});
    }
    plan_.values.push_back(sums);

    Nest& sum = plan_.nests[n];
    std::vector<bool> needed = summed_scalars(whole);
    for (size_t i = 0; i < whole.body.size(); ++i)
      if (whole.body[i].kind == Scalar::Kind::accumulator) needed[i] = true;
    const std::vector<int32_t> number = keep(sum, needed);
    sum.reduced = number[whole.reduced];
    sum.stores = {{at, static_cast<int32_t>(sum.body.size()) - 1}};
    for (size_t i = 0; i < whole.body.size(); ++i)
      if (whole.body[i].kind == Scalar::Kind::accumulator) sum.stores[0].scalar = number[i];

    Nest rest = whole;
    rest.name = whole.name + "_finish";
    rest.axes.resize(axes);
    rest.reduced = -1, rest.reduction = Reduction::sum;
    for (Scalar& s : rest.body)
      if (s.kind == Scalar::Kind::accumulator) s = {.kind = Scalar::Kind::load, .dtype = s.dtype, .access = at};
    std::vector<bool> stored(whole.body.size(), false);
    for (const Store& store : rest.stores) stored[store.scalar] = true;
    const std::vector<int32_t> after = keep(rest, with_operands(rest, std::move(stored)));
    for (Store& store : rest.stores) store.scalar = after[store.scalar];
    merge_axes(plan_, rest);
    const Binding binding = bind_nest(plan_, rest);
    plan_.nests.insert(plan_.nests.begin() + static_cast<std::ptrdiff_t>(n) + 1, rest);
    plan_.bindings.insert(plan_.bindings.begin() + static_cast<std::ptrdiff_t>(n) + 1, binding);
  }

  // Leaves out the other scalars of a body; the new number of each.
  static std::vector<int32_t> keep(Nest& nest, const std::vector<bool>& kept) {
    std::vector<int32_t> number(nest.body.size(), -1);
    std::vector<Scalar> body;
    for (size_t i = 0; i < nest.body.size(); ++i) {
      if (!kept[i]) continue;
      number[i] = static_cast<int32_t>(body.size());
      body.push_back(nest.body[i]);
      for (int32_t& arg : body.back().args)
        if (arg >= 0) arg = number[arg];
      if (body.back().access.indirect >= 0) body.back().access.indirect = number[body.back().access.indirect];
    }
    nest.body = std::move(body);
    return number;
  }

  Plan& plan_;
};

}  // namespace

void share_sums(Plan& plan) { SumBinder(plan).run(); }

}  // namespace shoal::plan
