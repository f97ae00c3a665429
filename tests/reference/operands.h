// SPDX-License-Identifier: Apache-2.0
// Reading and writing an instruction's operands, and finding the bytes an address means.
#pragma once

#include <cstdint>
#include <span>

#include "reference/thread.h"

namespace doppel::reference {

std::uint64_t read(const Block& block, const Thread& thread, const ptx::Operand& operand);
// Cut to the register's width.
void write(Thread& thread, const ptx::Operand& operand, std::uint64_t value);
// Extended to the register's width as `type` says: for ld and cvt (PTX ISA 6.4, 9.4.1).
void write_extended(Thread& thread, const ptx::Operand& operand, std::uint64_t value, ptx::Type type);

// The bytes behind an address operand. Throws Fault where they are outside every allocation or not aligned to
// `alignment`. is_shared tells where the address led.
// Of an address in shared memory: its place in the cluster (kRankUnit).
std::uint64_t shared_offset(const Block& block, const Thread& thread, ptx::Space space,
                            const ptx::Operand& operand);
std::span<std::byte> resolve(Block& block, Thread& thread, ptx::Space space, const ptx::Operand& operand,
                             int size, int alignment, bool* is_shared = nullptr);
// Of a variable, in the address of its own space.
std::uint64_t symbol_address(const Block& block, const Thread& thread, const ptx::SymbolRef& symbol);
std::span<std::byte> local_bytes(Thread& thread, std::uint64_t address, std::uint64_t size);

}  // namespace doppel::reference
