# The Python grammar of tree-sitter: two C files of the package tree-sitter-python, fetched from PyPI by name, version and
# hash, since no Debian package has them. Sets PYTHON_GRAMMAR to the folder of parser.c and scanner.c, or to "" with a
# warning where they cannot be had; the code verifier is left out then.
include(AssayFetch)
set(ASSAY_PYTHON_GRAMMAR "" CACHE PATH
  "Folder with parser.c and scanner.c of tree-sitter-python 0.23.6 (src/ of its source package); empty: fetched from PyPI")
set(grammar_name tree_sitter_python-0.23.6)
set(grammar_sha256 354bfa0a2f9217431764a631516f85173e9711af2c13dbd796a8815acfe505d9)
set(grammar_url https://files.pythonhosted.org/packages/1c/30/6766433b31be476fda6569a3a374c2220e45ffee0bff75460038a57bf23b)

set(PYTHON_GRAMMAR "${ASSAY_PYTHON_GRAMMAR}")
if(NOT PYTHON_GRAMMAR)
  assay_fetch(${grammar_url}/${grammar_name}.tar.gz ${grammar_sha256} "156 kB, tree-sitter's Python grammar" problem)
  if(problem STREQUAL "")
    file(ARCHIVE_EXTRACT INPUT ${ASSAY_DOWNLOADS}/${grammar_name}.tar.gz DESTINATION ${CMAKE_BINARY_DIR}/grammar
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
