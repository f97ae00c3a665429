// Compiled objects on disk, shared by processes and runs. An entry is found by a hash of everything that its
// content hangs on; a damaged entry counts as missing, and a cache that cannot be written only costs time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
}

namespace doppel::jit {

class ObjectCache {
 public:
  // directory: empty for no cache. Made where it is missing.
  ObjectCache(Options options, const ir::Module& module);

  // Null where there is no sound entry.
  std::unique_ptr<llvm::MemoryBuffer> find(std::uint32_t kernel, const Variant& variant) const;
  // Written beside and renamed, so that another process sees the whole entry or none.
  void store(std::uint32_t kernel, const Variant& variant, const llvm::MemoryBuffer& object) const;

 private:
  std::string path_of(std::uint32_t kernel, const Variant& variant) const;

  Options options_;
  std::string module_key_;  // hash of the module's text, the host and the generator's version
};

}  // namespace doppel::jit
