// SPDX-License-Identifier: Apache-2.0
// The memory itself: a file that processes of one user map, and the lock in it.
#pragma once

#include <filesystem>
#include <string>

#include "node/layout.h"
#include "support/result.h"

namespace doppel::node {

// The file of a node by its name: $XDG_RUNTIME_DIR/doppel-node-NAME, else /dev/shm/doppel-UID-NAME. A name
// with a slash is the file itself. Error InvalidArgument: of a name that cannot be one.
Result<std::filesystem::path> file_of(const std::string& name);

class SharedFile {
 public:
  // Makes the file where it is missing. Errors: UnsupportedVersion, where another layout lies there;
  // NotPermitted, where it belongs to another user or others may write it; OutOfMemory, where there is no
  // room for it; InvalidInput, where it is no node's; Io. All name the file.
  static Result<SharedFile> open(const std::filesystem::path& file);
  // Of this process alone.
  static Result<SharedFile> anonymous();
  ~SharedFile();
  SharedFile(SharedFile&& other) noexcept;
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  // Holds the lock. A holder that was killed leaves it to the next one.
  class Lock {
   public:
    ~Lock();
    Lock(Lock&& other) noexcept;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    Shared& operator*() const { return *shared_; }
    Shared* operator->() const { return shared_; }

   private:
    friend class SharedFile;
    explicit Lock(Shared* shared) : shared_(shared) {}
    Shared* shared_;
  };
  // NotReady where another process has held it for kMostForLockSeconds: one that was stopped, say.
  Result<Lock> lock() const;
  static constexpr int kMostForLockSeconds = 5;
  // For what is read by single atomic loads.
  Shared& unlocked() const { return *shared_; }

 private:
  explicit SharedFile(Shared* shared) : shared_(shared) {}
  Shared* shared_ = nullptr;
};

}  // namespace doppel::node
