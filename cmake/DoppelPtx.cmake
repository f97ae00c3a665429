# SPDX-License-Identifier: Apache-2.0
# doppel_ptx(TARGET NAMESPACE sources.cu...) compiles each source to PTX with clang and adds to TARGET, for a file
# some_name.cu, the string `NAMESPACE::kSomeNamePtx`. The .ptx stays in the build folder under its own name.
# The PTX asks for sm_86, the older of the two cards, and serves both. A file that ends in _sm120a.cu has inline PTX
# for that target, which clang 19 does not know: it is compiled as for sm_86, and its head is changed.
find_program(DOPPEL_CUDA_CLANG NAMES clang++-19 REQUIRED
             DOC "clang that compiles CUDA C++ to PTX; it needs no toolkit")

set(DOPPEL_PTX_FLAGS
    -x cuda --cuda-path=/nonexistent --cuda-device-only --cuda-gpu-arch=sm_86 -nocudainc -nocudalib
    -Xclang -target-feature -Xclang +ptx71 -I${CMAKE_SOURCE_DIR}/suite -std=c++20 -O3 -ffp-contract=off -Wall -Wextra)
set(DOPPEL_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedText.cmake)

function(doppel_ptx target namespace)
  foreach(source ${ARGN})
    get_filename_component(name ${source} NAME_WE)
    set(ptx ${CMAKE_CURRENT_BINARY_DIR}/${name}.ptx)
    set(embedded ${CMAKE_CURRENT_BINARY_DIR}/${name}_ptx.cpp)
    string(REPLACE "_" ";" words ${name})
    set(retarget "")
    if(name MATCHES "_sm120a$")
      set(retarget COMMAND sed -i -e "s/^[.]version .*/.version 8.7/" -e "s/^[.]target .*/.target sm_120a/" ${ptx})
    endif()
    set(symbol k)
    foreach(word ${words})
      string(SUBSTRING ${word} 0 1 first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${first} first)
      string(APPEND symbol ${first}${rest})
    endforeach()
    add_custom_command(
      OUTPUT ${ptx}
      COMMAND ${DOPPEL_CUDA_CLANG} ${DOPPEL_PTX_FLAGS} -MD -MF ${ptx}.d -MT ${ptx} -S -o ${ptx}
              ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      ${retarget}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPFILE ${ptx}.d
      COMMENT "Compiling ${source} to PTX" VERBATIM)
    add_custom_command(
      OUTPUT ${embedded}
      COMMAND ${CMAKE_COMMAND} -DIN=${ptx} -DOUT=${embedded} -DNAMESPACE=${namespace} -DSYMBOL=${symbol}Ptx
              -P ${DOPPEL_EMBED_SCRIPT}
      DEPENDS ${ptx} ${DOPPEL_EMBED_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${embedded})
  endforeach()
endfunction()
