# What every target of shoal shares: the language, the warnings, the sanitizers, and one function that makes a folder a library.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers are cached only if told that what they define may be ignored; CMake names them by content.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(shoal_flags INTERFACE)
target_include_directories(shoal_flags INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_compile_options(shoal_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wswitch -ffp-contract=off
                       $<$<BOOL:${SHOAL_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 takes what a variant or a temporary vector holds, where it sees through their destructors, for memory of no heap.
  target_compile_options(shoal_flags INTERFACE -Wno-free-nonheap-object)
endif()
if(SHOAL_SANITIZE)
  # GCC's uninitialised-use warning is wrong about code that sanitizers have instrumented (GCC bug 105562, seen in LLVM's headers).
  target_compile_options(shoal_flags INTERFACE -Wno-maybe-uninitialized)
  target_compile_options(shoal_flags INTERFACE -fsanitize=${SHOAL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(shoal_flags INTERFACE -fsanitize=${SHOAL_SANITIZE})
endif()

# With SHOAL_UNITY, a target's files are compiled eight at a time.
function(shoal_unity TARGET)
  if(SHOAL_UNITY)
    # The compiler then sees other main files than ours, and says of our unnamed namespaces what it says of headers'.
    target_compile_options(${TARGET} PRIVATE -Wno-subobject-linkage)
    set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# shoal_library(NAME FOLDER DEPENDENCY...): every .cpp directly in FOLDER (for ops and the like: in its subfolders too) as shoal_NAME.
function(shoal_library NAME FOLDER)
  if(NAME MATCHES "^(compile|runtime)$")  # the parents of other rooms: only the files that stand in the folder itself
    file(GLOB SOURCES CONFIGURE_DEPENDS ${FOLDER}/*.cpp)
  else()
    file(GLOB_RECURSE SOURCES CONFIGURE_DEPENDS ${FOLDER}/*.cpp)
  endif()
  if(SOURCES)
    add_library(shoal_${NAME} STATIC ${SOURCES})
    target_link_libraries(shoal_${NAME} PUBLIC shoal_flags ${ARGN})
    shoal_unity(shoal_${NAME})
  else()
    add_library(shoal_${NAME} INTERFACE)
    target_link_libraries(shoal_${NAME} INTERFACE shoal_flags ${ARGN})
  endif()
endfunction()

# LLVM as Debian's shared library; its headers are seen by runtime/cpu alone, and as system headers.
function(shoal_link_llvm TARGET)
  find_package(LLVM 19.1 REQUIRED CONFIG)
  target_include_directories(${TARGET} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
  target_link_libraries(${TARGET} PRIVATE LLVM)
endfunction()

# shoal_test(NAME SOURCES... LINK LIBRARIES... [SHARDS N]): one GoogleTest program, registered with ctest. Programs that all the
# others would wait for run as N tests side by side, NAME_1 to NAME_N, each with its share of the cases.
function(shoal_test NAME)
  cmake_parse_arguments(TEST "" "SHARDS" "LINK" ${ARGN})
  add_executable(test_${NAME} ${TEST_UNPARSED_ARGUMENTS})
  target_link_libraries(test_${NAME} PRIVATE shoal_flags ${TEST_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(test_${NAME} REUSE_FROM shoal_test_headers)
  if(NOT TEST_SHARDS)
    add_test(NAME ${NAME} COMMAND test_${NAME} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    return()
  endif()
  foreach(SHARD RANGE 1 ${TEST_SHARDS})
    math(EXPR INDEX "${SHARD} - 1")
    add_test(NAME ${NAME}_${SHARD} COMMAND test_${NAME} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    # ctest starts the tests of the highest cost first.
    set_tests_properties(${NAME}_${SHARD} PROPERTIES COST 100 ENVIRONMENT
                         "GTEST_TOTAL_SHARDS=${TEST_SHARDS};GTEST_SHARD_INDEX=${INDEX}")
  endforeach()
endfunction()

# shoal_build_id(TARGET FOLDER...): TARGET gets a build_id() that changes with every source in the folders, and with the C++ compiler.
function(shoal_build_id TARGET)
  set(SOURCES)
  foreach(FOLDER ${ARGN})
    file(GLOB_RECURSE FOUND CONFIGURE_DEPENDS ${FOLDER}/*.cpp ${FOLDER}/*.h ${FOLDER}/*.inc)
    list(APPEND SOURCES ${FOUND})
  endforeach()
  set(LIST ${CMAKE_BINARY_DIR}/generated/build_id_sources.txt)
  set(OUTPUT ${CMAKE_BINARY_DIR}/generated/build_id.cpp)
  string(REPLACE ";" "\n" LINES "${SOURCES}")
  file(CONFIGURE OUTPUT ${LIST} CONTENT "${LINES}\n")
  set(COMPILER "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${CMAKE_CXX_FLAGS} ${PROJECT_VERSION}")
  set(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/ShoalBuildId.cmake)
  add_custom_command(OUTPUT ${OUTPUT} DEPENDS ${SOURCES} ${LIST} ${SCRIPT} VERBATIM
                     COMMAND ${CMAKE_COMMAND} -DSOURCES=${LIST} -DOUTPUT=${OUTPUT} "-DCOMPILER=${COMPILER}" -P ${SCRIPT})
  target_sources(${TARGET} PRIVATE ${OUTPUT})
endfunction()
