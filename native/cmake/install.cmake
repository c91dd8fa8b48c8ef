# cmake --install: the header, the library, and how CMake and pkg-config find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tagnode)

install(TARGETS tagnode EXPORT tagnode-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/tagnode.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tagnode-targets NAMESPACE tagnode:: DESTINATION ${package})

configure_package_config_file(cmake/tagnode-config.cmake.in tagnode-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(tagnode-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tagnode-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/tagnode-config-version.cmake DESTINATION ${package})

# The .pc file finds the rest from where it lies, so that the installed tree may be moved.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" up "${up}")
set(static_libraries)
if(NOT BUILD_SHARED_LIBS) # a shared library brings its own
  foreach(name m ${CMAKE_DL_LIBS})
    string(APPEND static_libraries " -l${name}")
  endforeach()
  string(APPEND static_libraries " -pthread")
endif()
configure_file(cmake/tagnode.pc.in tagnode.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tagnode.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
