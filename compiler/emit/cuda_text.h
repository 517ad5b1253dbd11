// Source text in indented lines.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace shoal::emit {

// Begins with the text that stands before a function's body, whose lines it then appends.
class CudaText {
 public:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_.append(2 * depth_, ' ');
    text_ += fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  void open(const std::string& head) {
    line("{}{{", head.empty() ? head : head + " ");
    depth_++;
  }
  void close(const std::string& tail) {
    depth_--;
    line("}}{}", tail);
  }

 protected:
  std::string text_;

 private:
  size_t depth_ = 1;
};

}  // namespace shoal::emit
