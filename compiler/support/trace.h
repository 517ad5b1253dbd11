// The trace sink: what the pipeline tells whoever watches it (dump folders, `shoal dump`, timing tables).
#pragma once

#include <string>
#include <string_view>

namespace shoal {

// Receives every stage of a compilation. The compiler itself writes nothing anywhere.
struct Trace {
  virtual ~Trace() = default;
  // `stage` is the name of the pass or stage ("fold", "plan", "kernel"); `text` its printed result.
  virtual void stage(std::string_view stage_name, const std::string& text, double seconds) = 0;
  // Whether texts are wanted; when false stage() is called with an empty text, and printing is skipped.
  virtual bool wants_text() const { return true; }
};

}  // namespace shoal
