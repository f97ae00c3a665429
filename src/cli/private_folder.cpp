// SPDX-License-Identifier: Apache-2.0
#include "cli/private_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace doppel::cli {

namespace fs = std::filesystem;

Result<PrivateFolder> PrivateFolder::make() {
  std::error_code ignored;
  const fs::path base = fs::temp_directory_path(ignored);
  std::string name = ((base.empty() ? fs::path("/tmp") : base) / "doppel-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    return fail(Error::Kind::Io, fmt::format("cannot make a folder {}: {}", name, std::strerror(errno)));
  }
  PrivateFolder folder(name);
  // Held for as long as this process lives: by it, a process of the program tells that this one was killed.
  folder.lock_ = open((folder.path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (folder.lock_ < 0 || flock(folder.lock_, LOCK_EX) != 0) {
    return fail(Error::Kind::Io, fmt::format("cannot write in {}: {}", name, std::strerror(errno)));
  }
  return folder;
}

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  // Gone before the lock is: its processes that live on are left alone.
  if (!path_.empty()) fs::remove_all(path_, ignored);
  if (lock_ >= 0) close(lock_);
}

}  // namespace doppel::cli
