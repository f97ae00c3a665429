// SPDX-License-Identifier: Apache-2.0
// A program that forks before it uses the card: both sides work. A child forked after cuInit gets an error
// and no crash, and its parent works on.
#include <sys/wait.h>
#include <unistd.h>

#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

bool fill_works() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  doppel::host::Buffer<unsigned> words(32);
  doppel::host::launch(module.kernel("fill"), {1}, {32}, words.address(), 3U);
  for (const unsigned word : words.download()) {
    if (word != 3) return false;
  }
  return true;
}

bool ended_well(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
  const pid_t before = fork();
  if (before == 0) _exit(fill_works() ? 0 : 1);
  e2e::expect(ended_well(before), "a child forked before cuInit uses the card");
  e2e::expect(fill_works(), "the parent uses the card");

  const pid_t after = fork();
  if (after == 0) {
    int count = 0;
    _exit(cuDeviceGetCount(&count) == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1);
  }
  e2e::expect(ended_well(after), "a child forked after cuInit is told that it is not initialised");
  e2e::expect(fill_works(), "the parent works on");
  return e2e::verdict();
}
