# nvcc: the one of ASSAY_NVCC, else the one found, else CUDA's compiler as PyPI has it, by version and hash. Sets NVCC, and
# NVCC_FLAGS for where its libraries lie; or NVCC to "" with a warning where none can be had, and CUDA is off then.
set(ASSAY_NVCC "" CACHE FILEPATH "nvcc, 12.0 or later; empty: the one found, else 13.0 fetched from PyPI (104 MB)")
option(ASSAY_NVCC_FETCH "Take nvcc from PyPI even where there is another" OFF)
include(AssayFetch)

# name, URL beneath packages/, SHA-256; all they hold lies beneath nvidia/cu13
set(nvcc_packages
  "nvidia_cuda_nvcc-13.0.88-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
  71/8b/a546c12881fffeba927d810598987df25d74b8b241788c7db8dfc93b0173
  56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03 "37 MB, nvcc and ptxas"
  "nvidia_nvvm-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl"
  15/b0/ee41e6d1108d959b5097163e7190c2d0f7857dea75606ce358f0275891b4
  c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0 "62 MB, the compiler behind nvcc"
  "nvidia_cuda_crt-13.0.88-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
  05/69/a1ec4d9f0747d85964206feb47bf359f48a2d6af74c0add8abba6efe3dda
  2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4 "0.1 MB, headers"
  "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
  2e/24/d1558f3b68b1d26e706813b1d10aa1d785e4698c425af8db8edc3dced472
  7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 "2 MB, CUDA's runtime"
  "nvidia_cuda_cccl-13.0.85-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
  ab/fb/0384bb2129bed6b1b39f8e44471c615ab5ab29b7e55817538a1d390d8f84
  e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649 "3 MB, headers that cuda_bf16.h includes")

# nvcc in ${root}/nvidia/cu13/bin, or a sentence in ${problem}.
function(fetch_nvcc root problem)
  set(${problem} "" PARENT_SCOPE)
  if(EXISTS ${root}/nvidia/cu13/bin/nvcc)
    return()
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    set(${problem} "the packages of PyPI named here are for x86_64, not ${CMAKE_SYSTEM_PROCESSOR}" PARENT_SCOPE)
    return()
  endif()
  string(RANDOM LENGTH 12 part) # unpacked under another name first: several builds may do this at once
  list(LENGTH nvcc_packages n)
  math(EXPR last "${n} - 4")
  foreach(i RANGE 0 ${last} 4)
    list(SUBLIST nvcc_packages ${i} 4 package)
    list(POP_FRONT package name folder sha256 what)
    assay_fetch(https://files.pythonhosted.org/packages/${folder}/${name} ${sha256} ${what} why)
    if(NOT why STREQUAL "")
      file(REMOVE_RECURSE ${root}.${part})
      set(${problem} "${why}" PARENT_SCOPE)
      return()
    endif()
    file(ARCHIVE_EXTRACT INPUT ${ASSAY_DOWNLOADS}/${name} DESTINATION ${root}.${part})
  endforeach()
  file(GLOB unused ${root}.${part}/nvidia/cu13/lib/*.so.*) # 64 MB that nvcc does not use
  file(REMOVE ${unused})
  file(GLOB programs ${root}.${part}/nvidia/cu13/bin/* ${root}.${part}/nvidia/cu13/nvvm/bin/*)
  list(FILTER programs EXCLUDE REGEX "/(crt|nvcc\\.profile)$")
  file(CHMOD ${programs} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  if(NOT EXISTS ${root})
    file(RENAME ${root}.${part} ${root})
  else()
    file(REMOVE_RECURSE ${root}.${part})
  endif()
endfunction()

# Whether this nvcc compiles for our targets with the host's compiler; else a sentence in ${problem}.
function(try_nvcc nvcc problem)
  set(${problem} "" PARENT_SCOPE)
  if(ASSAY_NVCC_TRIED STREQUAL nvcc)
    return()
  endif()
  set(try ${CMAKE_BINARY_DIR}/CMakeFiles/nvcc_try)
  file(WRITE ${try}.cu "#include <cuda_bf16.h>\n#include <cuda_runtime.h>\n#include <tuple>\n__global__ void k() {}\n")
  execute_process(COMMAND ${nvcc} -std=c++17 -ccbin ${ASSAY_NVCC_HOST} -gencode=arch=compute_80,code=sm_80
    -gencode=arch=compute_90,code=sm_90 -gencode=arch=compute_90a,code=sm_90a -c ${try}.cu -o ${try}.o OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE code)
  if(code EQUAL 0)
    set(ASSAY_NVCC_TRIED ${nvcc} CACHE INTERNAL "an nvcc that compiled something")
  else()
    string(REGEX MATCH "[^\n]*error[^\n]*" text "${text} (no error named)")
    set(${problem} "${nvcc} does not compile for sm_80, sm_90 and sm_90a with ${ASSAY_NVCC_HOST}: ${text}" PARENT_SCOPE)
  endif()
endfunction()

find_program(ASSAY_NVCC_HOST NAMES g++ c++ DOC "C++ compiler that nvcc runs for the host's side")
set(NVCC "")
set(NVCC_FLAGS "")
set(problem "")
if(NOT ASSAY_NVCC_HOST)
  set(problem "nvcc needs g++")
elseif(ASSAY_NVCC)
  try_nvcc(${ASSAY_NVCC} problem)
  set(NVCC ${ASSAY_NVCC})
else()
  if(NOT ASSAY_NVCC_FETCH)
    find_program(ASSAY_NVCC_FOUND nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
    if(ASSAY_NVCC_FOUND)
      try_nvcc(${ASSAY_NVCC_FOUND} problem)
      if(problem STREQUAL "")
        set(NVCC ${ASSAY_NVCC_FOUND})
      else()
        message(STATUS "Not that nvcc: ${problem}")
      endif()
    endif()
  endif()
  if(NOT NVCC)
    set(root ${ASSAY_DOWNLOADS}/nvcc-13.0.88)
    fetch_nvcc(${root} problem)
    if(problem STREQUAL "")
      set(NVCC ${root}/nvidia/cu13/bin/nvcc)
      set(NVCC_FLAGS -L${root}/nvidia/cu13/lib)
      try_nvcc(${NVCC} problem)
    endif()
  endif()
endif()
if(problem STREQUAL "")
  message(STATUS "CUDA kernels: by ${NVCC}")
else()
  set(NVCC "")
  message(WARNING "CUDA is off: libassay_cuda.so is left out: ${problem}. Everything else is built, and runs on the CPU. "
    "Without a network, point -DASSAY_NVCC= at the nvcc of a CUDA toolkit, 12.0 or later.")
endif()
