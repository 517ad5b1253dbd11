// Inference and training on the caller's memory, and tickets.
#include "bindings/cpp/access.h"
#include "runtime/bound_inference.h"
#include "runtime/bound_training.h"

namespace shoal::api {
namespace {

runtime::StridedView strided(const View& view, const char* place) {
  runtime::StridedView out{view.data, view.shape, view.strides};
  if (out.strides.empty()) {
    out.strides.assign(out.shape.size(), 1);
    for (size_t axis = out.shape.size(); axis-- > 1;)
      if (__builtin_mul_overflow(out.strides[axis], out.shape[axis], &out.strides[axis - 1]))
        throw SpecError(place, "the shape has too many elements");
  }
  if (view.data == 0) throw SpecError(place, "a view of no memory: its address is 0");
  return out;
}

}  // namespace

Ticket::Ticket(std::shared_ptr<State> state) : state_(std::move(state)) {}

bool Ticket::ready() const {
  return guarded([&] { return state_->ticket->ready(); });
}
void Ticket::wait() const {
  guarded([&] { state_->ticket->wait(); });
}
double Ticket::seconds() const {
  return guarded([&] { return state_->ticket->seconds(); });
}
void Ticket::hold_back(std::uintptr_t stream) const {
  guarded([&] { state_->ticket->hold_back(stream); });
}

struct Inference::State {
  runtime::BoundInference bound;
};

Inference::Inference(Population& population, const View& x, const View& y)
    : state_(guarded([&] {
        const Access::PopulationState& of = *population.state_;
        return std::make_unique<State>(State{runtime::BoundInference(of.population(), of.spec.model, strided(x, "x"),
                                                                     strided(y, "y"), of.options.schedule)});
      })) {}
Inference::Inference(Inference&&) noexcept = default;
Inference& Inference::operator=(Inference&&) noexcept = default;
Inference::~Inference() = default;

Ticket Inference::start() {
  return guarded([&] { return Access::ticket(state_->bound.start()); });
}

void Inference::reset() {
  guarded([&] { state_->bound.reset(); });
}

void Inference::reset(const std::vector<int64_t>& members) {
  guarded([&] { state_->bound.reset(members); });
}

struct Trainer::State {
  Access::PopulationState& population;
  runtime::BoundTraining bound;
};

Trainer::Trainer(Population& population, const View& x, const View& y)
    : state_(guarded([&] {
        Access::PopulationState& of = *population.state_;
        runtime::BoundTrainingSettings settings;
        settings.batch = of.options.batch;
        settings.seed = of.options.seed;
        settings.first_step = of.steps;
        settings.schedule = of.options.schedule;
        settings.varied = varied_of(of.spec);
        return std::make_unique<State>(State{
            of, runtime::BoundTraining(of.population(), of.spec.model, strided(x, "x"), strided(y, "y"), settings)});
      })) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Ticket Trainer::start(int64_t steps) {
  return guarded([&] {
    Ticket ticket = Access::ticket(state_->bound.start(steps));
    state_->population.steps = state_->bound.step();
    return ticket;
  });
}

Scores Trainer::scores() {
  return guarded([&] {
    runtime::Scores scores = state_->bound.scores();
    return Scores{std::move(scores.names), std::move(scores.values)};
  });
}

}  // namespace shoal::api
