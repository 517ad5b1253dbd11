// The values of a kernel as source text: each stands where its only user needs it, or has a variable of its own.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/emit/cuda_expression.h"
#include "compiler/emit/cuda_text.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/ranges.h"

namespace shoal::emit {

class CudaValues : protected CudaText {
 protected:
  explicit CudaValues(const kernel::Kernel& kernel);

  const kernel::Instruction& code(int32_t i) const { return kernel_.code[i]; }

  // The value as text; a pending one passes to the caller.
  Expression take(int32_t value) {
    pending_.erase(value);
    return values_[value];
  }
  Expression arg(const kernel::Instruction& in, int n) { return take(in.args[n]); }
  // The value as a name or literal: for text that mentions it twice, or that may skip its evaluation.
  Expression atom(int32_t value);

  void define(int32_t i, Expression e);
  void materialise(int32_t i);  // as a variable, here

  void flush_if(const std::function<bool(const Expression&)>& concerned);
  void flush_readers_of(int64_t state);
  // Before a bracket opens: its body may change anything, and must not be where outer reads are written.
  void flush_all_readers();

  // Behind the steps: the variables of before them that are computed from the thread's place and used again, anew.
  // Those of the place itself must have been written anew.
  void write_renewed();

  const kernel::Kernel& kernel_;
  const std::vector<kernel::ValueRange> ranges_;
  const std::vector<bool> in_bytes_;  // by value: it is written as a byte offset into shared memory
  std::vector<Expression> values_;
  const std::vector<int> uses_;
  std::set<int32_t> pending_;

 private:
  const std::vector<bool> renewed_;
  std::map<int32_t, std::string> written_;  // the lines that made the variables of renewed values
};

}  // namespace shoal::emit
