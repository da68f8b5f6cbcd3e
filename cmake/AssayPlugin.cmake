# assay_add_plugin(NAME SOURCES... [LINK libs...] [KNOWN answers.jsonl]) -- builds NAME.so the way the host wants it:
# one exported symbol, nothing undefined, the known answers beside it, and a test that runs `assay plugin check`.
# Installed with the package, and used for our own plugins too.
function(assay_add_plugin name)
  cmake_parse_arguments(arg "" "KNOWN" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${arg_UNPARSED_ARGUMENTS})
  endif()
  add_library(${name}_plugin MODULE ${arg_SOURCES})
  set_target_properties(${name}_plugin PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON
    SKIP_BUILD_RPATH ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  target_link_libraries(${name}_plugin PRIVATE assay::plugin ${arg_LINK})
  if(NOT ASSAY_SANITIZE)
    # visibility=hidden does not reach what templates of the C++ library instantiate
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.map "{ global: assay_plugin_entry; local: *; };\n")
    target_link_options(${name}_plugin PRIVATE -Wl,-z,defs
      -Wl,--version-script=${CMAKE_CURRENT_BINARY_DIR}/${name}.map)
  endif()
  if(NOT arg_KNOWN AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.check.jsonl)
    set(arg_KNOWN ${CMAKE_CURRENT_SOURCE_DIR}/${name}.check.jsonl)
  endif()
  if(arg_KNOWN)
    add_custom_command(TARGET ${name}_plugin POST_BUILD COMMAND ${CMAKE_COMMAND} -E copy_if_different
      ${arg_KNOWN} ${CMAKE_BINARY_DIR}/plugins/${name}.check.jsonl)
  endif()
  if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
    if(TARGET assay::cli)
      add_test(NAME plugin_check.${name} COMMAND assay::cli plugin check $<TARGET_FILE:${name}_plugin>)
    endif()
  endif()
endfunction()
