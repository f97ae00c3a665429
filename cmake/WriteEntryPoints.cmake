# SPDX-License-Identifier: Apache-2.0
# The script of doppel_entry_points (EntryPoints.cmake): from TABLE and the definitions in SOURCES to three files in
# OUTPUT.
cmake_minimum_required(VERSION 3.25)

function(write_if_different file text)
  file(WRITE ${OUTPUT}/${file}.new "${text}")
  file(COPY_FILE ${OUTPUT}/${file}.new ${OUTPUT}/${file} ONLY_IF_DIFFERENT)
endfunction()

# The parameters of every function that is defined: parameters_NAME.
set(defined "")
foreach(source IN LISTS SOURCES)
  file(READ ${source} text)
  string(REGEX MATCHALL "\n${RESULT} ${PREFIX}[A-Z][A-Za-z0-9_]*\\([^)]*\\) {" definitions "${text}")
  foreach(definition IN LISTS definitions)
    string(REGEX MATCH "(${PREFIX}[A-Z][A-Za-z0-9_]*)\\((.*)\\)" found "${definition}")
    list(APPEND defined ${CMAKE_MATCH_1})
    string(REGEX REPLACE "[ \n]+" " " parameters_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
endforeach()

set(functions "")   # C++: what is declared, refused, or led to another
set(rows "")        # C++: the table
set(exported ${ALSO_EXPORT})
set(page "")
set(refused 0)
set(working 0)

file(STRINGS ${TABLE} lines REGEX "^[^#]|^## ")
foreach(line IN LISTS lines)
  if(line MATCHES "^## (.*)")
    string(APPEND page "\n## ${CMAKE_MATCH_1}\n\n| function | CUDA | here | own default stream |\n|---|---|---|---|\n")
    continue()
  endif()
  if(NOT line MATCHES "^(works|refused) +(([0-9]+) +)?(${PREFIX}[A-Z][A-Za-z0-9_]*)( (_[a-z]+))?$")
    message(FATAL_ERROR "${TABLE}: '${line}' is no row")
  endif()
  set(state ${CMAKE_MATCH_1})
  set(since "${CMAKE_MATCH_3}")
  set(symbol ${CMAKE_MATCH_4})
  set(per_thread "")
  if(CMAKE_MATCH_6)
    set(per_thread ${symbol}${CMAKE_MATCH_6})
  endif()
  string(REGEX REPLACE "_v[0-9]+$" "" name ${symbol})
  set(numbered TRUE)
  if(since STREQUAL "")  # an interface without versions: forms are told by their revisions
    set(numbered FALSE)
    set(since 1)
    if(symbol MATCHES "_v([0-9]+)$")
      set(since ${CMAKE_MATCH_1})
    endif()
  endif()

  if(symbol IN_LIST exported)
    message(FATAL_ERROR "${TABLE}: ${symbol} stands in two rows")
  endif()
  if(DEFINED since_${name} AND NOT since_${name} LESS since)
    message(FATAL_ERROR "${TABLE}: ${symbol} stands behind a younger form of ${name}")
  endif()
  set(since_${name} ${since})
  list(APPEND exported ${symbol} ${per_thread})

  if(state STREQUAL "works")
    math(EXPR working "${working} + 1")
    if(NOT symbol IN_LIST defined)
      message(FATAL_ERROR "${TABLE}: ${symbol} is said to work, and no source file defines it")
    endif()
    string(APPEND functions "${RESULT} ${symbol}(${parameters_${symbol}});\n")
    if(per_thread)
      string(REGEX REPLACE "[^,]+[ *]([a-z0-9_]+)" " \\1" arguments "${parameters_${symbol}}")
      string(APPEND functions "${RESULT} ${per_thread}(${parameters_${symbol}}) {\n"
                              "  const ${PER_THREAD_SCOPE} scope;\n  return ${symbol}(${arguments});\n}\n")
    endif()
  else()
    math(EXPR refused "${refused} + 1")
    if(symbol IN_LIST defined)
      message(FATAL_ERROR "${TABLE}: ${symbol} is said to be refused, and a source file defines it")
    endif()
    foreach(one IN ITEMS ${symbol} ${per_thread})
      string(APPEND functions "${RESULT} ${one}() { return doppel::api::refuse<${API}>(\"${one}\"); }\n")
    endforeach()
  endif()

  set(address "nullptr")
  set(per_thread_cell "")
  if(per_thread)
    set(address "reinterpret_cast<void*>(${per_thread})")
    set(per_thread_cell "`${per_thread}`")
  endif()
  string(APPEND rows "      {\"${name}\", ${since}, reinterpret_cast<void*>(${symbol}), ${address}},\n")
  set(version_cell "")
  if(numbered)
    math(EXPR major "${since} / 1000")
    math(EXPR minor "${since} % 1000 / 10")
    set(version_cell "${major}.${minor}")
  endif()
  string(APPEND page "| `${symbol}` | ${version_cell} | ${state} | ${per_thread_cell} |\n")
endforeach()

list(REMOVE_ITEM defined ${exported})
foreach(symbol IN LISTS defined)
  message(FATAL_ERROR "${TABLE}: ${symbol} is defined, and has no row")
endforeach()

list(TRANSFORM INCLUDES REPLACE "(.+)" "#include \"\\1\"\n")
list(JOIN INCLUDES "" includes)
write_if_different(entry_points.cpp "// Written by cmake/WriteEntryPoints.cmake.
${includes}#include \"api/common/results.h\"

extern \"C\" {
${functions}}

std::span<const doppel::api::EntryPoint> ${API}::entry_points() {
  static const doppel::api::EntryPoint table[] = {
${rows}  };
  return table;
}
")

list(JOIN exported "; " exported)
write_if_different(exports.map "{\n  global: ${exported};\n  local: *;\n};\n")

math(EXPR all "${refused} + ${working}")
write_if_different(functions.md "# ${TITLE}

Of ${all} forms of functions ${working} work. The others answer that they are not supported, and Doppel names them on standard error and at the
end of the run. *CUDA* is the version that brought the form. *Own default stream* is what programs call that were built for default streams of
each thread.

The build writes this page from `entry_points.txt`: it is a copy of `functions.md` in the build folder of the part.
${page}")
