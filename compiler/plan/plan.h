// The plan: the scheduled program. Values with their places, nests in execution order with their bindings, structure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/plan/nest.h"
#include "compiler/plan/schedule.h"

namespace shoal::plan {

// An argument of the kernel: an input (perhaps carried) or an output of the graph.
struct PlanArgument {
  std::string name;
  Role role = Role::input;
  bool is_output = false, written = false;
  DType dtype = DType::f32;  // as it is stored
  Varies varies;
  Shape shape;
  int32_t value = -1;
  bool operator==(const PlanArgument&) const = default;
};

// Where a value's elements stand. Physical index of (sample s, unit index i) for one member:
//   (s * sample_stride + sum i_d * strides[d]) * lane_step + own lane (when members are in lanes)
struct Place {
  enum class Kind : uint8_t {
    global,
    shared,
    scratch,
    registers
  } kind = Kind::global;      // scratch: global memory owned by the launch
  int64_t sample_extent = 1;  // samples kept: 1, a chunk, or the batch
  int64_t sample_stride = 0;
  std::vector<int64_t> strides;
  int64_t size = 0;     // elements of one member (before lane_step); registers: of one thread
  int64_t swizzle = 0;  // row length, a power of two: element e stands at e ^ (e / swizzle & 28), so that rows which
                        // lanes read side by side lie in different banks; 0: it stands at e
  int64_t offset = 0;   // shared, scratch: first element of the member's (or of the lane block's) part
  int32_t first_nest = -1, last_nest = -1;  // lifetime, in positions of `nests`; -1: the whole program
  bool operator==(const Place&) const = default;
};

// How the points of one nest's axis are spread: each warp has a block of neighbouring points, and in its block
//   point = ((loop * tile / vector + t / vector) * lane_count + lane part) * vector + t % vector;
// the last few points go to one thread each. Lanes of a reduced axis share its steps in the same way, and then exchange
// their sums. On a GPU each of them gets the whole, and the first one stores; on a CPU, where they have all lanes of
// the vector, each gets the sum of another point of the tile, and stores that.
struct AxisBinding {
  int32_t threads = 1;                   // lanes * warps along this axis
  int32_t lane_count = 1;                // a power of two
  std::vector<int32_t> lane_bits;        // lane part of the thread: its bit j is bit lane_bits[j] of the lane
  int32_t warp_div = 1, warp_count = 1;  // warp part: (warp / warp_div) % warp_count; thread = warp part * lane_count
                                         // + lane part
  int32_t tile = 1;                      // unrolled points of one thread; of a reduced axis: at least so many
  int32_t vector = 1;                    // so many of them are neighbours; divides tile
  bool padded = false;                   // the last tile is whole too, and its points beyond the extent do nothing
  bool operator==(const AxisBinding&) const = default;
};
struct Binding {
  std::vector<AxisBinding> axes;  // one for each axis of the nest
  int32_t idle_lanes = 1,
          idle_lane_div = 1;  // lanes (warps) that no axis uses: they repeat the work, the first one stores
  int32_t idle_warps = 1, idle_warp_div = 1;
  // A contraction on tensor cores: the axes of the rows and columns of its tiles, which are then bound to lanes as
  // kernel/tensor.h has the accumulators; its last axis is bound as the operands have it. -1: it is none.
  int32_t mma_rows = -1, mma_columns = -1;
  bool operator==(const Binding&) const = default;
};

// A loop over time around the nests that name it, which stand together in execution order.
struct TimeLoop {
  int64_t extent = 1;
  bool reversed = false;  // time runs from extent - 1 to 0
  bool operator==(const TimeLoop&) const = default;
};

struct Plan {
  std::string name;
  Schedule schedule;
  int64_t batch = 1, chunk = 1;
  int regions = 1;
  std::vector<TimeLoop> loops;
  bool steps = false;  // a loop of K steps around the nests of phase `steps`
  int access = 1;      // elements of the widest access to memory that costs hardly more than one of a single element
  bool fast_math = false;  // the graph permits it, and the target gains by it
  std::vector<PlanArgument> arguments;
  std::vector<Value> values;
  std::vector<Place> places;           // one a value
  std::vector<Nest> nests;             // in execution order
  std::vector<Binding> bindings;       // one a nest
  int64_t shared_size = 0;             // elements of one member's (or lane block's) temporaries in shared memory
  int64_t scratch_size = 0;            // the same in scratch
  std::string why;                     // reasons for the schedule and for places, one a line
  bool operator==(const Plan&) const;  // the texts are equal: they say all that lowering reads, values by name
};

// graph -> nests: materialises, groups and orders. `chunked`: the batch is cut into chunks (region numbers,
// over_chunks).
void make_nests(const Graph&, bool chunked, Plan& plan);
// CPU: values that guarded windows read get copies with a border of the fill value, and the guards go.
void border(Plan& plan);
// CPU: neighbouring unit axes that all of a nest walks as one become one axis, in every nest or in the given one.
void merge_axes(Plan& plan);
void merge_axes(Plan& plan, Nest& nest);
// CPU: sums that are only read window by window are read from the registers of their tile.
void fold_windows(Plan& plan);
// CPU: all of these, in their order.
void rewrite_nests(Plan& plan);
// Gives every nest of the plan its binding by the schedule's order of preference.
void bind(Plan& plan);
// CPU: lets the lanes of sums over samples run along the samples where that is predicted to be faster than along units.
void share_sums(Plan& plan);
// GPU: arguments that the steps use stay on the chip, in registers or in shared memory of `shared_bytes` a group,
// copied there by nests before the steps and back by nests after them.
void reside(Plan& plan, int64_t shared_bytes);
// Chooses each temporary's layout by the lanes of the nest that makes it, and adds a relayout nest where readers' lanes
// run along the other axis, and where lanes along samples would gather an argument several times.
void relayout(Plan& plan);
// Gives every value its place; temporaries in shared memory up to `shared_bytes` a group, else in scratch.
// `line_bytes`: of a cache whose sets rows of temporaries are to be spread over, 0 for none.
void place(Plan& plan, int64_t shared_bytes, int64_t line_bytes = 0);
// Checks indices against extents, order of definition, stores; throws InternalError that prints the nest.
void verify(const Plan& plan);

// The plan as text (docs/plan-text.md); `why` is left out.
std::string print(const Plan& plan);
// parse_plan(print(plan)) == plan, and lowers to the same kernel. Throws SpecError with place "plan:<line>"; what the
// plan means is left to verify().
Plan parse_plan(std::string_view text);

}  // namespace shoal::plan
