# SPDX-License-Identifier: Apache-2.0
# Headers of other libraries that most files read, compiled once for all: reading them is most of what a small file takes
# to compile; and small files taken together, whose templates are the same. A file still includes what it uses: clang's
# builds take each as it stands, and fail where one is missing.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(precompiled ON)
else()
  set(precompiled OFF)
endif()
option(DOPPEL_PRECOMPILE "Compile headers that most files read once for all, and small files together" ${precompiled})

if(DOPPEL_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)  # so that ccache sees which were read
endif()

set(common <algorithm> <array> <atomic> <bit> <cmath> <cstdint> <cstring> <functional> <map> <memory> <mutex> <optional>
           <set> <span> <string> <string_view> <unordered_map> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
set(DOPPEL_COMMON_HEADERS ${common})

# doppel_precompiled(NAME headers... [LINKS libraries...] [OPTIONS ...]) compiles them for the targets of
# doppel_precompile(); LINKS are the libraries whose headers they are.
function(doppel_precompiled name)
  cmake_parse_arguments(HEADERS "" "" "LINKS;OPTIONS" ${ARGN})
  if(DOPPEL_PRECOMPILE)
    add_library(doppel_${name}_headers OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
    target_link_libraries(doppel_${name}_headers PRIVATE doppel_options fmt::fmt tl::expected ${HEADERS_LINKS})
    target_compile_options(doppel_${name}_headers PRIVATE ${HEADERS_OPTIONS})
    target_precompile_headers(doppel_${name}_headers PRIVATE ${DOPPEL_COMMON_HEADERS} ${HEADERS_UNPARSED_ARGUMENTS})
  endif()
endfunction()

# doppel_precompile(TARGET NAME headers...): its files begin with the headers of that name; or, where headers of its own
# are given that most of its files read, with the common ones and those.
function(doppel_precompile target name)
  if(NOT DOPPEL_PRECOMPILE)
    return()
  endif()
  if(ARGN)
    target_precompile_headers(${target} PRIVATE ${DOPPEL_COMMON_HEADERS} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM doppel_${name}_headers)
  endif()
endfunction()

# doppel_join_files(TARGET): several of its files are compiled as one.
function(doppel_join_files target)
  if(DOPPEL_PRECOMPILE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 14)
    # gcc 12 warns of sums of strings where much is inlined (gcc.gnu.org/PR105329, PR105651), and takes the joined files for
    # headers, whose types may not have members of unnamed namespaces; clang's builds look at the files.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-subobject-linkage)
  endif()
endfunction()

# Code that becomes part of a library is not made as a program's own, and neither reads the headers of the other.
doppel_precompiled(library OPTIONS -fvisibility=default -fno-semantic-interposition)
if(DOPPEL_BUILD_TESTS)
  doppel_precompiled(test <gtest/gtest.h> LINKS GTest::gtest OPTIONS -fPIE ${DOPPEL_TEST})
endif()
