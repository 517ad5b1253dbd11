// The bytes of a checkpoint file. The hash is checked before any field is believed; the fields are checked
// nevertheless.
#include "runtime/io/checkpoint_format.h"

#include <xxhash.h>

#include <cstring>
#include <memory>
#include <set>

namespace shoal::io {

namespace {

constexpr std::string_view checkpoint_magic = "SHOALCKP";
constexpr uint64_t fixed_bytes = 8 + 4 + 4 + 8 + 8, hash_bytes = 16;

template <typename T>
std::string_view raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

uint64_t array_bytes(const NamedTensor& array) {
  return 4 + array.name.size() + 2 + 8 * array.tensor.shape.size() + array.tensor.bytes.size();
}

struct Digest {
  uint64_t low = 0, high = 0;
  bool operator==(const Digest&) const = default;
};

Digest digest_of(std::string_view bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

// Takes fields off the front, never more than there are.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& place) : rest_(bytes), place_(place) {}

  std::string_view take(uint64_t bytes) {
    if (bytes > rest_.size()) throw DamagedCheckpoint(place_, "a field reaches beyond the end of the checkpoint");
    std::string_view field = rest_.substr(0, static_cast<size_t>(bytes));
    rest_.remove_prefix(static_cast<size_t>(bytes));
    return field;
  }
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const std::string& place_;
};

NamedTensor parse_array(Fields& fields, const std::string& place) {
  NamedTensor array;
  array.name = fields.take(fields.number<uint32_t>());
  auto type = fields.number<uint8_t>();
  if (type > static_cast<uint8_t>(ElementType::f64)) {
    throw DamagedCheckpoint(place, fmt::format("array '{}' has the unknown element type {}", array.name, type));
  }
  array.tensor.type = static_cast<ElementType>(type);
  array.tensor.shape.resize(fields.number<uint8_t>());
  for (int64_t& extent : array.tensor.shape) extent = fields.number<int64_t>();
  auto bytes = static_cast<uint64_t>(checked_bytes(array.tensor.shape, element_bytes(array.tensor.type), place));
  std::string_view elements = fields.take(bytes);
  array.tensor.bytes.resize(elements.size());
  if (!elements.empty()) std::memcpy(array.tensor.bytes.data(), elements.data(), elements.size());
  return array;
}

}  // namespace

CheckpointHeader checkpoint_header(const Checkpoint& checkpoint, const std::string& place) {
  CheckpointHeader header{fixed_bytes + checkpoint.metadata.size() + hash_bytes};
  std::set<std::string_view> names;
  for (const NamedTensor& array : checkpoint.arrays) {
    if (!names.insert(array.name).second) {
      throw SpecError(place, fmt::format("a checkpoint cannot hold two arrays called '{}'", array.name));
    }
    check(array.tensor.shape.size() < 256 && array.name.size() < (1u << 31) &&
              static_cast<int64_t>(array.tensor.bytes.size()) ==
                  array.tensor.elements() * element_bytes(array.tensor.type),
          "array '{}' of a checkpoint has {} bytes for the shape {}", array.name, array.tensor.bytes.size(),
          shape_text(array.tensor.shape));
    header.file_bytes += array_bytes(array);
  }
  return header;
}

void write_checkpoint(const Checkpoint& checkpoint, const CheckpointHeader& header,
                      const std::function<void(std::string_view)>& write) {
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  check(state != nullptr, "no memory for a hash");
  XXH3_128bits_reset(state.get());
  auto put = [&](std::string_view bytes) {
    XXH3_128bits_update(state.get(), bytes.data(), bytes.size());
    write(bytes);
  };
  put(checkpoint_magic);
  put(raw(checkpoint_version));
  put(raw(static_cast<uint32_t>(checkpoint.arrays.size())));
  put(raw(header.file_bytes));
  put(raw(uint64_t{checkpoint.metadata.size()}));
  put(checkpoint.metadata);
  for (const NamedTensor& array : checkpoint.arrays) {
    put(raw(static_cast<uint32_t>(array.name.size())));
    put(array.name);
    put(raw(static_cast<uint8_t>(array.tensor.type)));
    put(raw(static_cast<uint8_t>(array.tensor.shape.size())));
    for (int64_t extent : array.tensor.shape) put(raw(extent));
    put({reinterpret_cast<const char*>(array.tensor.bytes.data()), array.tensor.bytes.size()});
  }
  XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  write(raw(uint64_t{hash.low64}));
  write(raw(uint64_t{hash.high64}));
}

void verify_checkpoint(std::string_view bytes, const std::string& place) {
  if (bytes.substr(0, checkpoint_magic.size()) != checkpoint_magic)
    throw DamagedCheckpoint(place, "is no checkpoint of shoal, or its start is damaged");
  if (bytes.size() < fixed_bytes + hash_bytes) throw DamagedCheckpoint(place, "is a truncated checkpoint");
  std::string_view hashed = bytes.substr(0, bytes.size() - hash_bytes);
  Digest stored;
  std::memcpy(&stored, bytes.data() + hashed.size(), hash_bytes);
  if (digest_of(hashed) != stored)
    throw DamagedCheckpoint(place, "is damaged or truncated (its checksum does not agree)");
  uint32_t version;
  std::memcpy(&version, bytes.data() + checkpoint_magic.size(), sizeof version);
  if (version != checkpoint_version) {
    throw SpecError(place,
                    fmt::format("is a checkpoint of format {}; this shoal reads format {}: use the shoal that wrote it",
                                version, checkpoint_version));
  }
}

Checkpoint parse_checkpoint(std::string_view bytes, const std::string& place) {
  verify_checkpoint(bytes, place);
  Fields fields(bytes.substr(0, bytes.size() - hash_bytes), place);
  fields.take(checkpoint_magic.size() + sizeof(uint32_t));
  auto arrays = fields.number<uint32_t>();
  if (fields.number<uint64_t>() != bytes.size()) throw DamagedCheckpoint(place, "has another size than it declares");
  Checkpoint checkpoint;
  checkpoint.metadata = fields.take(fields.number<uint64_t>());
  std::set<std::string> names;
  for (uint32_t i = 0; i < arrays; ++i) {
    checkpoint.arrays.push_back(parse_array(fields, place));
    if (!names.insert(checkpoint.arrays.back().name).second) throw DamagedCheckpoint(place, "repeats an array's name");
  }
  if (!fields.empty()) throw DamagedCheckpoint(place, "has bytes after its last array");
  return checkpoint;
}

}  // namespace shoal::io
