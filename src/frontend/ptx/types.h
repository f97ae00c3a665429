// SPDX-License-Identifier: Apache-2.0
// The fundamental types, state spaces and special registers of PTX (PTX ISA 5, 10): the IR has the same.
#pragma once

#include "ir/types.h"

namespace doppel::ptx {

using ir::bit_width;
using ir::byte_size;
using ir::element_type;
using ir::is_float;
using ir::is_integer;
using ir::is_packed;
using ir::is_signed;
using ir::name_of;
using ir::Space;
using ir::SpecialRegister;
using ir::Type;

}  // namespace doppel::ptx
