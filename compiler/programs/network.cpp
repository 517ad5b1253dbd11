// Networks: naming layers, finding their inputs, expanding them in order, and reporting errors at their place.
#include "compiler/programs/network.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "compiler/programs/parts.h"
#include "compiler/support/error.h"

namespace shoal {

namespace {

std::string place_of(const Network& network, size_t i) {
  const std::string& place = network.layers[i].place;
  return place.empty() ? fmt::format("/network/{}", i) : place;
}

bool is_layer_name(const std::string& name) {
  return !name.empty() && name != "input" && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (std::isalnum(static_cast<unsigned char>(c)) != 0);
  });
}

// The problem of an error, without the place that the thrower gave it.
std::string problem_of(const SpecError& error) {
  const std::string what = error.what();
  return what.substr(std::min(what.size(), error.place.size() + 2));
}

// A network being expanded: the value of every layer so far.
class Expansion {
 public:
  Expansion(Scope& scope, const Network& network, Value x)
      : scope_(scope), network_(network), names_(layer_names_of(network)), last_(x) {
    values_.emplace("input", x);
  }

  // Appends layer i.
  Value layer(size_t i) {
    const LayerSpec& spec = network_.layers[i];
    check(spec.op != nullptr, "layer {} has no op", names_[i]);
    const std::vector<Value> inputs = inputs_of(i);
    if (const auto missing = spec.op->missing()) {
      throw SpecError(place_of(network_, i), fmt::format("{} needs \"{}\"", spec.op->info().name, *missing));
    }
    const std::string outer = scope_.prefix();
    scope_.set_prefix(outer.empty() ? names_[i] : outer + "." + names_[i]);
    try {
      last_ = spec.op->expand(scope_, inputs);
    } catch (const SpecError& error) {
      throw SpecError(place_of(network_, i), fmt::format("{}: {}", spec.op->info().name, problem_of(error)));
    }
    scope_.set_prefix(outer);
    last_name_ = names_[i];
    values_.emplace(names_[i], last_);
    return last_;
  }

  // Every layer must reach the output, which is the last one.
  void check_all_used() const {
    for (size_t i = 0; i + 1 < names_.size(); ++i) {
      if (!used_.count(names_[i])) {
        throw SpecError(place_of(network_, i), fmt::format("no layer reads the output of \"{}\"", names_[i]));
      }
    }
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<Value> inputs_of(size_t i) {
    const LayerSpec& spec = network_.layers[i];
    std::vector<Value> inputs;
    if (spec.inputs.empty()) {
      inputs.push_back(last_);
      used_.insert(last_name_);
    }
    for (const std::string& name : spec.inputs) {
      const auto found = values_.find(name);
      if (found == values_.end()) {
        std::vector<std::string> known;
        for (const auto& [key, value] : values_) known.push_back(key);
        const std::string nearest = nearest_name(name, known);
        throw SpecError(place_of(network_, i),
                        fmt::format("no earlier layer \"{}\"{}", name,
                                    nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
      }
      used_.insert(name);
      inputs.push_back(found->second);
    }
    const OpInfo& info = spec.op->info();
    if (info.many_inputs ? inputs.size() < 2 : inputs.size() != 1) {
      throw SpecError(place_of(network_, i),
                      fmt::format("{} takes {}, got {}", info.name,
                                  info.many_inputs ? "two or more inputs" : "one input", inputs.size()));
    }
    return inputs;
  }

  Scope& scope_;
  const Network& network_;
  std::vector<std::string> names_;
  std::map<std::string, Value> values_;
  std::set<std::string> used_;
  std::string last_name_ = "input";
  Value last_;
};

}  // namespace

std::vector<std::string> layer_names_of(const Network& network) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const std::string& given = network.layers[i].name;
    names.push_back(given.empty() ? std::to_string(i) : given);
    if (!is_layer_name(names[i])) {
      throw SpecError(
          place_of(network, i),
          fmt::format("expected a name of letters, digits and _ (and not \"input\"), got \"{}\"", names[i]));
    }
    if (!seen.insert(names[i]).second) {
      throw SpecError(place_of(network, i), fmt::format("a second layer named \"{}\"", names[i]));
    }
  }
  return names;
}

Value expand(Scope& scope, const Network& network, Value x) {
  if (network.layers.empty()) throw SpecError("/network", "expected at least one layer");
  Expansion expansion(scope, network, x);
  Value y = x;
  for (size_t i = 0; i < network.layers.size(); ++i) y = expansion.layer(i);
  expansion.check_all_used();
  return y;
}

Shape output_shape(const Network& network) {
  Graph graph;
  Scope scope(graph);
  return expand(scope, network, declare_input(scope, network, {.sample = true})).shape();
}

std::vector<LayerSummary> summarize(const Network& network) {
  Graph graph;
  Scope scope(graph);
  Expansion expansion(scope, network, declare_input(scope, network, {.sample = true}));
  std::vector<LayerSummary> rows;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const size_t before = scope.parameters().size();
    LayerSummary row{expansion.names()[i], network.layers[i].op->text(), expansion.layer(i).shape(), 0};
    for (size_t p = before; p < scope.parameters().size(); ++p) {
      row.parameters += element_count(scope.parameters()[p].shape);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace shoal
