// Regret: the time of the schedule that is chosen over that of the best one found, by running all that are worth it.
#pragma once

#include <string>
#include <vector>

#include "compiler/rank.h"
#include "tools/bench/works.h"

namespace shoal::bench {

struct Contender {
  Ranked ranked;            // with its prediction
  bool considered = false;  // by choose; the others are only in the wider set
  double ns = 0;            // a member-step, measured: the least of all rounds, which disturbances only add to
};

struct Regret {
  std::string name;
  int64_t members = 0, batch = 0;
  double choose_ms = 0;               // of processor time that choosing took
  std::vector<Contender> contenders;  // the chosen one first
  double ratio() const;               // of the chosen one's time to the least; at least 1
  const Contender& best() const;
};

struct RegretRequest {
  std::string device = "cpu";
  int threads = 0;  // 0: all cores
  int rounds = 5;   // measurements of each contender, in turn
  // More of the chosen one and of those that came within `close` of the fastest: the least of few measurements of many
  // contenders is the luckiest one's.
  int final_rounds = 20;
  double close = 1.25;
  double seconds = 0.004;  // of one measurement
};

Regret regret_of(const Work&, const RegretRequest&);

}  // namespace shoal::bench
