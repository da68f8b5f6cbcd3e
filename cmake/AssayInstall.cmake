# What `cmake --install` lays down; grown by the packaging files.
