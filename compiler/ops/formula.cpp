// Formulas of a spec's `define` block as layers and losses; their text becomes primitives and nothing else.
#include "compiler/ops/formula.h"

#include <algorithm>
#include <cctype>

#include "compiler/graph/text.h"
#include "compiler/ops/shapes.h"

namespace shoal {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '_' || (std::isalnum(static_cast<unsigned char>(c)) != 0); });
}

// A formula whose parameters from `first` on are numbers that the spec gives. Base is Layer or Loss.
template <typename Base>
class FormulaOp : public Base {
 public:
  FormulaOp(Formula formula, size_t first, OpKind kind)
      : formula_(std::move(formula)), first_(first), numbers_(formula_.parameters.size() - first) {
    info_.kind = kind;
    info_.name = formula_.name;
    info_.doc = formula_.text;
    for (size_t i = first; i < formula_.parameters.size(); ++i) {
      FieldInfo field;
      field.name = formula_.parameters[i];
      field.doc = "parameter of the formula";
      field.limits = kind == OpKind::loss ? any_value.with_required().with_vary() : any_value.with_required();
      info_.fields.push_back(std::move(field));
    }
  }

  const OpInfo& info() const override { return info_; }

  Problem set(std::string_view field, const FieldValue& value) override {
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (info_.fields[i].name != field) continue;
      double number = 0;
      const Problem problem = assign_field(info_.fields[i], value, &number);
      if (!problem) numbers_[i] = number;
      return problem;
    }
    return unknown_field(info_, field);
  }

  FieldValue get(std::string_view field) const override {
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (info_.fields[i].name == field) return number(i);
    }
    throw InternalError(fmt::format("internal error: {} has no field {}", info_.name, field));
  }

  std::optional<std::string> missing() const override {
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (!numbers_[i]) return info_.fields[i].name;
    }
    return std::nullopt;
  }

 protected:
  double number(size_t i) const {
    check(numbers_[i].has_value(), "{} of {} was never set", info_.fields[i].name, info_.name);
    return *numbers_[i];
  }

  // Appends the formula, with the given values for its parameters.
  Value evaluate(Scope& s, const std::vector<Value>& values) const {
    std::vector<NodeId> ids;
    for (const Value& value : values) ids.push_back(value.id);
    return {&s, parse_expression(s.graph(), formula_.text, formula_.parameters, ids)};
  }

  Formula formula_;
  size_t first_;
  std::vector<std::optional<double>> numbers_;
  OpInfo info_;
};

class FormulaLayer : public FormulaOp<Layer> {
 public:
  explicit FormulaLayer(Formula formula) : FormulaOp(std::move(formula), 1, OpKind::activation) {}

  Value expand(Scope& s, const std::vector<Value>& inputs) const override {
    check(inputs.size() == 1, "{} takes one input", info_.name);
    const Shape in = inputs[0].shape();
    std::vector<Value> values{inputs[0]};
    for (size_t i = 0; i < numbers_.size(); ++i) values.push_back(s.constant(number(i)));
    const Value y = evaluate(s, values);
    if (y.dtype() != DType::f32) throw SpecError("layer", fmt::format("{} gives no number", info_.name));
    return broadcast_to(y, in);
  }
};

class FormulaLoss : public FormulaOp<Loss> {
 public:
  explicit FormulaLoss(Formula formula) : FormulaOp(std::move(formula), 2, OpKind::loss) {}

  TargetKind target() const override { return TargetKind::same_shape; }

  Value expand(Scope& s, const Hyper& hyper, Value prediction, Value wanted) const override {
    std::vector<Value> values{prediction, wanted};
    for (const FieldInfo& field : info_.fields) values.push_back(hyper(field.name));
    const Value loss = evaluate(s, values);
    if (loss.dtype() != DType::f32) throw SpecError("loss", fmt::format("{} gives no number", info_.name));
    return mean_units(loss);
  }
};

}  // namespace

Formula parse_formula(std::string_view head, std::string_view text) {
  const auto refuse = [&](const std::string& problem) {
    throw SpecError("define", fmt::format("{} in \"{}\"; expected a head such as \"swish(x)\"", problem, head));
  };
  const size_t open = head.find('(');
  const std::string_view whole = trim(head);
  if (open == std::string_view::npos || whole.empty() || whole.back() != ')') refuse("no parameters");
  Formula formula;
  formula.name = trim(head.substr(0, open));
  formula.text = text;
  if (!is_identifier(formula.name)) refuse("a bad name");
  std::string_view rest = trim(head.substr(open + 1));
  rest.remove_suffix(1);
  while (true) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string parameter(trim(rest.substr(0, end)));
    if (!is_identifier(parameter)) refuse("a bad parameter");
    const auto& known = formula.parameters;
    if (std::find(known.begin(), known.end(), parameter) != known.end()) refuse("a parameter named twice");
    formula.parameters.push_back(parameter);
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  return formula;
}

std::unique_ptr<Layer> formula_layer(const Formula& formula) {
  check(!formula.parameters.empty(), "a formula has at least one parameter");
  return std::make_unique<FormulaLayer>(formula);
}

std::unique_ptr<Loss> formula_loss(const Formula& formula) {
  if (formula.parameters.size() < 2) {
    throw SpecError("define", fmt::format("the loss {} needs two parameters: prediction and target", formula.name));
  }
  return std::make_unique<FormulaLoss>(formula);
}

}  // namespace shoal
