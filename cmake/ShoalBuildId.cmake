# Writes OUTPUT, a C++ file with the hash of SOURCES (a file that lists them) and of COMPILER. Run by cmake -P when one of them changed.
file(STRINGS ${SOURCES} FILES)
set(ALL "${COMPILER}")
foreach(FILE ${FILES})
  file(SHA256 ${FILE} HASH)
  string(APPEND ALL "${HASH}")
endforeach()
string(SHA256 ID "${ALL}")
string(SUBSTRING ${ID} 0 32 ID)
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[// The name of this build of the compiler. Written by cmake/ShoalBuildId.cmake.
#include "compiler/outline.h"

std::string_view shoal::build_id() { return "@ID@"; }
]] @ONLY)
