// SPDX-License-Identifier: Apache-2.0
// A machine beside the reference and the engine: whatever stands behind a libcuda.so.1, Doppel's own or a
// real card. It is given the text of a module, not what our parser made of it.
#pragma once

#include <memory>
#include <string>

#include "harness/launch_case.h"

namespace doppel::harness {

class DriverRunner : public Runner {
 public:
  struct Card {
    std::string name;
    unsigned capability = 0;      // 10 x major + minor
    unsigned driver_version = 0;  // 1000 x major + 10 x minor
  };
  virtual Result<Card> card() = 0;

  // Compiles a module and does no more. Refusals carry the log of the driver's compiler; one for a
  // .version that is newer than the driver is of kind UnsupportedVersion.
  virtual Result<void> load(const std::string& text) = 0;
};

// `library`: a path, or a name that the system's loader finds. The driver is used in a process of its own
// alone, which is started again after a launch that ends with a fault, crashes or hangs: a fault leaves a
// real driver's process of no further use. Errors of the library come with the first use.
std::unique_ptr<DriverRunner> make_driver_runner(std::string library = "libcuda.so.1");

}  // namespace doppel::harness
