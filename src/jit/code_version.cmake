# SPDX-License-Identifier: Apache-2.0
# Writes OUTPUT: a hash of all sources that decide what code is generated, so that objects of another version are never taken.
file(GLOB sources ${SOURCE_DIR}/ir/*.cpp ${SOURCE_DIR}/ir/*.h ${SOURCE_DIR}/ir/*.def ${SOURCE_DIR}/frontend/ptx/*.cpp ${SOURCE_DIR}/frontend/ptx/*.h ${SOURCE_DIR}/analysis/*.cpp ${SOURCE_DIR}/analysis/*.h
     ${SOURCE_DIR}/jit/*.cpp ${SOURCE_DIR}/jit/*.h)
set(all "")
foreach(source ${sources})
  file(SHA256 ${source} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 version "${all}")
file(WRITE ${OUTPUT} "#pragma once\n\nnamespace doppel::jit {\n\ninline constexpr const char* kCodeVersion = \"${version}\";\n\n}  // namespace doppel::jit\n")
