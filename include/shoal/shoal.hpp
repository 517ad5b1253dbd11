// shoal: populations of small neural networks, compiled, trained and run from C++. The one installed header.
//
//   using namespace shoal::api;
//   Network net({8});
//   net.dense(32).layer("relu").dense(4).loss("mse").optimizer("adam", {{"lr", 0.001}});
//   net.vary("optimizer.lr", Vary::log_uniform, {1e-4, 1e-1});          // each member learns at its own rate
//   Population population = train(net, x, y, {.members = 1024, .epochs = 20});
//   Array mean = population.predict(x_new);                              // of all members together
//
// Everything throws Error. Objects of different threads are independent of each other; one object, or a population and
// what was made of it, is not to be used by two threads at once. Nothing is global: any number of them may live in one
// process. No call leaves another CUDA context current than it found.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#define SHOAL_API __attribute__((visibility("default")))

namespace shoal::api {

// what() is one message that names the place: "/network/layers/0/dense/units: expected a positive integer, got 0".
struct SHOAL_API Error : std::runtime_error {
  enum class Kind {
    usage,    // a network, an array or an option that cannot be used
    device,   // no such device, out of its memory, or a compiler refused
    io,       // a file could not be read or written
    internal  // a fault of shoal
  };
  Error(Kind kind_, const std::string& message) : std::runtime_error(message), kind(kind_) {}
  Kind kind;
};

// Row-major. The product of `shape` is the number of values.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// The value of a field: a number, a flag, a name, or a list of whole numbers ({3, 3} for a kernel).
using Value = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;
struct Field {
  std::string name;
  Value value;
  Field(std::string n, int v) : name(std::move(n)), value(int64_t{v}) {}
  Field(std::string n, int64_t v) : name(std::move(n)), value(v) {}
  Field(std::string n, double v) : name(std::move(n)), value(v) {}
  Field(std::string n, bool v) : name(std::move(n)), value(v) {}
  Field(std::string n, const char* v) : name(std::move(n)), value(std::string(v)) {}
  Field(std::string n, std::vector<int64_t> v) : name(std::move(n)), value(std::move(v)) {}
};
using Fields = std::vector<Field>;

enum class Vary {
  log_uniform,  // two numbers: drawn between them, uniform in the logarithm
  uniform,      // two numbers: drawn between them
  choice,       // drawn from the numbers
  grid,         // members take the combinations of all grids in turn
  list          // one number a member
};

// One network, and how it is trained. Layers read the one before them. `shoal doc` lists all layers, losses, optimizers
// and metrics with their fields. Names and fields are checked when the network is used.
class SHOAL_API Network {
 public:
  explicit Network(std::vector<int64_t> input);       // unit shape of a sample: {8}, {1, 28, 28}
  static Network from_json(const std::string& spec);  // a spec, as `shoal train` reads it; its data section is not used
  Network(const Network&);
  Network(Network&&) noexcept;
  Network& operator=(const Network&);
  Network& operator=(Network&&) noexcept;
  ~Network();

  Network& layer(const std::string& name, const Fields& = {});
  Network& dense(int64_t units) { return layer("dense", {{"units", units}}); }
  Network& loss(const std::string& name, const Fields& = {});
  Network& optimizer(const std::string& name, const Fields& = {});
  Network& metric(const std::string& name);
  Network& storage(const std::string& type);  // of parameters where they are only read: "f32", "f16", "bf16"
  // The least accurate arithmetic that sums of products may be computed in, "f32", "f32x3", "tf32" or "bf16": on a
  // GPU's tensor cores, where they are faster; everything else computes in f32.
  Network& precision(const std::string& least);
  // Permits an exp, and what is made of it, whose relative error grows with its argument, where that is faster: on a
  // GPU.
  Network& fast_math(bool permitted = true);
  Network& vary(const std::string& hyperparameter, Vary, const std::vector<double>& values);  // "optimizer.lr"

  std::string json() const;  // the spec with all defaults; throws Error for what is wrong with it

 private:
  friend struct Access;
  struct State;
  std::unique_ptr<State> state_;
};

// A job system of yours, to run members on your own threads: shoal then has none that run members. One call of `run`
// takes from microseconds to about half a second, and waits for no other.
struct JobSystem {
  void* context = nullptr;  // given back to you in every call
  // Calls run(data, item) exactly once for each item in [0, n), on any threads and in any order, at once or one after
  // another, and returns when all calls have returned. Must not throw; `run` does not. It is called from the thread
  // that calls shoal. Whatever thread calls `run`, its denormal mode is set for the length of the call, and restored.
  void (*parallel_for)(void* context, int64_t n, void (*run)(void* data, int64_t item), void* data) = nullptr;
  int workers = 1;  // items that run at once, at most; at least 1
};

// A GPU context and a stream of your own, to do everything in them. Nothing else waits for shoal, and shoal for nothing
// else: work is ordered by the stream. They must outlive the populations made with them.
struct Cuda {
  int device = 0;              // which GPU, when no context is given
  std::uintptr_t context = 0;  // CUcontext; 0: the primary context of the GPU, which the CUDA runtime API uses
  std::uintptr_t stream = 0;   // CUstream of that context (1: its default stream); 0: a stream of the population's own
};

struct Options {
  int64_t members = 1;          // networks of the population
  uint64_t seed = 0;            // of initial parameters, sample order and hyperparameters; below 2^53
  int64_t batch = 32;           // samples of an optimizer step
  int64_t epochs = 10;          // passes over the samples
  int64_t steps = 0;            // instead of epochs, if positive: optimizer steps of each member
  std::string device;           // "reference", "cpu" or "cuda"; empty: the best there is. "cpu:x86-64-v3" (or another
                                // level of docs/processors.md): no wider vectors, so the same results on more
                                // machines for the same schedule
  Cuda cuda;                    // for device "cuda"
  int threads = 0;              // of the CPU, the calling one among them; 0: one a core
  JobSystem jobs = {};          // with parallel_for set, runs the CPU's work instead of threads of shoal's own
  std::string schedule;         // empty: chosen
  bool tune = false;            // training: with an empty schedule, the best few are measured before, and the fastest
                                // is taken, and remembered in the cache directory
  std::string cache_directory;  // of compiled kernels; empty: kept in memory only
};

enum class Ensemble {
  mean,  // [N, output...]: the mean over members, of the softmax when the loss takes class labels
  vote,  // [N]: the class that most members choose (loss cross_entropy)
  none   // [members, N, output...]
};

// Loss and metrics of each member: values[i][member] belongs to names[i]. names[0] is "loss".
struct Scores {
  std::vector<std::string> names;
  std::vector<std::vector<float>> values;
};

// Work that was started on a device. Copies are the same work; dropping one neither waits nor stops it.
class SHOAL_API Ticket {
 public:
  bool ready() const;      // never waits; true also when the work failed
  void wait() const;       // until the work is done; throws Error (device) with what went wrong in it
  double seconds() const;  // on the device; after wait()
  void hold_back(std::uintptr_t stream) const;  // makes a CUstream of the same context wait for the work

 private:
  friend struct Access;
  struct State;
  explicit Ticket(std::shared_ptr<State>);
  std::shared_ptr<State> state_;
};

// An array in memory of yours that the population's device can reach: memory of the GPU for device "cuda", of the host
// otherwise. 4-byte numbers: float, or int32_t for class numbers. Element (i, j, ...) stands at
// data + 4 * (i * strides[0] + j * strides[1] + ...) bytes; strides are not negative. It must stay where it is, and
// outlive the work on it. Dense arrays at a multiple of 16 bytes are used where they are when the kernel's layout
// allows; others are copied on the device, in order.
struct View {
  std::uintptr_t data = 0;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // in elements; empty: dense, row-major
};

// A population on its device. Movable; a moved-from one may only be destroyed or assigned to.
class SHOAL_API Population {
 public:
  Population(Population&&) noexcept;
  Population& operator=(Population&&) noexcept;
  ~Population();

  int64_t members() const;
  Array predict(const Array& x, Ensemble = Ensemble::mean);   // x: [N, input...]
  Scores evaluate(const Array& x, const Array& y);            // y as for train
  Array parameter(const std::string& name) const;             // "0.weight": [members, ...] in PyTorch's layout
  void set_parameter(const std::string& name, const Array&);  // the same shape
  std::vector<std::string> parameter_names() const;
  std::vector<float> varied(const std::string& hyperparameter) const;  // one value a member
  double member_steps_per_second() const;                              // of training

 private:
  friend struct Access;
  friend class Inference;
  friend class Trainer;
  struct State;
  explicit Population(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// Every member's output for inputs in memory of yours: for agents in a game or a simulation, each with its own mind.
// x: [members, batch, input...]; stride 0 along members gives all the same input. y: [members, batch, output...]. The
// constructor compiles and allocates; start() allocates nothing on the device and waits for nothing. Uses the
// population's parameters as they are when the work runs. The population must outlive it.
// Recurrent layers with {"stateful", true} go on from the hidden state that the last start() left, one for each member
// and sample of the batch, zeros at first: agents that see one time step in each frame (input {1, features}) remember.
class SHOAL_API Inference {
 public:
  Inference(Population&, const View& x, const View& y);
  Inference(Inference&&) noexcept;
  Inference& operator=(Inference&&) noexcept;
  ~Inference();
  Ticket start();
  // Hidden states become zeros again: all of them, or those of some members. Waits for what was started before.
  void reset();
  void reset(const std::vector<int64_t>& members);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Training on samples in memory of yours, which may change between launches: x is [N, input...]; y is [N] of int32_t
// class numbers for a loss on labels, else [N, output...]. As for Inference, only the constructor compiles and
// allocates; batch, seed and varied hyperparameters are the population's. start() splits the steps into launches of
// about half a second at most, by what earlier ones took. The population must outlive it.
class SHOAL_API Trainer {
 public:
  Trainer(Population&, const View& x, const View& y);
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  ~Trainer();
  Ticket start(int64_t steps);  // of every member
  Scores scores();              // means of the steps since the last call; waits for them

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Training that is being compiled on a thread of its own while the caller goes on. Movable; one thread uses it at a
// time. Dropping it waits for the compilation. What it was made from (the network, the arrays) is copied.
class SHOAL_API CompileTicket {
 public:
  CompileTicket(CompileTicket&&) noexcept;
  CompileTicket& operator=(CompileTicket&&) noexcept;
  ~CompileTicket();

  bool ready() const;  // whether get() would not wait for the compilation; true as well when it has failed
  void wait() const;   // until ready(); throws nothing of what went wrong
  // Waits, and throws Error with what went wrong, as train() would have. Then trains, in the calling thread. Once only.
  Population get();

 private:
  friend struct Access;
  struct State;
  explicit CompileTicket(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// train() in two parts: checks, compiles, allocates and copies the samples on a thread of its own, and trains at get().
// Throws Error only when there is no thread to be had.
SHOAL_API CompileTicket train_async(const Network&, const Array& x, const Array& y, const Options& = {});

// Members of the network with initial parameters and nothing learned. Nothing is compiled before they are used.
SHOAL_API Population make_population(const Network&, const Options& = {});

// Trains members of the network on the samples. x is [N, input...] and finite; y is [N] class numbers for a loss on
// labels (cross_entropy), else [N, output...]. Compiles, allocates, trains, and keeps the population on the device.
SHOAL_API Population train(const Network&, const Array& x, const Array& y, const Options& = {});

}  // namespace shoal::api
