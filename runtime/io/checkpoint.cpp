// Checkpoints: keeping the last two, and falling back to the older one.
#include "runtime/io/checkpoint.h"

#include <unistd.h>

#include <optional>
#include <system_error>

#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/checkpoint_format.h"
#include "runtime/io/file.h"

namespace shoal::io {

namespace fs = std::filesystem;

namespace {

bool intact(const fs::path& path) {
  try {
    verify_checkpoint(read_file(path, checkpoint_limit), path.string());
    return true;
  } catch (const Error&) {
    return false;
  }
}

// A second name for the newest file, so that a crash between the two renames leaves no moment without a checkpoint.
void keep_as_previous(const fs::path& path) {
  fs::path previous = previous_checkpoint(path), link = temporary_beside(previous);
  std::error_code error;
  fs::create_hard_link(path, link, error);
  bool linked = !error;
  fs::rename(linked ? link : path, previous, error);  // not linked: a file system without hard links
  // Where both names were one file already (a crash came between the renames), rename does nothing and leaves the link.
  std::error_code ignored;
  if (linked) fs::remove(link, ignored);
  if (error) throw RuntimeError(fmt::format("{}: cannot be replaced: {}", previous.string(), error.message()));
}

struct Attempt {
  std::optional<Checkpoint> checkpoint;
  std::string reason;
};

Attempt attempt(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return {std::nullopt, path.string() + ": does not exist"};
  try {
    return {read_checkpoint(path), ""};
  } catch (const DamagedCheckpoint& damaged) {
    return {std::nullopt, damaged.what()};
  }
}

}  // namespace

fs::path previous_checkpoint(const fs::path& path) {
  fs::path previous = path;
  previous += ".previous";
  return previous;
}

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  CheckpointHeader header = checkpoint_header(checkpoint, path.string());
  AtomicFile file(path);
  write_checkpoint(checkpoint, header, [&](std::string_view bytes) { file.write(bytes); });
  file.sync();  // before the older files move: the new one must be safe first
  if (intact(path)) keep_as_previous(path);
  file.commit();
}

LoadedCheckpoint load_checkpoint(const fs::path& path) {
  Attempt newest = attempt(path);
  if (newest.checkpoint) return {std::move(*newest.checkpoint), false, ""};
  fs::path older = previous_checkpoint(path);
  Attempt previous = attempt(older);
  if (previous.checkpoint) {
    return {std::move(*previous.checkpoint), true,
            fmt::format("{}; continuing from the checkpoint before it, {}", newest.reason, older.string())};
  }
  throw SpecError(path.string(), fmt::format("no usable checkpoint ({}; {}); start the training anew", newest.reason,
                                             previous.reason));
}

Checkpoint read_checkpoint(const fs::path& path) {
  return parse_checkpoint(read_file(path, checkpoint_limit), path.string());
}

}  // namespace shoal::io
