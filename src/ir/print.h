// SPDX-License-Identifier: Apache-2.0
// The IR as text, which parse.h reads back: for dumps, for the key of a cache, and for file tests.
#pragma once

#include <string>

#include "ir/module.h"

namespace doppel::ir {

struct PrintOptions {
  bool origins = true;  // a comment behind each operation: the line and form of the front end
};

std::string print(const Module& module, const PrintOptions& options = {});
// What stands before its functions.
std::string print_head(const Module& module);
// One function of it.
std::string print(const Module& module, const Function& function, const PrintOptions& options = {});
// One operation as a line of a listing, without its origin: "@!%1 %5:32 = fadd.rn.f32 %4, 0x3f800000".
std::string print(const Module& module, const Function& function, const Operation& operation);

}  // namespace doppel::ir
