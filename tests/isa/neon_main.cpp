// Runs the tests on an emulated AArch64, or says what is missing for it and ends with the code that ctest calls
// skipped.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/isa/arm_machine.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const std::string problem = shoal::test::arm_machine_problem(); !problem.empty()) {
    std::printf("SKIPPED: NEON code is not run here: %s\n", problem.c_str());
    return 77;
  }
  return RUN_ALL_TESTS();
}
