// fork, exec, and files for what the command prints.
#include "tests/command/run_command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "runtime/io/npz.h"

namespace shoal::test {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

void CommandTest::SetUp() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  folder = std::filesystem::path(testing::TempDir()) /
           ("shoal_command_" + std::string(info->name()) + "_" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  // Sixteen points of y = a - b, as one archive.
  std::vector<float> x, y;
  for (int i = 0; i < 16; ++i) {
    x.insert(x.end(), {static_cast<float>(i % 4) / 4, static_cast<float>(i / 4) / 4});
    y.push_back(x[static_cast<size_t>(i) * 2] - x[static_cast<size_t>(i) * 2 + 1]);
  }
  io::write_npz(folder / "data.npz", {{"x", io::make_tensor({16, 2}, x)}, {"y", io::make_tensor({16, 1}, y)}});
}

void CommandTest::TearDown() { std::filesystem::remove_all(folder); }

pid_t CommandTest::start(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all{SHOAL_COMMAND};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& one : all) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  const int out = open(path("stdout").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  const int err = open(path("stderr").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  dup2(out, 1);
  dup2(err, 2);
  setenv("SHOAL_CACHE_DIR", path("cache").c_str(), 1);
  for (const char* name : {"SHOAL_DEVICE", "SHOAL_THREADS", "SHOAL_DUMP_DIR", "SHOAL_DEBUG"}) unsetenv(name);
  execv(pointers[0], pointers.data());
  _exit(127);
}

CommandResult CommandTest::wait(pid_t child) const {
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(path("stdout")),
          content_of(path("stderr"))};
}

CommandResult CommandTest::shoal(const std::vector<std::string>& arguments) const { return wait(start(arguments)); }

std::string CommandTest::file(const std::string& name, const std::string& content) const {
  std::ofstream(folder / name, std::ios::binary) << content;
  return path(name);
}

std::string CommandTest::read(const std::string& name) const { return content_of(folder / name); }

std::string small_spec(const std::string& data, const std::string& training, int members) {
  return R"({"shoal": 1, "name": "small", "network": {"input": 2, "layers": [{"dense": {"units": 4}}, "tanh", {"dense": {"units": 1}}]},
 "loss": "mse", "metrics": ["mae"], "optimizer": {"adam": {"lr": 0.01}}, "training": )" +
         training + R"(, "population": {"members": )" + std::to_string(members) +
         R"(, "seed": 3, "vary": {"optimizer.lr": {"log_uniform": [0.001, 0.1]}}}, "data": {"file": ")" + data +
         R"(", "validation": 0.25, "scale": "standard"}})";
}

}  // namespace shoal::test
