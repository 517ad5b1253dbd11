// CPU: the passes on nests before they are bound, and why they stand in this order.
#include "compiler/plan/plan.h"

namespace shoal::plan {

void rewrite_nests(Plan& plan) {
  // A border first, with which windows are plain indices. Then windows go into the sums that they are of, before axes
  // merge, which hides windows along one of them; and readers that walk as a sum does only when axes have merged go
  // into it behind that.
  border(plan);
  fold_windows(plan);
  merge_axes(plan);
  fold_windows(plan);
}

}  // namespace shoal::plan
