// Which registers an instruction reads and writes, by its form's data alone.
#pragma once

#include <functional>

#include "ptx/module.h"

namespace doppel::kernel {

// How many of Instruction::operands, from the front, are destinations.
std::size_t destination_count(const ptx::Instruction& instruction);

// Calls `visit` for every register read: the guard, sources, address bases, arguments. May repeat a register.
void for_each_use(const ptx::Instruction& instruction, const std::function<void(ptx::RegisterId)>& visit);
// Calls `visit` for every register written.
void for_each_definition(const ptx::Instruction& instruction,
                         const std::function<void(ptx::RegisterId)>& visit);

}  // namespace doppel::kernel
