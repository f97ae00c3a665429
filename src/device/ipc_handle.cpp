// SPDX-License-Identifier: Apache-2.0
#include "device/ipc_handle.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "node/process_life.h"

namespace doppel::device {

IpcFile own_ipc_file(std::uint32_t magic, int descriptor, std::uint32_t serial) {
  return {magic, getpid(), node::start_of(getpid()), descriptor, serial};
}

bool is_of_this_process(const IpcFile& file) {
  return file.process == getpid() && file.started == node::start_of(getpid());
}

bool is_alive(const IpcFile& file) { return node::start_of(file.process) == file.started; }

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::uint64_t OpenFile::bytes() const {
  struct stat status{};
  return fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<OpenFile> open_ipc_file(const IpcFile& file, std::uint32_t magic,
                               std::optional<std::uint32_t> (*serial_of)(std::string_view link)) {
  if (file.magic != magic || file.process <= 0)
    return fail(Error::Kind::InvalidHandle, "this is no such handle of another process");
  const auto gone = [&](const char* why) {
    return fail(Error::Kind::InvalidHandle, fmt::format("a handle of process {}: {}", file.process, why));
  };
  if (!is_alive(file)) return gone("it has ended");
  const std::string path = fmt::format("/proc/{}/fd/{}", file.process, file.descriptor);
  OpenFile opened(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (opened.descriptor() < 0)
    return gone(errno == ENOENT ? "what it stands for is gone" : std::strerror(errno));
  // The name of what was opened, whatever has the number by now.
  std::array<char, 128> link{};
  const std::string own = fmt::format("/proc/self/fd/{}", opened.descriptor());
  const ssize_t length = readlink(own.c_str(), link.data(), link.size());
  if (serial_of({link.data(), static_cast<std::size_t>(std::max<ssize_t>(0, length))}) != file.serial)
    return gone("what it stands for is gone");
  return opened;
}

}  // namespace doppel::device
