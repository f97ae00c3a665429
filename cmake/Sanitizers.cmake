# SPDX-License-Identifier: Apache-2.0
# DOPPEL_SANITIZE: builds everything for clang's sanitizers: "address,undefined" (the preset 'asan') or "thread" ('tsan').
# The runtime is a shared library, as libcuda.so.1 is loaded into programs that were not built here:
# DOPPEL_SANITIZER_RUNTIME is what such a program has to preload, for the runtime must come before the C library.
set(DOPPEL_SANITIZE "" CACHE STRING "Sanitizers to build for, as in -fsanitize=; none where empty")
set(DOPPEL_SANITIZER_RUNTIME "")

if(DOPPEL_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "DOPPEL_SANITIZE needs clang; the compiler is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  if(DOPPEL_SANITIZE STREQUAL "thread")
    set(runtime tsan)
    add_compile_definitions(DOPPEL_TSAN)
  else()
    set(runtime asan)
    add_compile_definitions(DOPPEL_ASAN)
  endif()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libclang_rt.${runtime}-${CMAKE_SYSTEM_PROCESSOR}.so
                  OUTPUT_VARIABLE DOPPEL_SANITIZER_RUNTIME OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT IS_ABSOLUTE "${DOPPEL_SANITIZER_RUNTIME}")
    message(FATAL_ERROR "No ${DOPPEL_SANITIZER_RUNTIME} beside ${CMAKE_CXX_COMPILER} (Debian: libclang-rt-19-dev)")
  endif()
  get_filename_component(runtime_folder ${DOPPEL_SANITIZER_RUNTIME} DIRECTORY)
  add_compile_options(-fsanitize=${DOPPEL_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DOPPEL_SANITIZE} -shared-libsan -Wl,-rpath,${runtime_folder})
endif()

# DOPPEL_FUZZ: all code tells libFuzzer which branches it takes (tests/fuzz; the preset 'fuzz').
option(DOPPEL_FUZZ "Build for clang's libFuzzer" OFF)
if(DOPPEL_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "DOPPEL_FUZZ needs clang; the compiler is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
