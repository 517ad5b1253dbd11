# find_package(shoal): the target shoal::shoal, one shared library and one header.
include(${CMAKE_CURRENT_LIST_DIR}/shoalTargets.cmake)
