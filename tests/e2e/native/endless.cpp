// A kernel that never ends; the runner ends it (--timeout) and tells so.
#include "card.h"
#include "kernels.h"

int main() {
  const doppel::host::Card card;
  const doppel::host::Module module(e2e::kFaultsPtx);
  doppel::host::Buffer<unsigned> word(1);
  word.clear();
  doppel::host::launch(module.kernel("never_end"), {1}, {32}, word.address());
  card.synchronize();
  return 0;
}
