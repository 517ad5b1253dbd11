# The libraries that shoal builds with, from the folder that tools/vendor.sh fills, under the names that find_package gives
# them: for machines that lack them. Warnings in them are theirs.
enable_language(C)
file(REAL_PATH ${SHOAL_VENDORED} VENDORED BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
if(NOT EXISTS ${VENDORED}/fmt)
  message(FATAL_ERROR "${VENDORED} has no fmt: run tools/vendor.sh where there is a network, and bring its folder along")
endif()

add_library(vendored_fmt STATIC ${VENDORED}/fmt/src/format.cc ${VENDORED}/fmt/src/os.cc)
target_include_directories(vendored_fmt SYSTEM PUBLIC ${VENDORED}/fmt/include)
add_library(fmt::fmt ALIAS vendored_fmt)

add_library(vendored_json INTERFACE)
target_include_directories(vendored_json SYSTEM INTERFACE ${VENDORED}/json/include)
add_library(nlohmann_json::nlohmann_json ALIAS vendored_json)

add_library(vendored_cli11 INTERFACE)
target_include_directories(vendored_cli11 SYSTEM INTERFACE ${VENDORED}/cli11/include)
add_library(CLI11::CLI11 ALIAS vendored_cli11)

add_library(vendored_xxhash STATIC ${VENDORED}/xxhash/xxhash.c)
target_include_directories(vendored_xxhash SYSTEM PUBLIC ${VENDORED}/xxhash)
add_library(PkgConfig::xxhash ALIAS vendored_xxhash)

file(GLOB ZLIB_SOURCES ${VENDORED}/zlib/*.c)
add_library(vendored_zlib STATIC ${ZLIB_SOURCES})
target_compile_definitions(vendored_zlib PRIVATE HAVE_UNISTD_H)
target_include_directories(vendored_zlib SYSTEM PUBLIC ${VENDORED}/zlib)
add_library(ZLIB::ZLIB INTERFACE IMPORTED GLOBAL)  # imported: libzip exports its targets, and those need not be exported
target_link_libraries(ZLIB::ZLIB INTERFACE vendored_zlib)

# libzip finds its own configuration; the rest of its options would look for more libraries.
set(ZLIB_LIBRARY vendored_zlib CACHE STRING "" FORCE)
set(ZLIB_INCLUDE_DIR ${VENDORED}/zlib CACHE PATH "" FORCE)
foreach(OPTION ENABLE_COMMONCRYPTO ENABLE_GNUTLS ENABLE_MBEDTLS ENABLE_OPENSSL ENABLE_WINDOWS_CRYPTO ENABLE_BZIP2 ENABLE_LZMA
        BUILD_TOOLS BUILD_REGRESS BUILD_EXAMPLES BUILD_DOC BUILD_SHARED_LIBS LIBZIP_DO_INSTALL)
  set(${OPTION} OFF CACHE BOOL "" FORCE)
endforeach()
set(CMAKE_POLICY_VERSION_MINIMUM 3.5)  # its file is older than CMake 4 accepts
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
add_subdirectory(${VENDORED}/libzip ${CMAKE_BINARY_DIR}/vendored/libzip EXCLUDE_FROM_ALL)
get_target_property(ZIP_INCLUDES zip INTERFACE_INCLUDE_DIRECTORIES)
set_target_properties(zip PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${ZIP_INCLUDES}")
add_library(PkgConfig::libzip ALIAS zip)

if(SHOAL_TESTS)
  set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
  add_subdirectory(${VENDORED}/googletest ${CMAKE_BINARY_DIR}/vendored/googletest EXCLUDE_FROM_ALL)
endif()
