// What the two directions of the plan's text share: how values and axes are referred to, and what is left unsaid.
#pragma once

#include <string>
#include <vector>

#include "compiler/plan/plan.h"

namespace shoal::plan {

// A name as it stands in the text: bare when it is an identifier, else quoted.
std::string name_text(const std::string& name);

// How the text refers to names[i]: by name, or as name@i where another has the same name (or a quotient's).
std::vector<std::string> reference_texts(const std::vector<std::string>& names);

std::vector<std::string> value_names(const Plan& plan);
std::vector<std::string> axis_names(const Nest& nest);  // of the axes, then "q0", "q1" ... of the quotients

// The type that a scalar has when the text names none.
DType default_dtype(const std::vector<Value>& values, const Scalar& scalar);

// Sets strides and size of a place whose samples and elements stand without gaps.
void lay_out_densely(const Value& value, Place& place);

}  // namespace shoal::plan
