// The one file that is compiled with the repository's place in it, so that the others are the same in every checkout.
#include "tests/harness/source_directory.h"

namespace shoal::harness {

std::string source_directory() { return SHOAL_SOURCE_DIR; }

}  // namespace shoal::harness
