// The evaluator: every node in turn, for all members and samples it varies over, in double precision.
#include "compiler/graph/evaluate.h"

#include <algorithm>
#include <limits>
#include <span>

#include "compiler/graph/elements.h"
#include "compiler/graph/loops.h"
#include "compiler/graph/scalar.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

class Evaluator {
 public:
  Evaluator(const Graph& graph, const Evaluation& what) : graph_(graph), what_(what) {}

  std::map<std::string, Array> run() {
    check(what_.members >= 1 && graph_.batch >= 1, "evaluate: no members or no samples");
    for (const Node& node : graph_.nodes)
      values_.emplace_back(members(node) * samples(node) * element_count(node.shape), 0.0);
    loop_nodes_.resize(graph_.loops.size());
    const std::vector<int32_t> loops = loop_of(graph_);
    for (NodeId id = 0; id < graph_.nodes.size(); ++id)
      if (loops[id] >= 0) loop_nodes_[loops[id]].push_back(id);
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      // A loop runs where its last node stands: all that it reads from outside is known there, and what it gives to the
      // outside comes later.
      if (loops[id] < 0) {
        evaluate_node(id);
      } else if (loop_nodes_[loops[id]].back() == id) {
        run_loop(loops[id]);
      }
    }
    std::map<std::string, Array> results;
    for (const Output& output : graph_.outputs) results[output.name].values = values_[output.value];
    return results;
  }

 private:
  const Graph& graph_;
  const Evaluation& what_;
  NodeId id_ = no_node;
  const Node* node_ = nullptr;
  std::vector<std::vector<double>> values_;  // by node id
  std::vector<std::vector<NodeId>> loop_nodes_;
  int64_t time_ = 0;
  bool first_iteration_ = false;
  std::map<NodeId, std::vector<double>> advanced_;  // of each carry, from the iteration before

  int64_t members(const Node& node) const { return node.varies.member ? what_.members : 1; }
  int64_t samples(const Node& node) const { return node.varies.sample ? graph_.batch : 1; }

  // The units of one member and sample of a value.
  std::span<double> block(NodeId id, int64_t m, int64_t s) {
    const Node& node = graph_[id];
    const int64_t units = element_count(node.shape);
    const int64_t place = (node.varies.member ? m : 0) * samples(node) + (node.varies.sample ? s : 0);
    return std::span(values_[id]).subspan(place * units, units);
  }
  std::span<double> in(size_t i, int64_t m, int64_t s) { return block(node_->inputs[i], m, s); }
  const Node& operand(size_t i) const { return graph_[node_->inputs[i]]; }

  // Calls f(result, m, s) for each member and sample of the node, or of its operands when it sums over samples.
  template <typename F>
  void for_blocks(F f) {
    const int64_t sample_count = node_->attrs.over_sample ? graph_.batch : samples(*node_);
    for (int64_t m = 0; m < members(*node_); ++m)
      for (int64_t s = 0; s < sample_count; ++s) f(block(id_, m, s), m, s);
  }

  std::vector<double>& value() { return values_[id_]; }

  void run_loop(int32_t loop) {
    const Loop& what = graph_.loops[loop];
    for (int64_t i = 0; i < what.extent; ++i) {
      time_ = what.reversed ? what.extent - 1 - i : i;
      first_iteration_ = i == 0;
      for (NodeId id : loop_nodes_[loop]) {
        std::ranges::fill(values_[id], 0.0);  // sums add to what is there
        evaluate_node(id);
      }
      for (const auto& [carry, next] : what.carried) advanced_[carry] = widened(next, graph_[carry].varies);
      for (NodeId id = 0; id < graph_.nodes.size(); ++id)
        if (graph_[id].attrs.loop == loop && graph_[id].prim == Prim::collect) collect_iteration(id);
    }
  }

  // The value repeated over those of the axes that it does not vary over.
  std::vector<double> widened(NodeId id, Varies varies) {
    std::vector<double> result;
    for (int64_t m = 0; m < (varies.member ? what_.members : 1); ++m)
      for (int64_t s = 0; s < (varies.sample ? graph_.batch : 1); ++s)
        for (double x : block(id, m, s)) result.push_back(x);
    return result;
  }

  void collect_iteration(NodeId id) {
    const Node& node = graph_[id];
    for (int64_t m = 0; m < members(node); ++m)
      for (int64_t s = 0; s < samples(node); ++s) {
        const auto from = block(node.inputs[0], m, s);
        std::ranges::copy(from, block(id, m, s).subspan(time_ * from.size()).begin());
      }
  }

  void evaluate_node(NodeId id) {
    id_ = id;
    node_ = &graph_[id];
    switch (node_->prim) {
      case Prim::input: return input();
      case Prim::constant: value()[0] = node_->attrs.value; return;
      case Prim::index: return index();
      case Prim::position:
        for (int64_t s = 0; s < graph_.batch; ++s) value()[s] = static_cast<double>(s);
        return;
      case Prim::step: value()[0] = static_cast<double>(what_.step); return;
      case Prim::add:
      case Prim::sub:
      case Prim::mul:
      case Prim::div:
      case Prim::rem:
      case Prim::max:
      case Prim::min:
      case Prim::neg:
      case Prim::abs:
      case Prim::floor:
      case Prim::sqrt:
      case Prim::exp:
      case Prim::log:
      case Prim::tanh:
      case Prim::sigmoid:
      case Prim::erf:
      case Prim::sin:
      case Prim::cos:
      case Prim::lt:
      case Prim::le:
      case Prim::eq:
      case Prim::logical_and:
      case Prim::logical_or:
      case Prim::logical_not:
      case Prim::select:
      case Prim::cast:
      case Prim::stop_gradient:
      case Prim::shuffle: return scalar();
      case Prim::broadcast:
      case Prim::reshape:
      case Prim::transpose:
      case Prim::slice:
      case Prim::pad:
      case Prim::window: return moved();
      case Prim::concat: return concat();
      case Prim::gather: return gather();
      case Prim::unwindow: return unwindow();
      case Prim::reduce: return reduce();
      case Prim::contract: return contract();
      case Prim::time: value()[0] = static_cast<double>(time_); return;
      case Prim::carry:
        value() = first_iteration_ ? widened(node_->inputs[0], node_->varies) : advanced_.at(id_);
        return;
      case Prim::last: value() = values_[node_->inputs[0]]; return;
      case Prim::collect: return;  // filled iteration by iteration
    }
  }

  void input() {
    const std::string& name = node_->attrs.name;
    const auto found = what_.inputs.find(name);
    if (found == what_.inputs.end()) throw SpecError(name, "no value for this input");
    if (found->second.values.size() != value().size())
      throw SpecError(name, fmt::format("expected {} numbers, got {}", value().size(), found->second.values.size()));
    value() = found->second.values;
  }

  void index() {
    std::vector<int64_t> strides(node_->shape.size(), 0);
    strides[node_->attrs.dim] = 1;
    std::ranges::copy(offsets(node_->shape, strides), value().begin());
  }

  void scalar() {
    const size_t count = node_->inputs.size();
    const DType type = operand(count - 1).dtype;
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      std::span<double> operands[3];
      for (size_t i = 0; i < count; ++i) operands[i] = in(i, m, s);
      for (size_t u = 0; u < result.size(); ++u) {
        double args[3] = {};
        for (size_t i = 0; i < count; ++i) args[i] = operands[i][operands[i].size() == 1 ? 0 : u];
        result[u] = scalar_value(node_->prim, type, node_->dtype, node_->attrs.n, args);
      }
    });
  }

  void moved() {
    const auto map = element_map(*node_, operand(0).shape);
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      const auto from = in(0, m, s);
      for (size_t u = 0; u < result.size(); ++u)
        result[u] = map[u] == padding_element ? node_->attrs.value : from[map[u]];
    });
  }

  void concat() {
    // Each operand is, in row-major order, `outer` runs that are laid one operand after another.
    int64_t outer = 1;
    for (int64_t d = 0; d < node_->attrs.dim; ++d) outer *= node_->shape[d];
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      auto to = result.begin();
      for (int64_t o = 0; o < outer; ++o)
        for (size_t i = 0; i < node_->inputs.size(); ++i) {
          const auto from = in(i, m, s);
          const int64_t run = std::ssize(from) / outer;
          to = std::ranges::copy(from.subspan(o * run, run), to).out;
        }
    });
  }

  void gather() {
    const auto rows = static_cast<double>(operand(0).shape[0]);
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      const double row = in(1, m, s)[0];
      if (!(row >= 0 && row < rows)) throw SpecError("graph", fmt::format("gather of row {} among {}", row, rows));
      std::ranges::copy(in(0, m, s).subspan(static_cast<size_t>(row) * result.size(), result.size()), result.begin());
    });
  }

  void unwindow() {
    const auto map = element_map(*node_, operand(0).shape);
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      const auto from = in(0, m, s);
      for (size_t u = 0; u < from.size(); ++u)
        if (map[u] != padding_element) result[map[u]] += from[u];
    });
  }

  void reduce() {
    const auto map = element_map(*node_, operand(0).shape);
    constexpr double inf = std::numeric_limits<double>::infinity();
    const Reduction how = node_->attrs.reduction;
    const Prim join = how == Reduction::sum ? Prim::add : how == Reduction::max ? Prim::max : Prim::min;
    if (how != Reduction::sum) std::ranges::fill(value(), how == Reduction::max ? -inf : inf);
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      const auto from = in(0, m, s);
      for (size_t u = 0; u < from.size(); ++u) {
        const double args[2] = {result[map[u]], from[u]};
        result[map[u]] = scalar_value(join, node_->dtype, node_->dtype, 0, args);
      }
    });
  }

  void contract() {
    const Attrs& attrs = node_->attrs;
    const auto strides_a = row_major_strides(operand(0).shape), strides_b = row_major_strides(operand(1).shape);
    Shape summed;
    std::vector<int64_t> kept_a, kept_b, summed_a, summed_b;  // strides of each letter in a and in b
    const auto stride = [](const std::string& letters, char c, const std::vector<int64_t>& strides) {
      const size_t at = letters.find(c);
      return at == std::string::npos ? 0 : strides[at];
    };
    for (char c : attrs.out) {
      kept_a.push_back(stride(attrs.a, c, strides_a));
      kept_b.push_back(stride(attrs.b, c, strides_b));
    }
    const auto sum_over = [&](char c, int64_t extent) {
      summed.push_back(extent);
      summed_a.push_back(stride(attrs.a, c, strides_a));
      summed_b.push_back(stride(attrs.b, c, strides_b));
    };
    for (size_t i = 0; i < attrs.a.size(); ++i)
      if (attrs.out->find(attrs.a[i]) == std::string::npos) sum_over(attrs.a[i], operand(0).shape[i]);
    for (size_t i = 0; i < attrs.b.size(); ++i)
      if ((*attrs.out + *attrs.a).find(attrs.b[i]) == std::string::npos) sum_over(attrs.b[i], operand(1).shape[i]);

    const auto at_a = offsets(node_->shape, kept_a), at_b = offsets(node_->shape, kept_b);
    const auto step_a = offsets(summed, summed_a), step_b = offsets(summed, summed_b);
    for_blocks([&](std::span<double> result, int64_t m, int64_t s) {
      const auto a = in(0, m, s), b = in(1, m, s);
      for (size_t u = 0; u < result.size(); ++u) {
        const double* from_a = a.data() + at_a[u];
        const double* from_b = b.data() + at_b[u];
        double sum = 0;
        for (size_t k = 0; k < step_a.size(); ++k) sum += from_a[step_a[k]] * from_b[step_b[k]];
        result[u] += sum;
      }
    });
  }
};

}  // namespace

std::map<std::string, Array> evaluate(const Graph& graph, const Evaluation& what) {
  return Evaluator(graph, what).run();
}

}  // namespace shoal
