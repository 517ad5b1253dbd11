// Settings: defaults, every variable, and the message for each bad value.
#include "runtime/settings.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>

#include "tests/io/temporary_folder.h"

namespace shoal {
namespace {

using shoal::test::message_of;

// Starts without any of the variables, and puts them back in the end.
class SettingsTest : public testing::Test {
 protected:
  static constexpr const char* names[] = {
      "SHOAL_DEBUG", "SHOAL_DUMP_DIR", "SHOAL_CACHE_DIR", "SHOAL_DEVICE", "SHOAL_THREADS", "XDG_CACHE_HOME", "HOME"};
  void SetUp() override {
    for (const char* name : names) {
      const char* value = std::getenv(name);
      saved_.push_back(value ? std::optional<std::string>(value) : std::nullopt);
      ::unsetenv(name);
    }
  }
  void TearDown() override {
    for (size_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i]) {
        ::setenv(names[i], saved_[i]->c_str(), 1);
      } else {
        ::unsetenv(names[i]);
      }
    }
  }

 private:
  std::vector<std::optional<std::string>> saved_;
};

TEST_F(SettingsTest, Defaults) {
  Settings settings = settings_from_environment();
  EXPECT_EQ(settings.debug, 0);
  EXPECT_EQ(settings.dump_directory, "");
  EXPECT_EQ(settings.cache_directory, "");
  EXPECT_EQ(settings.device, "");
  EXPECT_EQ(settings.threads, 0);
}

TEST_F(SettingsTest, EveryVariable) {
  ::setenv("SHOAL_DEBUG", "5", 1);
  ::setenv("SHOAL_DUMP_DIR", "/tmp/dumps", 1);
  ::setenv("SHOAL_DEVICE", "cuda", 1);
  ::setenv("SHOAL_THREADS", "16", 1);
  Settings settings = settings_from_environment();
  EXPECT_EQ(settings.debug, 5);
  EXPECT_EQ(settings.dump_directory, "/tmp/dumps");
  EXPECT_EQ(settings.device, "cuda");
  EXPECT_EQ(settings.threads, 16);
}

TEST_F(SettingsTest, TheCacheDirectory) {
  ::setenv("HOME", "/home/ann", 1);
  EXPECT_EQ(settings_from_environment().cache_directory, "/home/ann/.cache/shoal");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(settings_from_environment().cache_directory, "/home/ann/.cache/shoal");
  ::setenv("XDG_CACHE_HOME", "/var/cache/ann", 1);
  EXPECT_EQ(settings_from_environment().cache_directory, "/var/cache/ann/shoal");
  ::setenv("SHOAL_CACHE_DIR", "mine", 1);
  EXPECT_EQ(settings_from_environment().cache_directory, "mine");
}

TEST_F(SettingsTest, BadValuesNameTheVariable) {
  for (const char* bad : {"6", "-1", "two", "1x", " 1", "99999999999999999999"}) {
    ::setenv("SHOAL_DEBUG", bad, 1);
    EXPECT_EQ(message_of([] { settings_from_environment(); }),
              fmt::format("SHOAL_DEBUG: expected a whole number from 0 to 5, got '{}'", bad));
  }
  ::unsetenv("SHOAL_DEBUG");
  ::setenv("SHOAL_THREADS", "0", 1);
  EXPECT_EQ(message_of([] { settings_from_environment(); }),
            "SHOAL_THREADS: expected a whole number from 1 to 4096, got '0'");
  ::unsetenv("SHOAL_THREADS");
  for (const char* good : {"cuda:1", "cpu:x86-64-v3", "reference"}) {
    ::setenv("SHOAL_DEVICE", good, 1);
    EXPECT_EQ(settings_from_environment().device, good);
  }
  ::setenv("SHOAL_DEVICE", "gpu", 1);
  EXPECT_EQ(message_of([] { settings_from_environment(); }),
            "SHOAL_DEVICE: expected reference, cpu or cuda, got 'gpu'");
}

}  // namespace
}  // namespace shoal
