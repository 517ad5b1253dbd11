// Threads of the C++ API: a host's job system runs everything with the same results, and compiling goes on by itself.
#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <atomic>
#include <mutex>
#include <set>
#include <shoal/shoal.hpp>
#include <thread>

namespace shoal::api {
namespace {

// Runs items one after another in the caller, or each on a thread; counts calls, and items from which a thread came
// back with another denormal mode than it went in with.
struct ToyJobs {
  explicit ToyJobs(bool on_threads) : threaded(on_threads) {}
  bool threaded;
  std::atomic<int> calls = 0, modes_changed = 0;
  std::mutex mutex;
  std::set<std::thread::id> threads;  // that ran any

  static void parallel_for(void* context, int64_t n, void (*run)(void*, int64_t), void* data) {
    auto& jobs = *static_cast<ToyJobs*>(context);
    ++jobs.calls;
    auto one = [&](int64_t item) {
      const unsigned before = _mm_getcsr() & 0xFFC0u;
      run(data, item);
      jobs.modes_changed += (_mm_getcsr() & 0xFFC0u) != before;
      const std::lock_guard lock(jobs.mutex);
      jobs.threads.insert(std::this_thread::get_id());
    };
    std::vector<std::thread> started;
    for (int64_t item = n; item-- > 0;) {
      if (jobs.threaded)
        started.emplace_back(one, item);
      else
        one(item);
    }
    for (std::thread& thread : started) thread.join();
  }
  JobSystem system(int workers) { return {this, &ToyJobs::parallel_for, workers}; }
};

struct Data {
  Array x{{16, 3}, {}}, y{{16, 2}, {}};
  Data() {
    for (int i = 0; i < 48; ++i) x.values.push_back(static_cast<float>(i * 37 % 17) / 8 - 1);
    for (int i = 0; i < 32; ++i) y.values.push_back(static_cast<float>(i * 23 % 13) / 6 - 1);
  }
};

Network network() {
  Network net({3});
  net.dense(8).layer("tanh").dense(2).loss("mse").optimizer("adam", {{"lr", 0.01}});
  return net;
}

Options options_of(int members) {
  Options options;
  options.members = members, options.seed = 3, options.batch = 8, options.steps = 40, options.device = "cpu";
  return options;
}

TEST(JobSystem, RunsEverythingWithTheSameResults) {
  const Data data;
  Options own = options_of(20);
  own.threads = 2;
  for (const char* schedule : {"member=group,lane tile=2x2", "member=group unit=lane tile=2x2"}) {
    own.schedule = schedule;
    const Array expected = train(network(), data.x, data.y, own).parameter("0.weight");
    for (bool threaded : {false, true}) {
      for (int workers : {1, 3}) {
        ToyJobs jobs(threaded);
        Options host = own;
        host.jobs = jobs.system(workers);
        Population population = train(network(), data.x, data.y, host);
        EXPECT_EQ(population.parameter("0.weight").values, expected.values) << schedule << ", workers " << workers;
        const int of_training = jobs.calls;
        EXPECT_GT(of_training, 0);
        population.predict(data.x);
        EXPECT_GT(jobs.calls, of_training);
        EXPECT_EQ(jobs.modes_changed, 0);
        EXPECT_EQ(jobs.threads.count(std::this_thread::get_id()), threaded ? 0u : 1u);
      }
    }
  }
}

TEST(JobSystem, NeverGetsATeam) {
  const Data data;
  ToyJobs jobs(false);
  Options host = options_of(1);
  host.jobs = jobs.system(8);
  EXPECT_EQ(train(network(), data.x, data.y, host).members(), 1);  // and it ends
  host.schedule = "member=group sample=warp*2 unit=lane tile=1x2";
  try {
    train(network(), data.x, data.y, host);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind, Error::Kind::usage);
    EXPECT_NE(std::string(error.what()).find("needs 2 threads at the same time"), std::string::npos) << error.what();
  }
  host = options_of(1);
  host.jobs = jobs.system(0);
  EXPECT_THROW(train(network(), data.x, data.y, host), Error);
}

TEST(Teams, GiveTheSameResultsWithAnyNumberOfThreads) {
  const Data data;
  Options options = options_of(2);
  options.schedule = "member=group sample=warp*2 unit=lane tile=1x2";
  options.threads = 1;
  const std::vector<float> expected = train(network(), data.x, data.y, options).parameter("2.weight").values;
  for (int threads : {2, 3}) {
    options.threads = threads;
    EXPECT_EQ(train(network(), data.x, data.y, options).parameter("2.weight").values, expected) << threads;
  }
}

TEST(CompileTicket, TrainsWhatTrainWouldHave) {
  const Data data;
  const std::vector<float> expected = train(network(), data.x, data.y, options_of(20)).parameter("0.weight").values;
  CompileTicket ticket = train_async(network(), data.x, data.y, options_of(20));
  CompileTicket moved = std::move(ticket);
  moved.wait();
  EXPECT_TRUE(moved.ready());
  EXPECT_EQ(moved.get().parameter("0.weight").values, expected);
  EXPECT_THROW(moved.get(), Error);
  EXPECT_TRUE(moved.ready());
}

TEST(CompileTicket, SeveralCompileAtOnceAndMayBeDropped) {
  const Data data;
  std::vector<CompileTicket> tickets;
  for (int i = 1; i <= 4; ++i) tickets.push_back(train_async(network(), data.x, data.y, options_of(8 * i)));
  {
    const CompileTicket dropped = train_async(network(), data.x, data.y, options_of(5));
  }
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(tickets[size_t(i - 1)].get().members(), 8 * i);
}

TEST(CompileTicket, ThrowsAtGetWhatWentWrong) {
  const Data data;
  Array wrong = data.y;
  wrong.shape = {16, 3};
  CompileTicket ticket = train_async(network(), data.x, wrong, options_of(2));
  EXPECT_NO_THROW(ticket.wait());
  EXPECT_TRUE(ticket.ready());
  try {
    ticket.get();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind, Error::Kind::usage);
  }
}

}  // namespace
}  // namespace shoal::api
