// graph -> nests: which nodes are stored, and which nest computes which node. Their order: nest_order.h.
//
// Every sum node is the root of a nest. An element-wise node joins the epilogue of the latest nest that computes one of
// its operands in the same index space, if no other operand of it depends on that nest; else it is inlined where it is
// read, or, when that costs more than a store and a load (inline_cost), it is the root of an element-wise nest that
// others may join.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "compiler/graph/loops.h"
#include "compiler/plan/inline_cost.h"
#include "compiler/plan/nest_builder.h"
#include "compiler/plan/nest_order.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/regions.h"
#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

class NestMaker : public ValueSource {
 public:
  NestMaker(const Graph& graph, bool chunked, Plan& plan)
      : graph_(graph),
        chunked_(chunked),
        plan_(plan),
        loop_(loop_of(graph)),
        regions_(find_regions(graph, loop_, chunked)),
        store_(worth_storing(graph)),
        home_(graph.nodes.size(), -1),
        value_(graph.nodes.size(), -1),
        kept_in_(graph.nodes.size(), no_node),
        merged_(graph.nodes.size(), false) {}

  void run() {
    make_arguments();
    find_merged();
    find_kept();
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) assign_home(n);
    finish_loops();
    finish_outputs();
    store_results();
    order();
  }

 private:
  // ---- ValueSource
  bool is_stored(NodeId n) const override { return home_[n] >= 0 || graph_[n].prim == Prim::input; }
  int home_of(NodeId n) const override { return home_[n]; }
  bool is_merged(NodeId n) const override { return merged_[n]; }
  void require_row_major(int32_t value) override { plan_.values[value].row_major = true; }
  NodeId kept_in(NodeId n) const override { return kept_in_[n]; }
  int32_t value_of(NodeId n) override {
    if (value_[n] >= 0) return value_[n];
    const Node& node = graph_[n];
    std::string name = node.name.empty() ? fmt::format("{}_{}", prim_name(node.prim), n) : *node.name;
    return value_[n] = add_value(name, node, -1);
  }
  bool is_argument(int32_t value) const { return plan_.values[value].argument >= 0; }

  int32_t add_value(const std::string& name, const Node& node, int32_t argument) {
    plan_.values.push_back({name, node.dtype, node.shape, {true, node.varies.sample}, argument, false});
    if (argument >= 0) plan_.values.back().varies = plan_.arguments[argument].varies;
    return static_cast<int32_t>(plan_.values.size()) - 1;
  }

  int32_t add_argument(const std::string& name, const Node& node, Role role, bool is_output, Varies varies) {
    int32_t argument = static_cast<int32_t>(plan_.arguments.size());
    DType stored = node.prim == Prim::input && !is_output ? node.attrs.dtype : node.dtype;
    plan_.arguments.push_back({name, role, is_output, is_output, stored, varies, node.shape, -1});
    return plan_.arguments.back().value = add_value(name, node, argument);
  }

  void make_arguments() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_[n];
      if (node.prim == Prim::input)
        value_[n] = add_argument(node.attrs.name, node, node.attrs.role, false, node.varies);
      plan_.steps = plan_.steps || node.prim == Prim::step;
    }
    for (const Output& output : graph_.outputs) plan_.steps = plan_.steps || output.state != no_node;
    if (plan_.steps)
      for (const Output& output : graph_.outputs)
        if (output.state != no_node) plan_.arguments[plan_.values[value_[output.state]].argument].written = true;
  }

  void find_merged() {
    std::vector<int> readers(graph_.nodes.size(), 0);
    for (const Node& node : graph_.nodes)
      for (NodeId input : node.inputs) ++readers[input];
    for (const Output& output : graph_.outputs) ++readers[output.value];
    for (const Node& node : graph_.nodes)
      if (node.prim == Prim::unwindow && graph_[node.inputs[0]].prim == Prim::contract &&
          readers[node.inputs[0]] == 1 && !graph_[node.inputs[0]].attrs.over_sample)
        merged_[node.inputs[0]] = true;
  }

  // What a loop collects is read by the loop's own nests where it is collected, unless its memory is a carry's or an
  // output's.
  void find_kept() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n)
      if (graph_[n].prim == Prim::collect && graph_[graph_[n].inputs[0]].prim != Prim::carry)
        kept_in_[graph_[n].inputs[0]] = n;
    for (const Loop& loop : graph_.loops)
      for (const Loop::Carried& carried : loop.carried) kept_in_[carried.next] = no_node;
    for (const Node& node : graph_.nodes)
      if (node.prim == Prim::gather) kept_in_[node.inputs[0]] = no_node;  // a table of rows that are chosen
  }

  // Nests that reading node n involves, n itself not being computed by `except`.
  void collect_dependencies(NodeId n, std::set<int>* found) const {
    if (home_[n] >= 0) {
      found->insert(home_[n]);
      return;
    }
    for (NodeId input : graph_[n].inputs) collect_dependencies(input, found);
  }

  bool may_join(int h, NodeId n) const {
    const NestBuilder& nest = *nests_[h];
    if (nest.nest.over_chunks || nest.nest.region != regions_.computed[n] || nest.nest.loop != loop_[n] ||
        !nest.has_space_of(graph_[n]))
      return false;
    std::set<int> needed;
    for (NodeId input : graph_[n].inputs)
      if (home_[input] != h) collect_dependencies(input, &needed);
    return std::none_of(needed.begin(), needed.end(), [&](int d) { return d == h || order_.runs_before(h, d); });
  }

  int new_nest(NodeId root, bool copy = false) { return new_nest(root, copy, graph_[root].varies.sample); }
  int new_nest(NodeId root, bool copy, bool sample) { return new_nest(root, copy, sample, root); }
  // That runs where node `at` is computed.
  int new_nest(NodeId root, bool copy, bool sample, NodeId at) {
    int h = static_cast<int>(nests_.size());
    nests_.push_back(std::make_unique<NestBuilder>(graph_, *this, root, h, copy, sample));
    order_.add(loop_[at], nests_.back()->dependencies);
    Nest& nest = nests_.back()->nest;
    nest.loop = loop_[at];
    nest.region = regions_.computed[at];
    nest.over_chunks = chunked_ && graph_[root].attrs.over_sample && !copy;
    return h;
  }

  void assign_home(NodeId n) {
    const Node& node = graph_[n];
    switch (prim_kind(node.prim)) {
      case PrimKind::source: return;
      case PrimKind::sum:
        if (!merged_[n]) home_[n] = new_nest(n);
        return;
      case PrimKind::scalar:
        if (is_recomputed(n)) return;
        if (int h = joinable(n); h >= 0) {
          nests_[h]->append(n);
          order_.must_follow(h, nests_[h]->dependencies);
          home_[n] = h;
          return;
        }
        break;
      case PrimKind::indexing: break;
      case PrimKind::loop: return assign_loop_home(n);
    }
    if (!store_[n]) return;
    if (node.prim == Prim::concat)
      assign_pieces(n);
    else
      home_[n] = new_nest(n);
  }

  // A concatenation in memory is written piece by piece, where possible by the nests that compute the pieces. Its home
  // is the one that runs last.
  void assign_pieces(NodeId n) {
    int64_t begin = 0;
    for (NodeId input : graph_[n].inputs) {
      int h = home_[input];
      if (h < 0 || !may_write_piece(*nests_[h], input, n))
        h = new_nest(input, is_stored(input), graph_[n].varies.sample, n);
      pieces_[n].push_back({input, h, begin});
      begin += graph_[input].shape[static_cast<size_t>(graph_[n].attrs.dim)];
      if (home_[n] >= 0 && home_[n] != h && order_.runs_before(h, home_[n])) continue;
      if (home_[n] >= 0 && home_[n] != h) order_.must_follow(h, {home_[n]});
      home_[n] = h;
    }
  }

  bool may_write_piece(const NestBuilder& nest, NodeId input, NodeId n) const {
    const Axis* sample = nest.nest.sample_axis();
    return nest.computes(input) && nest.nest.loop == loop_[n] && nest.nest.region == regions_.computed[n] &&
           !nest.nest.over_chunks && (sample && !sample->reduced) == graph_[n].varies.sample;
  }

  // A carry is memory that a nest before the loop fills; what a loop collects is stored by the nest that computes it.
  // The last of a value is read where the value is, unless it must have memory of its own.
  void assign_loop_home(NodeId n) {
    const Node& node = graph_[n];
    if (node.prim == Prim::carry) {
      NodeId initial = node.inputs[0];
      home_[n] = new_nest(initial, is_stored(initial), node.varies.sample);
      nests_[home_[n]]->store(initial, value_of(n));
      nests_[home_[n]]->nest.region = regions_.computed[n];
      nests_[home_[n]]->nest.name = plan_.values[value_[n]].name + "_start";
    } else if (node.prim == Prim::collect) {
      NodeId source = node.inputs[0];
      if (graph_[source].prim == Prim::concat) {
        pieces_[n] = pieces_[source];
        home_[n] = home_[source];
        value_of(n);
        return;
      }
      home_[n] = is_computed(source) ? home_[source] : new_nest(source, is_stored(source));
      nests_[home_[n]]->store_slice(source, value_of(n));
    } else if (node.prim == Prim::last && store_[n]) {
      home_[n] = new_nest(n);
    }
  }

  // Whether some nest computes the node, so that it can store it anywhere; carries and what is collected have a place.
  bool is_computed(NodeId n) const {
    return home_[n] >= 0 && graph_[n].prim != Prim::carry && graph_[n].prim != Prim::collect;
  }

  // A cheap node whose operands are in memory already is computed again wherever it is read: keeping the derivative of
  // relu beside relu's result would only be more memory.
  bool is_recomputed(NodeId n) const {
    const Node& node = graph_[n];
    return !store_[n] && is_cheap(node.prim) && std::all_of(node.inputs.begin(), node.inputs.end(), [&](NodeId input) {
      return value_[input] >= 0 || prim_kind(graph_[input].prim) == PrimKind::source;
    });
  }

  // The latest nest whose epilogue may compute n: one that computes an operand, or, for a node that is stored anyway,
  // an element-wise nest that reads what n reads.
  int joinable(NodeId n) const {
    int best = -1;
    for (NodeId input : graph_[n].inputs)
      if (home_[input] > best && may_join(home_[input], n)) best = home_[input];
    if (best >= 0 || !store_[n]) return best;
    std::set<int32_t> read, inlined;
    for (NodeId input : graph_[n].inputs)
      if (is_stored(input) && value_[input] >= 0) read.insert(value_[input]);
    const bool all_cheap = find_inlined_loads(n, &inlined);
    for (int h = static_cast<int>(nests_.size()) - 1; h >= 0; --h) {
      const Nest& nest = nests_[h]->nest;
      if (nest.reduced >= 0 || !may_join(h, n)) continue;
      const auto loads = [&](int32_t value) { return nests_[h]->loaded.count(value) > 0; };
      // Long chains of arithmetic are better apart: one behind the other, a processor sees fewer points of each at
      // once.
      if (std::ranges::any_of(read, loads) || (all_cheap && is_all_cheap(nest) && std::ranges::any_of(inlined, loads)))
        return h;
    }
    return -1;
  }

  // The values with an element for each of n's points that computing n would load; whether all it computes is cheap.
  bool find_inlined_loads(NodeId n, std::set<int32_t>* loads) const {
    const Node& node = graph_[n];
    bool all_cheap = prim_kind(node.prim) != PrimKind::scalar || is_cheap(node.prim);
    for (NodeId input : node.inputs) {
      if (!is_stored(input)) {
        all_cheap = find_inlined_loads(input, loads) && all_cheap;
        continue;
      }
      const NodeId whole = kept_in_[input] == no_node ? input : kept_in_[input];
      if (value_[whole] >= 0 && member_elements(graph_, graph_[input]) >= member_elements(graph_, node))
        loads->insert(value_[whole]);
    }
    return all_cheap;
  }

  static bool is_all_cheap(const Nest& nest) {
    return std::ranges::all_of(nest.body,
                               [](const Scalar& s) { return s.kind != Scalar::Kind::primitive || is_cheap(s.prim); });
  }

  // ---- loops: at the end of an iteration the next value of a carry takes its memory
  void finish_loops() {
    for (size_t l = 0; l < graph_.loops.size(); ++l) {
      plan_.loops.push_back({graph_.loops[l].extent, graph_.loops[l].reversed});
      for (const Loop::Carried& carried : graph_.loops[l].carried) {
        NodeId next = carried.next;
        int32_t target = value_[carried.carry];
        check(loop_[next] == static_cast<int32_t>(l) && home_[next] >= 0 && graph_[next].prim != Prim::carry,
              "loop {}: the next value of %{} is not computed in the loop", l, carried.carry);
        bool claimed = value_[next] >= 0 && (is_argument(value_[next]) || carries_.count(value_[next]));
        carries_.insert(target);
        if (!claimed && nests_[home_[next]]->has_space_of(graph_[carried.carry]) && update_in_place(next, target))
          move_value(next, target);
        else
          copy_last(next, target, graph_[carried.carry].varies.sample);
      }
    }
  }

  // A nest that stores n's value into `target` after all nests that read what stands there.
  int copy_last(NodeId n, int32_t target, bool sample) {
    int h = new_nest(n, is_stored(n), sample);
    nests_[h]->nest.name = plan_.values[target].name + "_next";
    if (auto old = old_.find(n); old != old_.end()) {
      read_instead(*nests_[h], value_[n], old->second.value);
      order_.must_precede(old->second.nest, h);
    }
    for (size_t other = 0; other < nests_.size(); ++other)
      if (static_cast<int>(other) != h && nests_[other]->loaded.count(target) &&
          !order_.precedes(h, static_cast<int>(other)))
        order_.must_precede(static_cast<int>(other), h);
    nests_[h]->store(n, target);
    return h;
  }

  // ---- outputs: a node's value becomes the argument's memory where nothing stands against it, else it is copied there
  void finish_outputs() {
    keep_old_values();
    std::vector<const Output*> copies;
    for (const Output& output : graph_.outputs) {
      bool carried = output.state != no_node;
      int32_t target = carried ? value_[output.state]
                               : add_argument(output.name, graph_[output.value], Role::input, true,
                                              {true, graph_[output.value].varies.sample});
      if (carried && output.value == output.state) continue;
      bool claimed =
          value_[output.value] >= 0 && (is_argument(value_[output.value]) || carries_.count(value_[output.value]));
      bool computed = is_computed(output.value);
      bool by_one_nest = !pieces_.count(output.value);
      if (computed && !claimed && (!carried || (by_one_nest && update_in_place(output.value, target))))
        move_value(output.value, target);
      else
        copies.push_back(&output), targets_[&output] = target;
    }
    for (const Output* output : copies) {
      int h = copy_last(output->value, targets_[output], graph_[output->value].varies.sample);
      nests_[h]->nest.region = last_region(output->value);
    }
  }

  // Old values of carried inputs that outputs ask for are copied aside, so that nothing is in the way of replacing
  // them.
  void keep_old_values() {
    for (const Output& output : graph_.outputs) {
      NodeId n = output.value;
      if (graph_[n].prim != Prim::input || n == output.state || old_.count(n)) continue;
      if (!plan_.arguments[plan_.values[value_[n]].argument].written) continue;
      std::string name = plan_.values[value_[n]].name + "_old";
      int h = new_nest(n, true);
      nests_[h]->nest.name = name;
      old_[n] = {h, add_value(name, graph_[n], -1)};
      nests_[h]->store(n, old_[n].value);
    }
  }

  int last_region(NodeId value) const {
    if (!chunked_ || graph_[value].varies.sample) return regions_.available[value];
    int last = *std::max_element(regions_.available.begin(), regions_.available.end());
    return last + last % 2;
  }

  // Whether the nest that computes the next value of a carried input may overwrite it: all who read the old one run
  // before.
  bool update_in_place(NodeId next, int32_t state_value) {
    int writer = home_[next];
    if (nests_[writer]->nest.over_chunks) return false;
    if (!nests_[writer]->reads_only_at_point(state_value)) return false;
    for (size_t h = 0; h < nests_.size(); ++h) {
      if (static_cast<int>(h) == writer || !nests_[h]->loaded.count(state_value)) continue;
      if (order_.runs_before(writer, static_cast<int>(h)) || nests_[h]->nest.region > nests_[writer]->nest.region)
        return false;
    }
    for (size_t h = 0; h < nests_.size(); ++h)
      if (static_cast<int>(h) != writer && nests_[h]->loaded.count(state_value))
        order_.must_precede(static_cast<int>(h), writer);
    return true;
  }

  // Node n lives in `target` from now on; nests that already load it follow.
  void move_value(NodeId n, int32_t target) {
    int32_t from = value_[n];
    value_[n] = target;
    if (from < 0) return;
    plan_.values[target].row_major = plan_.values[target].row_major || plan_.values[from].row_major;
    for (auto& builder : nests_) read_instead(*builder, from, target);
  }

  static void read_instead(NestBuilder& builder, int32_t from, int32_t target) {
    if (!builder.loaded.erase(from)) return;
    builder.loaded.insert(target);
    for (Scalar& s : builder.nest.body)
      if (s.kind == Scalar::Kind::load && s.access.value == from) s.access.value = target;
  }

  void store_results() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n)
      if (is_computed(n) && value_[n] >= 0 && !pieces_.count(n)) nests_[home_[n]]->store(n, value_[n]);
    for (const auto& [n, pieces] : pieces_) {
      if (value_[n] < 0) continue;
      const bool slice = graph_[n].prim == Prim::collect;
      const int64_t dim = graph_[slice ? graph_[n].inputs[0] : n].attrs.dim;
      for (const Piece& piece : pieces) nests_[piece.nest]->store_piece(piece.node, value_[n], dim, piece.begin, slice);
    }
  }

  // Sums over the chunks of a batch start from the reduction's identity.
  Nest identity_nest(const Nest& sum) const {
    Nest nest;
    nest.name = sum.name + "_start";
    nest.region = sum.region - 1;
    nest.axes.assign(sum.axes.begin(), sum.axes.begin() + sum.parallel_count());
    for (const Scalar& s : sum.body)
      if (s.kind == Scalar::Kind::accumulator)
        nest.body.push_back({.kind = Scalar::Kind::constant, .dtype = s.dtype, .value = s.value});
    for (const Store& store : sum.stores) nest.stores.push_back({store.access, 0});
    return nest;
  }

  // Before each region, what its chunks add to is set.
  void order() {
    std::vector<int> region;
    for (const auto& builder : nests_) region.push_back(builder->nest.region);
    const std::vector<int> sequence = order_.sequence(region);
    check(sequence.size() == nests_.size(), "the nests of '{}' cannot be ordered", graph_.name);
    plan_.regions = region.empty() ? 1 : *std::ranges::max_element(region) + 1;
    auto next = sequence.begin();
    for (int now = 0; now < plan_.regions; ++now) {
      for (const auto& builder : nests_)
        if (builder->nest.over_chunks && builder->nest.region == now + 1 && !builder->nest.stores.empty())
          plan_.nests.push_back(identity_nest(builder->nest));
      for (; next != sequence.end() && region[*next] == now; ++next)
        if (!nests_[*next]->nest.stores.empty()) plan_.nests.push_back(nests_[*next]->nest);
    }
  }

  const Graph& graph_;
  bool chunked_;
  Plan& plan_;
  std::vector<int32_t> loop_;  // by node: the loop over time in which it is computed, -1 for none
  Regions regions_;
  std::vector<bool> store_;
  std::vector<int> home_;        // by node: the nest that computes it, -1 for none
  std::vector<int32_t> value_;   // by node: its value in memory, -1 for none
  std::vector<NodeId> kept_in_;  // by node: the collect in whose memory it is, no_node for none
  std::set<int32_t> carries_;    // values that carries live in
  std::vector<bool> merged_;
  std::vector<std::unique_ptr<NestBuilder>> nests_;
  NestOrder order_;
  std::map<const Output*, int32_t> targets_;
  struct Piece {
    NodeId node = no_node;
    int nest = -1;
    int64_t begin = 0;
  };
  std::map<NodeId, std::vector<Piece>> pieces_;  // by concatenation in memory (or its collect): who writes it
  struct Old {
    int nest = -1;
    int32_t value = -1;
  };
  std::map<NodeId, Old> old_;  // by carried input: the nest that copies its old value aside, and the copy
};

}  // namespace

int Nest::parallel_count() const {
  return static_cast<int>(std::count_if(axes.begin(), axes.end(), [](const Axis& a) { return !a.reduced; }));
}

const Axis* Nest::sample_axis() const {
  for (const Axis& axis : axes)
    if (axis.sample) return &axis;
  return nullptr;
}

void make_nests(const Graph& graph, bool chunked, Plan& plan) {
  plan.name = graph.name;
  plan.batch = graph.batch;
  NestMaker(graph, chunked, plan).run();
}

}  // namespace shoal::plan
