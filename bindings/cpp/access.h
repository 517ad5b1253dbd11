// What stands behind the classes of shoal.hpp, and how exceptions cross that border.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "compiler/support/error.h"
#include "frontend/json/json.h"
#include "frontend/json/spec.h"
#include "runtime/cache.h"
#include "runtime/dataset.h"
#include "runtime/device.h"
#include "runtime/training.h"
#include "shoal/shoal.hpp"

namespace shoal::api {

struct Network::State {
  json::Json spec;  // as written; checked when used
};

// Members are destroyed in reverse order: the device goes before its cache, and last of all after what uses it.
struct Population::State {
  shoal::Spec spec;
  Options options;
  std::unique_ptr<DiskCache> cache;
  std::unique_ptr<Device> device;
  std::unique_ptr<runtime::Population> untrained;  // either this one,
  std::unique_ptr<runtime::Training> training;     // or this one's
  int64_t steps = 0;                               // that the members have taken

  runtime::Population& population() const { return training ? training->population() : *untrained; }
  std::vector<Parameter> parameters() const;
};

struct Ticket::State {
  std::shared_ptr<shoal::Ticket> ticket;
};

struct Access {
  static const json::Json& spec(const Network& network) { return network.state_->spec; }
  static Population population(std::unique_ptr<Population::State> state) { return Population(std::move(state)); }
  static Ticket ticket(std::shared_ptr<shoal::Ticket> started) {
    return Ticket(std::make_shared<Ticket::State>(Ticket::State{std::move(started)}));
  }
  using PopulationState = Population::State;
  static CompileTicket ticket(std::unique_ptr<CompileTicket::State> state);
  using TicketState = CompileTicket::State;
};

struct CompileTicket::State {
  std::future<std::unique_ptr<Access::PopulationState>> prepared;  // waits when it is dropped
};

inline CompileTicket Access::ticket(std::unique_ptr<TicketState> state) { return CompileTicket(std::move(state)); }

// The population's device, cache and checked spec, from which populations begin.
std::unique_ptr<Access::PopulationState> open_state(const Network&, const Options&);
std::vector<runtime::VariedHyperparameter> varied_of(const shoal::Spec&);

// Runs a function of the border; every exception leaves as api::Error.
template <typename F>
auto guarded(F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (const SpecError& error) {
    throw Error(Error::Kind::usage, error.what());
  } catch (const CompileError& error) {
    throw Error(Error::Kind::device, error.what());
  } catch (const RuntimeError& error) {
    throw Error(Error::Kind::device, error.what());
  } catch (const std::bad_alloc&) {
    throw Error(Error::Kind::device, "out of memory");
  } catch (const std::exception& error) {
    throw Error(Error::Kind::internal, error.what());
  }
}

}  // namespace shoal::api
