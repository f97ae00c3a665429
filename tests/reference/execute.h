// SPDX-License-Identifier: Apache-2.0
// One instruction of one thread.
#pragma once

#include "reference/thread.h"

namespace doppel::reference {

// Executes the thread's next instruction, or leaves it waiting there. Throws Fault or std::logic_error.
void step(Block& block, Thread& thread);

// What other files do for it.
void enter(Block& block, Thread& thread, const ptx::Function& function);  // pushes a frame
void execute_control(Block& block, Thread& thread,
                     const ptx::Instruction& in);  // bra, brx.idx, call, ret, exit
void execute_memory(Block& block, Thread& thread,
                    const ptx::Instruction& in);                              // ld, st, cvta, isspacep, hints
void execute_copy(Block& block, Thread& thread, const ptx::Instruction& in);  // cp.async
void finish_copies(Thread& thread);                                           // all that it has begun
// What an atomic operation that is no cas leaves.
std::uint64_t combine(const ptx::Instruction& in, std::uint64_t old, std::uint64_t value, bool is_shared);
void execute_tensor_copy(Block& block, Thread& thread, const ptx::Instruction& in);
void execute_bulk_copy(Block& block, Thread& thread, const ptx::Instruction& in);
// Of copies that have ended, at the barrier that an address operand means.
void complete_transactions(Block& block, Thread& thread, ptx::Space space, const ptx::Operand& barrier,
                           std::int64_t bytes);
void complete_transactions(Block& block, std::uint64_t offset, std::int64_t bytes);
void complete_transactions(std::span<std::byte> object, std::int64_t bytes);
void execute_mbarrier(Block& block, Thread& thread, const ptx::Instruction& in);
void execute_atomic(Block& block, Thread& thread, const ptx::Instruction& in);  // atom, red

// Warp operations and barriers: the thread has come to wait; see whether that completes anything. Also after
// an exit.
void settle_warp(Block& block, Thread& thread);
void arrive_at_barrier(Block& block, Thread& thread, const ptx::Instruction& in);
void settle_barriers(Block& block);
// barrier.cluster, mapa, getctarank, st.async, red.async, st.bulk, clusterlaunchcontrol.
void execute_cluster(Block& block, Thread& thread, const ptx::Instruction& in);
void settle_cluster_barrier(Cluster& cluster);
// Lets an activemask answer where all live threads of the thread's warp wait. False: nothing to do.
bool settle_activemask(Block& block, Thread& thread);
void exit_thread(Block& block, Thread& thread);

}  // namespace doppel::reference
