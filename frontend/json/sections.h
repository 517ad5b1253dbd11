// The plain sections of a spec as tables of fields: reader, writer, schema and reference page all go by them.
#pragma once

#include <tuple>

#include "compiler/ops/field.h"
#include "frontend/json/spec.h"

namespace shoal::json {

inline constexpr double most_members = 1 << 30;
inline constexpr double most_steps = 1e12;                  // far from overflow when multiplied by a batch
inline constexpr double largest_seed = 9007199254740991.0;  // 2^53 - 1: exact in every JSON reader

inline constexpr auto training_fields = std::tuple{
    Field{"batch", &Training::batch, "samples of one optimizer step", size_limits},
    Field{"epochs", &Training::epochs, "passes over the training samples; not together with steps; 10 without both",
          Limits{.low = 1, .high = most_steps}},
    Field{"steps", &Training::steps, "optimizer steps of every member", Limits{.low = 1, .high = most_steps}}};
inline constexpr int64_t default_epochs = 10;

inline constexpr auto population_fields =
    std::tuple{Field{"members", &Population::members,
                     "number of networks; the length of a list or the product of grids without it",
                     Limits{.low = 1, .high = most_members}},
               Field{"seed", &Population::seed, "of all random numbers", Limits{.low = 0, .high = largest_seed}}};

template <typename F, typename T>
FieldInfo section_field(const F& f, const T& defaults) {
  FieldInfo info;
  info.name = f.name;
  info.type = field_type(defaults.*f.member);
  info.doc = f.doc;
  info.limits = f.limits;
  return info;
}

// visit(field, info) for every field of a table whose owner is T.
template <typename T, typename Table, typename Visit>
void each_section_field(const Table& table, Visit visit) {
  const T defaults;
  std::apply([&](const auto&... f) { (visit(f, section_field(f, defaults)), ...); }, table);
}

struct KeyDoc {
  const char *name, *doc;
};
// The keys of the other sections, in the order in which they are written.
inline constexpr KeyDoc spec_keys[] = {
    {"shoal", "version of this format: 1"},
    {"name", "of the network, for people"},
    {"network", "the input's shape and the list of layers"},
    {"loss", "what training minimises"},
    {"metrics", "what is reported beside the loss"},
    {"optimizer", "how weights are updated"},
    {"training", "how long to train, in which batches"},
    {"population", "how many members, and what differs between them"},
    {"data", "the samples to train and validate on"},
    {"define", "activations and losses written as formulas: {\"swish(x)\": \"x * sigmoid(x)\"}"},
};
inline constexpr KeyDoc network_keys[] = {
    {"input", "the shape of one sample: a number, or a list of them"},
    {"storage",
     "how parameters are stored where they are only read (predict, evaluate): \"f32\", \"f16\" or \"bf16\", rounded to "
     "the nearest; training keeps f32"},
    {"precision",
     "the least accurate arithmetic that sums of products may be computed in: \"f32\", \"f32x3\", \"tf32\" or \"bf16\" "
     "on a GPU's tensor cores; what has none computes in f32"},
    {"fast_math", "whether exp may have a relative error that grows with its argument, where that is faster: on a GPU"},
    {"layers", "the layers, in order"},
};
inline constexpr KeyDoc data_keys[] = {
    {"file", "an .npz, .npy or .csv file"},
    {"x",
     "array, or columns (a name, an index from 0, a range \"2:5\", or a list of these); without it \"x\", or all "
     "columns but y's"},
    {"y", "array or columns of the targets; without it \"y\", or the last column"},
    {"validation", "share of the samples to validate on, in [0, 1), or {\"file\", \"x\", \"y\"} of other samples"},
    {"scale", "\"none\", \"standard\" (mean 0, deviation 1), \"minmax\" (to [0, 1]), or a number to divide x by"},
};
inline constexpr KeyDoc vary_kinds[] = {
    {"log_uniform", "[low, high]: drawn evenly in the logarithm"},
    {"uniform", "[low, high]: drawn evenly"},
    {"choice", "[a, b, ...]: drawn from the values"},
    {"grid", "[a, b, ...]: members go through the product of all grids, the last one fastest"},
    {"list", "[a, b, ...]: one value for each member, in order"},
};

inline constexpr DType storages[] = {DType::f32, DType::f16, DType::bf16};

template <size_t N>
std::vector<std::string> key_names(const KeyDoc (&keys)[N]) {
  std::vector<std::string> names;
  for (const KeyDoc& key : keys) names.emplace_back(key.name);
  return names;
}

}  // namespace shoal::json
