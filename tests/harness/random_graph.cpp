// Random small networks with a training step, and random schedules for them.
#include "tests/harness/random_graph.h"

#include <fmt/format.h>

#include <random>

#include "compiler/graph/scope.h"
#include "compiler/passes/passes.h"

namespace shoal::harness {
namespace {

class Generator {
 public:
  Generator(Scope& scope, uint64_t seed) : scope_(scope), random_(seed) {}

  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }

  Value parameter(const Shape& shape) {
    Value p = scope_.input(fmt::format("p{}", parameters_.size()), Role::parameter, shape, {true, false});
    parameters_.push_back(p.id);
    return p;
  }

  Value layer(Value x) {
    bool image = x.shape().size() == 3;
    switch (below(image ? 6 : 9)) {
      case 0: return activation(x);
      case 1: return image ? convolution(x) : dense(x);
      case 2: return image ? pooled(x) : normalised(x);
      case 3: return image ? flat(transpose(x, {1, 2, 0})) : concat({x, slice(x, {0}, {(x.shape()[0] + 1) / 2})}, 0);
      case 4:
        return image ? pad(x, {0, 1, 0}, {0, 0, 2})
                     : pad(slice(x, {x.shape()[0] / 3}, {x.shape()[0] - x.shape()[0] / 3}), {1}, {2});
      case 5: return image ? slice(x, {0, 0, 0}, {x.shape()[0], (x.shape()[1] + 1) / 2, x.shape()[2]}) : dense(x);
      case 6: return folded(x);
      case 7: return recurrent(x);
      default: return x + activation(dense_to(x, x.shape()[0]));
    }
  }

  Value dense(Value x) { return dense_to(flat(x), between(1, 19)); }
  const std::vector<NodeId>& parameters() const { return parameters_; }

 private:
  Value flat(Value x) { return reshape(x, {element_count(x.shape())}); }

  Value dense_to(Value x, int64_t units) {
    return contract(parameter({units, x.shape()[0]}), "oi", x, "i", "o") + parameter({units});
  }

  Value activation(Value x) {
    switch (below(4)) {
      case 0: return max(0.0, x);
      case 1: return tanh(x);
      case 2: return x / (1.0 + exp(-x));
      default: return select(x < x.scope->constant(0), x * 0.1, x);
    }
  }

  Value normalised(Value x) {
    double n = static_cast<double>(x.shape()[0]);
    Value centred = x - reduce(Reduction::sum, x) / n;
    return centred / sqrt(reduce(Reduction::sum, centred * centred) / n + 0.5) * parameter(x.shape());
  }

  Value convolution(Value x) {
    int64_t k = std::min({between(1, 3), x.shape()[1], x.shape()[2]}), stride = between(1, 2), padding = below(2);
    Value w = window(x, {1, 2}, {k, k}, {stride, stride}, {padding, padding}, {padding, padding});
    return contract(parameter({between(1, 5), x.shape()[0], k, k}), "ockl", w, "cyxkl", "oyx");
  }

  Value pooled(Value x) {
    int64_t k = std::min<int64_t>({2, x.shape()[1], x.shape()[2]});
    return reduce(Reduction::max, window(x, {1, 2}, {k, k}, {k, k}, {0, 0}, {0, 0}, -1e30), {3, 4});
  }

  // Rows and columns of a folded vector change places.
  Value folded(Value x) {
    int64_t n = x.shape()[0], rows = n % 3 == 0 ? 3 : n % 2 == 0 ? 2 : 1;
    return flat(transpose(reshape(x, {rows, n / rows}), {1, 0}));
  }

  // The vector as a few time steps, through a state with two gates that read slices of one product.
  Value recurrent(Value x) {
    const int64_t n = x.shape()[0], steps = n % 4 == 0 ? 4 : n % 3 == 0 ? 3 : 1, units = between(1, 9);
    Value projected = contract(reshape(x, {steps, n / steps}), "tf", parameter({2 * units, n / steps}), "gf", "tg");
    const int32_t loop = scope_.loop(steps, below(2) == 0);
    const Value time = scope_.time(loop);
    const Value start = below(2) ? parameter({units}) : broadcast_to(scope_.constant(0), {units});
    const Value h = scope_.carry(loop, start, x.varies() | Varies{.member = true});
    const Value z = contract(parameter({2 * units, units}), "oi", h, "i", "o") + parameter({2 * units});
    const Value input = gather(projected, time);
    const Value open = 1.0 / (1.0 + exp(slice(z, {0}, {units}) + slice(input, {0}, {units})));
    const Value fresh = tanh(slice(z, {units}, {units}) * open + slice(input, {units}, {units}));
    const Value next = h * open + fresh * (1.0 - open);
    scope_.advance(h, next);
    return below(2) ? last(next) : flat(collect(next));
  }

  Scope& scope_;
  std::mt19937_64 random_;
  std::vector<NodeId> parameters_;
};

}  // namespace

Graph random_graph(uint64_t seed, int layers) {
  Graph graph;
  graph.name = fmt::format("random_{}", seed);
  Scope scope(graph);
  Generator make(scope, seed);
  graph.batch = make.between(1, 11);
  Shape input =
      make.below(3) ? Shape{make.between(1, 21)} : Shape{make.between(1, 3), make.between(2, 7), make.between(2, 7)};
  Value x = scope.input("x", Role::input, input, {make.below(2) == 0, true});
  for (int i = 0; i < layers; ++i) x = make.layer(x);
  Value y = make.dense(x);
  Value d = y - scope.input("target", Role::input, y.shape(), {false, true});
  Value loss = mean_samples(reduce(Reduction::sum, d * d)) / static_cast<double>(element_count(y.shape()));
  std::vector<NodeId> gradients = differentiate(graph, loss.id, make.parameters());
  for (size_t i = 0; i < gradients.size(); ++i) {
    Value p{&scope, make.parameters()[i]};
    scope.next(p, p - Value{&scope, gradients[i]} * 0.01);  // small, so that two steps stay well-conditioned
  }
  scope.output("loss", loss);
  scope.output("y", y);
  return dce(cse(fold(graph)));
}

RandomSchedule random_schedule(uint64_t seed, int64_t batch) {
  std::mt19937_64 random(seed * 977 + 5);
  auto below = [&](uint64_t n) { return random() % n; };
  static const char* const mappings[] = {"member=group,lane",
                                         "member=group sample=lane",
                                         "member=group unit=lane",
                                         "member=group sample=lane*2 unit=lane*4",
                                         "member=group,warp*2,lane",
                                         "member=group,warp*3 sample=lane*8 unit=lane*4",
                                         "member=group sample=warp*2,lane*2 unit=warp*2,lane*16",
                                         "member=group,warp*2 sample=lane*32",
                                         "member=group,lane*8 sample=lane*2 unit=lane*2",
                                         "member=group,warp*2,lane*2 unit=lane*16"};
  size_t mapping = below(std::size(mappings));
  RandomSchedule schedule;
  schedule.cpu = mapping < 4;
  // Of the target, which a bare `lane` takes: any vector's, from SSE2 to AVX-512.
  schedule.lanes = !schedule.cpu ? 32 : mapping == 3 ? 8 : 4 << below(3);
  schedule.text = fmt::format("{} tile={}x{} unroll={}", mappings[mapping], 1 + below(4), 1 + below(4), 1 + below(5));
  if (batch > 1 && below(2)) schedule.text += fmt::format(" chunk={}", 1 + below(static_cast<uint64_t>(batch)));
  if (below(3) == 0) schedule.text += " stash=recompute";
  if (schedule.text.find("unroll=4") != std::string::npos) schedule.text += fmt::format(" sums={}", 1 << below(3));
  return schedule;
}

}  // namespace shoal::harness
