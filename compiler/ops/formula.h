// Activations and losses that a user writes as formulas: the `define` block of a spec.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/ops/op.h"

namespace shoal {

// "define": {"swish(x, beta)": "x * sigmoid(beta * x)"}. Used as {"swish": {"beta": 2}}: the parameters that are not
// values of the network are required fields of type number (a loss may vary them: "loss.beta").
struct Formula {
  std::string name;
  std::vector<std::string> parameters;
  std::string text;
};

// Reads the head "swish(x, beta)". Throws SpecError with place "define" (front ends add theirs).
Formula parse_formula(std::string_view head, std::string_view text);

// x is the first parameter; element by element, so the shape stays.
std::unique_ptr<Layer> formula_layer(const Formula&);
// prediction and target are the first two parameters; the mean over units is the loss of a sample.
std::unique_ptr<Loss> formula_loss(const Formula&);

}  // namespace shoal
