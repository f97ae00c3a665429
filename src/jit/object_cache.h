// SPDX-License-Identifier: Apache-2.0
// Compiled objects on disk, shared by processes and runs. An entry is found by a hash of everything that its
// content hangs on; a damaged entry counts as missing, and a cache that cannot be written only costs time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
}

namespace doppel::jit {

class ObjectCache {
 public:
  // directory: empty for no cache. Made where it is missing. Keeps the module.
  ObjectCache(Options options, std::shared_ptr<const analysis::AnalysedModule> module);

  // Null where there is no sound entry.
  std::unique_ptr<llvm::MemoryBuffer> find(std::uint32_t kernel, const Variant& variant) const;
  // Written beside and renamed, so that another process sees the whole entry or none.
  void store(std::uint32_t kernel, const Variant& variant, const llvm::MemoryBuffer& object) const;

 private:
  std::string path_of(std::uint32_t kernel, const Variant& variant) const;
  const std::string& key_of(std::uint32_t kernel) const;

  Options options_;
  std::shared_ptr<const analysis::AnalysedModule> module_;
  // Hashes, made when they are first needed: of what all kernels of the module share, of the host and of the
  // generator's version; and of a kernel with that and the functions that it can reach.
  mutable std::mutex mutex_;
  mutable std::string shared_key_;
  mutable std::map<std::uint32_t, std::string> keys_;
};

}  // namespace doppel::jit
