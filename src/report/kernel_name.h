// SPDX-License-Identifier: Apache-2.0
// Demangled names of kernels for people: templates make them hundreds of characters long.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace doppel::report {

// "matrixMul<32>" for "void matrixMul<32>(float*, float*, int)".
std::string without_signature(const std::string& name);

// A name in its parts, without return type and signature.
struct KernelName {
  std::string scope;      // "cub::detail::", may be empty
  std::string base;       // "DeviceReduceKernel"
  std::string arguments;  // "<int, 4>", of the template; may be empty
};
KernelName parts_of(const std::string& name);

// The name in at most `limit` characters: as it is where it fits, else first without its signature, then
// without its scope, then with shorter template arguments, then without those; the base name is kept to the
// last, and loses its middle only where it does not fit alone.
std::string fitted_name(const std::string& name, std::size_t limit);

// Several names that fitted_name makes the same, told apart: "base<...Op<3>...>" with the part in which they
// differ, or, where that does not fit, a number behind each.
std::vector<std::string> told_apart(const std::vector<std::string>& names, std::size_t limit);

}  // namespace doppel::report
