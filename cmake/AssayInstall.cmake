# What `cmake --install` lays down: programs, library, headers, plugins, CMake package, pkg-config, manual, completions.
# Nothing is relinked or stripped on the way: the plugins must keep the SHA-256 the build wrote into OURS.sha256, and
# the programs find each other by relative paths (host/CMakeLists.txt), so a DESTDIR or another --prefix works as it is.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/assay)

install(TARGETS assay_plugin_header EXPORT assayTargets)
install(FILES include/assay/plugin.h include/assay/assay.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/assay)
if(TARGET libassay)
  install(TARGETS libassay EXPORT assayTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET assay_cli)
  install(TARGETS assay_cli EXPORT assayTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET assay_worker)
  install(TARGETS assay_worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/assay)
endif()

# Known answers beside the plugins, so that `assay plugin check` finds them there too. (plugins/CMakeLists.txt installs
# the plugins and OURS.sha256.)
file(GLOB known CONFIGURE_DEPENDS plugins/*/*.check.jsonl)
install(FILES ${known} DESTINATION ${CMAKE_INSTALL_LIBDIR}/assay/plugins)

# find_package(assay): assay::assay, assay::plugin, assay::cli, assay_add_plugin().
configure_package_config_file(cmake/assayConfig.cmake.in ${CMAKE_BINARY_DIR}/assayConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/assayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT assayTargets NAMESPACE assay:: DESTINATION ${package_dir})
install(FILES ${CMAKE_BINARY_DIR}/assayConfig.cmake ${CMAKE_BINARY_DIR}/assayConfigVersion.cmake
  cmake/AssayPlugin.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/assay.pc.in ${CMAKE_BINARY_DIR}/assay.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/assay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Manual and completions come from the option tables of the program itself.
if(TARGET assay_cli)
  set(manual ${CMAKE_BINARY_DIR}/manual)
  add_custom_command(OUTPUT ${manual}/stamp
    COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}/man1
    COMMAND assay_cli help --man-all ${manual}/man1
    COMMAND assay_cli completion bash > ${manual}/assay
    COMMAND assay_cli completion zsh > ${manual}/_assay
    COMMAND assay_cli completion fish > ${manual}/assay.fish
    COMMAND ${CMAKE_COMMAND} -E touch ${manual}/stamp
    DEPENDS assay_cli COMMENT "Writing man pages and completions" VERBATIM)
  add_custom_target(manual ALL DEPENDS ${manual}/stamp)
  install(DIRECTORY ${manual}/man1/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(FILES ${manual}/assay DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${manual}/_assay DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${manual}/assay.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

file(GLOB pages CONFIGURE_DEPENDS docs/*.md)
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE include/assay/LICENSE.MIT ${pages} DESTINATION ${CMAKE_INSTALL_DOCDIR})
