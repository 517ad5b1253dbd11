// Settings from environment variables; an empty variable counts as one that is not set.
#include "runtime/settings.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "compiler/support/error.h"

namespace shoal {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int whole_number(const char* name, int least, int most, int unset) {
  std::string text = variable(name);
  if (text.empty()) return unset;
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw SpecError(name, fmt::format("expected a whole number from {} to {}, got '{}'", least, most, text));
  }
  return value;
}

std::string device() {
  std::string text = variable("SHOAL_DEVICE");
  const std::string kind = text.substr(0, text.find(':'));  // of "cuda:1", which opening it reads on
  for (std::string_view known : {"", "cpu", "cuda"})
    if (kind == known) return text;
  if (text == "reference") return text;
  throw SpecError("SHOAL_DEVICE", fmt::format("expected reference, cpu or cuda, got '{}'", text));
}

std::filesystem::path cache_directory() {
  if (std::string own = variable("SHOAL_CACHE_DIR"); !own.empty()) return own;
  // The XDG specification says that a relative path there is to be ignored.
  std::filesystem::path xdg = variable("XDG_CACHE_HOME");
  if (xdg.is_absolute()) return xdg / "shoal";
  std::filesystem::path home = variable("HOME");
  return home.is_absolute() ? home / ".cache" / "shoal" : std::filesystem::path();
}

}  // namespace

Settings settings_from_environment() {
  return {.debug = whole_number("SHOAL_DEBUG", 0, 5, 0),
          .dump_directory = variable("SHOAL_DUMP_DIR"),
          .cache_directory = cache_directory(),
          .device = device(),
          .threads = whole_number("SHOAL_THREADS", 1, 4096, 0)};
}

}  // namespace shoal
