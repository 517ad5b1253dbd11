// Networks of the C++ API: a spec that is put together call by call.
#include "bindings/cpp/access.h"

namespace shoal::api {
namespace {

using json::Json;

Json to_json(const Value& value) {
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    Json items = Json::list();
    for (const int64_t item : *list) items.items.emplace_back(item);
    return items;
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::get<std::string>(value);
}

// {"dense": {"units": 8}}
Json op_json(const std::string& name, const Fields& fields) {
  Json values = Json::object();
  for (const Field& field : fields) values.set(field.name, to_json(field.value));
  return Json::object({{name, std::move(values)}});
}

const char* kind_name(Vary kind) {
  switch (kind) {
    case Vary::log_uniform: return "log_uniform";
    case Vary::uniform: return "uniform";
    case Vary::choice: return "choice";
    case Vary::grid: return "grid";
    case Vary::list: return "list";
  }
  throw Error(Error::Kind::usage, "Network::vary: no such kind");
}

// A section of the spec, made when it is missing.
Json& section(Json& spec, const std::string& key, Json otherwise) {
  if (Json* found = spec.find(key)) return *found;
  return spec.set(key, std::move(otherwise));
}

}  // namespace

Network::Network(std::vector<int64_t> input) : state_(std::make_unique<State>()) {
  state_->spec = Json::object({{"shoal", 1}});
  Json& network = state_->spec.set("network", Json::object());
  network.set("input", to_json(std::move(input)));
  network.set("layers", Json::list());
}

Network Network::from_json(const std::string& spec) {
  return guarded([&] {
    Network network({1});
    read_spec(spec);
    network.state_->spec = json::parse(spec, "spec");
    return network;
  });
}

Network::Network(const Network& other) : state_(std::make_unique<State>(*other.state_)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(const Network& other) {
  *state_ = *other.state_;
  return *this;
}
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Network& Network::layer(const std::string& name, const Fields& fields) {
  Json* network = state_->spec.find("network");
  section(*network, "layers", Json::list()).items.push_back(op_json(name, fields));
  return *this;
}

Network& Network::loss(const std::string& name, const Fields& fields) {
  state_->spec.set("loss", op_json(name, fields));
  return *this;
}

Network& Network::optimizer(const std::string& name, const Fields& fields) {
  state_->spec.set("optimizer", op_json(name, fields));
  return *this;
}

Network& Network::metric(const std::string& name) {
  section(state_->spec, "metrics", Json::list()).items.emplace_back(name);
  return *this;
}

Network& Network::storage(const std::string& type) {
  state_->spec.find("network")->set("storage", type);
  return *this;
}

Network& Network::precision(const std::string& least) {
  state_->spec.find("network")->set("precision", least);
  return *this;
}

Network& Network::fast_math(bool permitted) {
  state_->spec.find("network")->set("fast_math", permitted);
  return *this;
}

Network& Network::vary(const std::string& hyperparameter, Vary kind, const std::vector<double>& values) {
  Json numbers = Json::list();
  for (const double value : values) numbers.items.emplace_back(value);
  Json& population = section(state_->spec, "population", Json::object());
  section(population, "vary", Json::object())
      .set(hyperparameter, Json::object({{kind_name(kind), std::move(numbers)}}));
  return *this;
}

std::string Network::json() const {
  return guarded([&] { return shoal::to_json(read_spec(json::print_compact(state_->spec))); });
}

}  // namespace shoal::api
