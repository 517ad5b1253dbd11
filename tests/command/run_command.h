// Runs the built `shoal` in a folder of its own, with its own kernel cache, and keeps what it said.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace shoal::test {

struct CommandResult {
  int code = -1;  // exit code; 128 + signal when a signal ended it
  std::string out, err;
};

class CommandTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  CommandResult shoal(const std::vector<std::string>& arguments) const;
  // Starts it in the background; wait() gives what it said.
  pid_t start(const std::vector<std::string>& arguments) const;
  CommandResult wait(pid_t) const;

  std::string file(const std::string& name, const std::string& content) const;  // its path
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string read(const std::string& name) const;

  std::filesystem::path folder;
};

// A spec of a small regression on this archive.
std::string small_spec(const std::string& data, const std::string& training = R"({"batch": 4, "epochs": 3})",
                       int members = 6);

}  // namespace shoal::test
