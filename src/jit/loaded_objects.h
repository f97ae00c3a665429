// SPDX-License-Identifier: Apache-2.0
// Objects in this process's memory, ready to run.
#pragma once

#include <memory>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
}

namespace doppel::jit {

class LoadedObjects {
 public:
  static Result<std::unique_ptr<LoadedObjects>> create();
  virtual ~LoadedObjects() = default;
  enum class Kind : std::uint8_t { Warp, Coroutine, Block };  // of an entry (warp_abi.h)
  struct Loaded {
    void* entry = nullptr;
    Kind kind = Kind::Warp;
    StackFrames frames;
  };
  // Links the object and keeps it for as long as this lives.
  virtual Result<Loaded> load(std::unique_ptr<llvm::MemoryBuffer> object) = 0;
  // The line of the PTX text, and the function, that `address` was generated for.
  virtual bool locate(const void* address, CodeLocation& location) const = 0;
};

}  // namespace doppel::jit
