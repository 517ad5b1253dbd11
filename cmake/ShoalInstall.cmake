# The C++ API as one shared library that shows nothing but shoal.hpp, and what `cmake --install` puts where.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(GLOB SHOAL_API_SOURCES CONFIGURE_DEPENDS bindings/cpp/*.cpp)
add_library(shoal_api SHARED ${SHOAL_API_SOURCES})
add_library(shoal::shoal ALIAS shoal_api)
target_link_libraries(shoal_api PRIVATE shoal_runtime shoal_json)
# Another LLVM, fmt or zip in the host process must not meet ours.
target_link_options(shoal_api PRIVATE -Wl,--exclude-libs,ALL)
target_include_directories(shoal_api INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(shoal_api INTERFACE cxx_std_20)
set_target_properties(shoal_api PROPERTIES OUTPUT_NAME shoal EXPORT_NAME shoal VERSION ${PROJECT_VERSION} SOVERSION 0
                      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

install(TARGETS shoal_api EXPORT shoalTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS shoal_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/shoal DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT shoalTargets NAMESPACE shoal:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/shoal)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/shoalConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/shoalConfig.cmake ${CMAKE_BINARY_DIR}/shoalConfigVersion.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/shoal)
