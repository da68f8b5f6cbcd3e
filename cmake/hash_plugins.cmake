# One line per plugin: "SHA256  file.so", as sha256sum writes it.
set(text "")
foreach(file IN LISTS FILES)
  file(SHA256 ${file} hash)
  get_filename_component(name ${file} NAME)
  string(APPEND text "${hash}  ${name}\n")
endforeach()
file(WRITE ${OUT} "${text}")
