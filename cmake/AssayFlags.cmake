# Flags shared by every target of this build: warnings, hardening, sanitizers.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON) # _GNU_SOURCE, cleanup attributes
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_library(assay_warnings INTERFACE)
target_compile_options(assay_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wcast-qual -Wpointer-arith -Wwrite-strings -Wformat=2
  -Wswitch-enum -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes>
  $<$<C_COMPILER_ID:GNU>:-Wdouble-promotion> # to clang NAN, a float, promotes in every `double x = NAN`
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>) # messages are cut on purpose (err.h)
if(NOT ASSAY_SANITIZE) # its value holds a comma, which no generator expression takes
  # not in tests: cmocka's assertions do not tell the compiler that they end the test
  target_compile_options(assay_warnings INTERFACE
    $<$<AND:$<C_COMPILER_ID:GNU>,$<NOT:$<BOOL:$<TARGET_PROPERTY:ASSAY_TEST>>>>:-Wnull-dereference>)
endif()
if(ASSAY_WERROR)
  target_compile_options(assay_warnings INTERFACE -Werror)
endif()

if(ASSAY_SANITIZE)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # the checks the sanitizer adds make gcc see sizes that cannot be
    add_compile_options(-Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  add_compile_options(-fsanitize=${ASSAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ASSAY_SANITIZE})
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(ASSAY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # coverage of the libraries too, or the fuzzer is blind
endif()
if(ASSAY_ARENA_DEBUG)
  add_compile_definitions(AS_ARENA_DEBUG)
endif()
