# SPDX-License-Identifier: Apache-2.0
# What every target of the project shares: language level, warnings, layout of the build folder.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# -O3 only for the loops in which runs spend their time, -O1 for what runs once, and -O0 for what tests say themselves: more
# makes builds longer, and nothing faster.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
set(DOPPEL_HOT $<$<CONFIG:Release>:-O3>)
set(DOPPEL_COLD $<$<CONFIG:Release>:-O1>)
set(DOPPEL_TEST $<$<CONFIG:Release>:-O0>)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher ${CMAKE_CURRENT_LIST_DIR}/cached_compile.sh ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(doppel_options INTERFACE)
target_include_directories(doppel_options INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_options(doppel_options INTERFACE -Wall -Wextra -Wshadow -Wno-missing-field-initializers)

# What an executable takes from archives is its own: shared libraries that it loads never bind to its copies of fmt's templates.
target_link_options(doppel_options INTERFACE
                    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:LINKER:--exclude-libs,ALL>)

# A folder in which this folder of src/ stands alone, under its own name: who does not link a part cannot include it.
function(doppel_include_path out)
  file(RELATIVE_PATH place ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" name ${place})
  set(path ${CMAKE_BINARY_DIR}/include/${name})
  cmake_path(GET place PARENT_PATH above)
  file(MAKE_DIRECTORY ${path}/${above})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${path}/${place} SYMBOLIC)
  set(${out} ${path} PARENT_SCOPE)
endfunction()

# doppel_part(NAME SOURCES... LINKS targets... [HEADERS <headers>...] [APART]) defines the library of one folder of src/;
# HEADERS are some that most of its files read, worth compiling once (Precompiled.cmake). APART: each file is compiled as
# it stands.
function(doppel_part name)
  cmake_parse_arguments(PART "APART" "" "SOURCES;LINKS;HEADERS" ${ARGN})
  doppel_include_path(include_path)
  if(PART_SOURCES)
    add_library(doppel_${name} STATIC ${PART_SOURCES})
    target_include_directories(doppel_${name} PUBLIC ${include_path})
    target_link_libraries(doppel_${name} PUBLIC doppel_options ${PART_LINKS})
    # For libdoppel.so, whose version script says what is seen of it. No part's function is ever replaced from
    # outside, so that they may be inlined.
    target_compile_options(doppel_${name} PRIVATE -fvisibility=default -fno-semantic-interposition)
    doppel_precompile(doppel_${name} library ${PART_HEADERS})
    if(NOT PART_APART)
      doppel_join_files(doppel_${name})
    endif()
  else()
    add_library(doppel_${name} INTERFACE)
    target_include_directories(doppel_${name} INTERFACE ${include_path})
    target_link_libraries(doppel_${name} INTERFACE doppel_options ${PART_LINKS})
  endif()
endfunction()

# doppel_test(NAME SOURCES... LINKS targets...) defines one GoogleTest program and registers its tests, with the
# name of their folder as a label.
function(doppel_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE doppel_options ${TEST_LINKS} GTest::gtest_main fmt::fmt)
  target_compile_options(${name} PRIVATE ${DOPPEL_TEST})
  doppel_precompile(${name} test)
  doppel_join_files(${name})
  target_compile_definitions(${name} PRIVATE DOPPEL_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             DOPPEL_BUILD_DIR="${CMAKE_BINARY_DIR}")
  get_filename_component(part ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${part})
endfunction()
