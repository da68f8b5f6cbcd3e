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

set(NVCC "")
set(NVCC_FLAGS "")
set(problem "")
if(ASSAY_NVCC)
  set(NVCC ${ASSAY_NVCC})
elseif(NOT ASSAY_NVCC_FETCH)
  find_program(ASSAY_NVCC_FOUND nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(ASSAY_NVCC_FOUND)
    set(NVCC ${ASSAY_NVCC_FOUND})
  endif()
endif()
if(NVCC)
  execute_process(COMMAND ${NVCC} --version OUTPUT_VARIABLE text RESULT_VARIABLE code ERROR_QUIET)
  string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" text "${text}")
  set(version "${CMAKE_MATCH_1}")
  if(NOT code EQUAL 0 OR version VERSION_LESS 12.0)
    if(ASSAY_NVCC)
      set(problem "ASSAY_NVCC is ${NVCC}, which is no nvcc of CUDA 12.0 or later")
    endif()
    set(NVCC "")
  endif()
endif()
if(NOT NVCC AND problem STREQUAL "")
  fetch_nvcc(${ASSAY_DOWNLOADS}/nvcc-13.0.88 problem)
  if(problem STREQUAL "")
    set(NVCC ${ASSAY_DOWNLOADS}/nvcc-13.0.88/nvidia/cu13/bin/nvcc)
    set(NVCC_FLAGS -L${ASSAY_DOWNLOADS}/nvcc-13.0.88/nvidia/cu13/lib)
    set(version 13.0)
  endif()
endif()
find_program(ASSAY_NVCC_HOST NAMES g++ c++ DOC "C++ compiler that nvcc runs for the host's side")
if(problem STREQUAL "" AND NOT ASSAY_NVCC_HOST)
  set(problem "nvcc needs g++")
  set(NVCC "")
endif()
if(problem STREQUAL "")
  message(STATUS "CUDA kernels: by nvcc ${version}, ${NVCC}")
else()
  message(WARNING "CUDA is off: libassay_cuda.so is left out: ${problem}. Everything else is built, and runs on the CPU. "
    "Without a network, point -DASSAY_NVCC= at the nvcc of a CUDA toolkit, 12.0 or later.")
endif()
