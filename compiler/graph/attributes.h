// The attributes that each primitive reads, by name, for printing and parsing.
#pragma once

#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/support/lexer.h"

namespace shoal {

// One for each field of Attrs, under its name.
enum class Attribute : uint8_t {
  name,
  role,
  value,
  dtype,
  varies,
  shape,
  dims,
  low,
  high,
  kernel,
  stride,
  dim,
  n,
  reduction,
  over_sample,
  a,
  b,
  out,
  loop
};

std::string_view attribute_name(Attribute);
const std::vector<Attribute>& attributes_of(Prim);

// "name=value" for every attribute that the primitive reads and that is not at its default, each after ", ".
std::string attributes_text(Prim, const Attrs&);

// A parsed attribute value: one token, several names joined by +, or a list of numbers.
struct AttributeValue {
  std::vector<Token> tokens;
  std::vector<double> numbers;
  bool is_list = false;
};

// Sets the attribute called `name`. Throws SpecError with an empty place when the primitive has no such attribute or
// the value does not fit it.
void set_attribute(Prim, Attrs&, const std::string& name, const AttributeValue&);

}  // namespace shoal
