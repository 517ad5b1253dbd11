// Measures one work on a device: time of a member-step, fractions of the machine's ceilings, and whether the result is
// right.
#pragma once

#include <string>

#include "tools/bench/ceilings.h"
#include "tools/bench/works.h"

namespace shoal::bench {

struct Measurement {
  std::string name, schedule, why;
  int64_t members = 0, batch = 0, parameters = 0;
  std::string device;  // its description
  double ns = 0,
         ns_one_thread = 0;    // a member-step (or a member's forward pass), medians; all threads, one thread (CPU)
  double useful_gflops = 0;    // multiply-adds of the contractions alone, counting two
  double peak_fraction = 0;    // of the FMA peak measured between the repetitions
  double memory_fraction = 0;  // of the memory's bandwidth, counting the parameters once; works that are not training
  double front_ms = 0, back_ms = 0;  // compile time: graph to source, source to code
  double error = 0;                  // after two steps, against the evaluator in double, of the distance trained
};

struct Request {
  std::string device;    // empty: cpu, or cuda where there is no CPU target
  std::string schedule;  // empty: chosen
  int threads = 0;       // 0: all cores
  int64_t members = 0;   // 0: the work's
  int repetitions = 15;
  double seconds = 0.1;  // of one repetition
};

std::string default_device();

Measurement measure(const Work& work, const Request& request);

}  // namespace shoal::bench
