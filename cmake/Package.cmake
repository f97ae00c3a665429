# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` and `cpack -G DEB` leave beside the parts' own files.
configure_file(cmake/package/DoppelConfigVersion.cmake.in ${CMAKE_BINARY_DIR}/DoppelConfigVersion.cmake @ONLY)
install(FILES cmake/package/DoppelConfig.cmake ${CMAKE_BINARY_DIR}/DoppelConfigVersion.cmake
        DESTINATION lib/cmake/Doppel)
install(FILES LICENSE NOTICE README.md CHANGELOG.md DESTINATION share/doc/doppel)
install(FILES examples/predict.cpp DESTINATION share/doc/doppel/examples)

# The manual page and the completions are what the command says of its own flags.
set(manual ${CMAKE_BINARY_DIR}/doppel.1)
set(completion ${CMAKE_BINARY_DIR}/doppel.bash)
add_custom_command(OUTPUT ${manual} ${completion}
  COMMAND doppel manual > ${manual}
  COMMAND doppel completion > ${completion}
  DEPENDS doppel VERBATIM)
add_custom_target(doppel_manual ALL DEPENDS ${manual} ${completion})
install(FILES ${manual} DESTINATION share/man/man1)
install(FILES ${completion} DESTINATION share/bash-completion/completions RENAME doppel)

set(CPACK_PACKAGE_NAME doppel)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The Doppel developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "Software doubles of two workstation graphics cards: runs CUDA programs without one, and says what each would take")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libdoppel.so is ours, and found beside what needs it.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_STRIP_FILES ON)
include(CPack)
