// SPDX-License-Identifier: Apache-2.0
// Statements of kernels that wait: for a clock, asleep, for a word in memory.
#include <cstdint>

#include "program.h"

namespace timeline {

using doppel::host::check;

// until_clock|until_timer STREAM BLOCKS TIME [threads NUMBER] [sleep NANOSECONDS] [step TIME]
void Program::until(const Statement& statement, Kernel kernel) {
  const Options given = options(statement, 3, {"threads", "sleep", "step"});
  launch(kernel,
         {.blocks = static_cast<unsigned>(number(statement, 1)),
          .threads = static_cast<unsigned>(given.get("threads", 32))},
         stream(statement, 0), static_cast<std::uint64_t>(number(statement, 2)),
         static_cast<std::uint64_t>(given.get("step", 0)), static_cast<unsigned>(given.get("sleep", 0)));
}

// nap STREAM BLOCKS COUNT NANOSECONDS [threads NUMBER]
void Program::nap(const Statement& statement) {
  const Options given = options(statement, 4, {"threads"});
  launch(Kernel::Nap,
         {.blocks = static_cast<unsigned>(number(statement, 1)),
          .threads = static_cast<unsigned>(given.get("threads", 32))},
         stream(statement, 0), static_cast<unsigned>(number(statement, 2)),
         static_cast<unsigned>(number(statement, 3)));
}

// await STREAM WORD VALUE [blocks NUMBER] [shared BYTES]: a kernel that goes on when the word is no less.
void Program::await(const Statement& statement) {
  const Options given = options(statement, 3, {"blocks", "shared"});
  launch(Kernel::Await,
         {.blocks = static_cast<unsigned>(given.get("blocks", 1)),
          .threads = 1,
          .shared_bytes = static_cast<unsigned>(given.get("shared", 0))},
         stream(statement, 0), memory(statement, 1).address, static_cast<unsigned>(number(statement, 2)));
}

// signal STREAM WORD VALUE CYCLES: a kernel that waits for so many cycles, then writes the word.
void Program::signal(const Statement& statement) {
  expect_arguments(statement, 4, 4);
  launch(Kernel::Signal, {.threads = 1}, stream(statement, 0), memory(statement, 1).address,
         static_cast<unsigned>(number(statement, 2)), static_cast<std::uint64_t>(number(statement, 3)));
}

// add STREAM WORD VALUE CYCLES: the same, and adds to it.
void Program::add(const Statement& statement) {
  expect_arguments(statement, 4, 4);
  launch(Kernel::Add, {.threads = 1}, stream(statement, 0), memory(statement, 1).address,
         static_cast<unsigned>(number(statement, 2)), static_cast<std::uint64_t>(number(statement, 3)));
}

// write_value STREAM WORD VALUE
void Program::write_value(const Statement& statement) {
  expect_arguments(statement, 3, 3);
  check(cuStreamWriteValue32(stream(statement, 0), memory(statement, 1).address,
                             static_cast<cuuint32_t>(number(statement, 2)), 0),
        "cuStreamWriteValue32");
}

// wait_value STREAM WORD VALUE: the stream goes on when the word is no less.
void Program::wait_value(const Statement& statement) {
  expect_arguments(statement, 3, 3);
  check(cuStreamWaitValue32(stream(statement, 0), memory(statement, 1).address,
                            static_cast<cuuint32_t>(number(statement, 2)), CU_STREAM_WAIT_VALUE_GEQ),
        "cuStreamWaitValue32");
}

// store WORD VALUE: the host writes it.
void Program::store(const Statement& statement) {
  expect_arguments(statement, 2, 2);
  auto* const word = reinterpret_cast<std::uint32_t*>(memory(statement, 0).address);
  __atomic_store_n(word, static_cast<std::uint32_t>(number(statement, 1)), __ATOMIC_RELEASE);
}

}  // namespace timeline
