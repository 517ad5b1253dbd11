// Binding one nest: what bind() does for every nest of a plan, and reside() for those that it adds.
#pragma once

#include <optional>
#include <vector>

#include "compiler/plan/plan.h"

namespace shoal::plan {

// Points of an axis that a thread may have registers for: those that the first thread has.
int64_t points_of_thread(const AxisBinding& axis, int64_t extent);

// A nest that sums products of two factors over its last axis.
struct Contraction {
  int32_t a = -1, b = -1;           // scalars of the body
  uint32_t a_axes = 0, b_axes = 0;  // those that each depends on, a bit each
};
std::optional<Contraction> contraction_of(const Plan& plan, const Nest& nest);
// GPU: binds a contraction to tensor cores where that is predicted to be faster; else false, and nothing is changed.
// `binding` has the warps already.
bool bind_mma(const Plan& plan, const Nest& nest, Binding& binding);

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// By scalar of the body: `wanted`, and what those are computed from.
std::vector<bool> with_operands(const Nest& nest, std::vector<bool> wanted);
// The reduced scalar and what it is computed from. None where nothing is reduced.
std::vector<bool> summed_scalars(const Nest& nest);

// A strided window that steps further than this is decided where it is read, point by point.
constexpr int64_t largest_phase = 4;

// Gives the nest, whose axes have their threads, its register tile.
void choose_tile(const Plan& plan, const Nest& nest, Binding& binding);
Binding bind_nest(const Plan& plan, const Nest& nest);
// CPU: the same with all lanes along the samples over which the nest sums.
Binding bind_along_samples(const Plan& plan, const Nest& nest);

// Elements of what scalar `load` names that one register tile reads in a step of the reduction.
double elements_of_tile(const Plan& plan, const Nest& nest, const Scalar& load, const std::vector<int>& tile);

// GPU: chooses for every temporary whether its rows run along samples or along its last dimension: along what wide
// accesses divide without a rest.
void lay_out_for_wide_access(Plan& plan);
// GPU: puts that reduced axis last, and so in the innermost loop, along which most of what is summed stands side by
// side.
void order_reductions(Plan& plan);
// GPU: deals the lanes to the nest's parallel axes and chooses its register tile, by counting what the tile issues and
// what shared memory moves. `binding` has the warps already.
void spread_lanes(const Plan& plan, const Nest& nest, Binding& binding);

}  // namespace shoal::plan
