// SPDX-License-Identifier: Apache-2.0
// A folder of this process alone, gone with its owner.
#pragma once

#include <filesystem>

#include "support/result.h"

namespace doppel::cli {

class PrivateFolder {
 public:
  static Result<PrivateFolder> make();
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace doppel::cli
