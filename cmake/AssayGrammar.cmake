# The Python grammar of tree-sitter: two C files of the package tree-sitter-python, fetched from PyPI by name, version and
# hash, since no Debian package has them. Sets PYTHON_GRAMMAR to the folder of parser.c and scanner.c, or to "" with a
# warning where they cannot be had; the code verifier is left out then.
set(ASSAY_PYTHON_GRAMMAR "" CACHE PATH
  "Folder with parser.c and scanner.c of tree-sitter-python 0.23.6 (src/ of its source package); empty: fetched from PyPI")
set(grammar_name tree_sitter_python-0.23.6)
set(grammar_sha256 354bfa0a2f9217431764a631516f85173e9711af2c13dbd796a8815acfe505d9)
set(grammar_url https://files.pythonhosted.org/packages/1c/30/6766433b31be476fda6569a3a374c2220e45ffee0bff75460038a57bf23b)

# The archive, whole and unchanged, at ${archive}; or a sentence in ${problem}.
function(fetch_grammar archive problem)
  set(${problem} "" PARENT_SCOPE)
  foreach(attempt RANGE 1)
    if(EXISTS ${archive})
      file(SHA256 ${archive} found)
      if(found STREQUAL grammar_sha256)
        return()
      endif()
      file(REMOVE ${archive})
    endif()
    if(attempt EQUAL 0)
      message(STATUS "Fetching ${grammar_name}.tar.gz (156 kB, tree-sitter's Python grammar) from PyPI")
      # under another name first: several builds may do this at once
      string(RANDOM LENGTH 12 part)
      file(DOWNLOAD ${grammar_url}/${grammar_name}.tar.gz ${archive}.${part} STATUS status TIMEOUT 120 TLS_VERIFY ON)
      list(GET status 0 code)
      list(GET status 1 text)
      if(NOT code EQUAL 0)
        file(REMOVE ${archive}.${part})
        set(${problem} "it could not be fetched: ${text}" PARENT_SCOPE)
        return()
      endif()
      file(RENAME ${archive}.${part} ${archive})
    endif()
  endforeach()
  set(${problem} "what was fetched is not what it should be (SHA-256)" PARENT_SCOPE)
endfunction()

set(PYTHON_GRAMMAR "${ASSAY_PYTHON_GRAMMAR}")
if(NOT PYTHON_GRAMMAR)
  # one copy for all build folders beneath build/
  set(downloads ${CMAKE_BINARY_DIR}/downloads)
  cmake_path(IS_PREFIX PROJECT_SOURCE_DIR ${CMAKE_BINARY_DIR} NORMALIZE is_inside)
  if(is_inside)
    set(downloads ${PROJECT_SOURCE_DIR}/build/downloads)
  endif()
  fetch_grammar(${downloads}/${grammar_name}.tar.gz problem)
  if(problem STREQUAL "")
    file(ARCHIVE_EXTRACT INPUT ${downloads}/${grammar_name}.tar.gz DESTINATION ${CMAKE_BINARY_DIR}/grammar
      PATTERNS ${grammar_name}/src ${grammar_name}/LICENSE)
    set(PYTHON_GRAMMAR ${CMAKE_BINARY_DIR}/grammar/${grammar_name}/src)
  endif()
elseif(NOT EXISTS ${PYTHON_GRAMMAR}/parser.c OR NOT EXISTS ${PYTHON_GRAMMAR}/scanner.c)
  set(problem "ASSAY_PYTHON_GRAMMAR is ${PYTHON_GRAMMAR}, where there is no parser.c and scanner.c")
  set(PYTHON_GRAMMAR "")
else()
  set(problem "")
endif()
if(NOT problem STREQUAL "")
  set(PYTHON_GRAMMAR "")
  message(WARNING "The verifier \"code\" is left out: it needs the grammar of Python, and ${problem}. Without a network: on "
    "another machine, `pip download --no-deps --no-binary :all: tree-sitter-python==0.23.6`, unpack it, and point "
    "-DASSAY_PYTHON_GRAMMAR= at its src folder.")
endif()
