# SPDX-License-Identifier: Apache-2.0
# doppel_entry_points(TARGET TABLE file API class RESULT type PREFIX letters INCLUDES headers...
#                     [PER_THREAD_SCOPE class] [ALSO_EXPORT symbols...] TITLE text)
# makes the functions of a C interface from its table (src/driver/entry_points.txt is one), for the shared library
# TARGET, whose sources define those that work:
# - functions that answer api::refuse<API>, and API::entry_points();
# - for a form of per-thread default streams a function that calls the plain one with a PER_THREAD_SCOPE on its stack;
# - a version script: only what is in the table is exported, and ALSO_EXPORT;
# - functions.md in the build folder, with TITLE as its first line.
# Rows without a version are of an interface that has none: the revision in a symbol orders its forms.
# A function that works and is not defined, is refused and defined, or is defined and in no row ends the build.
# The functions' parameters are read from their definitions: `RESULT name(...) {`, from the first column.
set(DOPPEL_ENTRY_POINTS_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/WriteEntryPoints.cmake)

function(doppel_entry_points target)
  cmake_parse_arguments(ARG "" "TABLE;API;RESULT;PREFIX;PER_THREAD_SCOPE;TITLE" "INCLUDES;ALSO_EXPORT" ${ARGN})
  get_target_property(sources ${target} SOURCES)
  set(outputs entry_points.cpp exports.map functions.md)
  list(TRANSFORM outputs PREPEND ${CMAKE_CURRENT_BINARY_DIR}/)
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -DTABLE=${ARG_TABLE} "-DSOURCES=${sources}" -DAPI=${ARG_API} -DRESULT=${ARG_RESULT}
            -DPREFIX=${ARG_PREFIX} "-DINCLUDES=${ARG_INCLUDES}" -DPER_THREAD_SCOPE=${ARG_PER_THREAD_SCOPE}
            "-DALSO_EXPORT=${ARG_ALSO_EXPORT}" "-DTITLE=${ARG_TITLE}" -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}
            -P ${DOPPEL_ENTRY_POINTS_SCRIPT}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    DEPENDS ${ARG_TABLE} ${sources} ${DOPPEL_ENTRY_POINTS_SCRIPT}
    COMMENT "Writing the functions of ${target}" VERBATIM)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/entry_points.cpp)
  target_link_options(${target} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_BINARY_DIR}/exports.map)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/exports.map)
endfunction()
