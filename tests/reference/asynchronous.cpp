// SPDX-License-Identifier: Apache-2.0
// cp.async and its groups (PTX ISA 9.7.9.25.3), as late as the ISA allows: a copy is done when its thread
// waits for it.
#include <algorithm>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::Opcode;

namespace {

void begin(Block& block, Thread& thread, const ptx::Instruction& in) {
  const int size = static_cast<int>(read(block, thread, in.operands.at(2)));
  int count = size;
  if (in.operands.size() > 3)
    count = static_cast<int>(std::min<std::uint64_t>(read(block, thread, in.operands[3]), size));
  PendingCopy copy;
  copy.group = thread.closed_groups;
  copy.target = resolve(block, thread, ptx::Space::Shared, in.operands.at(0), size, size);
  copy.data.resize(static_cast<std::size_t>(size));
  if (count > 0) {
    const auto source =
        resolve(block, thread, ptx::Space::Global, in.operands.at(1), count, count == size ? size : 1);
    std::ranges::copy(source, copy.data.begin());
  }
  thread.copies.push_back(std::move(copy));
}

void finish(Thread& thread, std::uint64_t groups) {
  for (PendingCopy& copy : thread.copies) {
    if (copy.group < groups) std::ranges::copy(copy.data, copy.target.begin());
  }
  std::erase_if(thread.copies, [&](const PendingCopy& copy) { return copy.group < groups; });
}

}  // namespace

void finish_copies(Thread& thread) { finish(thread, thread.closed_groups + 1); }

void execute_copy(Block& block, Thread& thread, const ptx::Instruction& in) {
  switch (in.opcode) {
    case Opcode::CpAsync:
      begin(block, thread, in);
      return;
    case Opcode::CpAsyncCommitGroup:
      ++thread.closed_groups;
      return;
    case Opcode::CpAsyncWaitGroup: {
      const std::uint64_t kept = read(block, thread, in.operands.at(0));
      finish(thread, thread.closed_groups - std::min(thread.closed_groups, kept));
      return;
    }
    default:
      finish_copies(thread);
  }
}

}  // namespace doppel::reference
