# SPDX-License-Identifier: Apache-2.0
# find_package(Doppel) gives the target doppel::doppel: include/doppel and libdoppel.so.
get_filename_component(DOPPEL_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET doppel::doppel)
  add_library(doppel::doppel SHARED IMPORTED)
  set_target_properties(doppel::doppel PROPERTIES
    IMPORTED_LOCATION "${DOPPEL_PREFIX}/lib/libdoppel.so"
    INTERFACE_INCLUDE_DIRECTORIES "${DOPPEL_PREFIX}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_20)
endif()
