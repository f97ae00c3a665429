// SPDX-License-Identifier: Apache-2.0
#include "node/shared_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace doppel::node {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ < 0) return;
    flock(number_, LOCK_UN);  // a mapping keeps the open file, and its lock, beyond the descriptor
    close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return number_; }

 private:
  int number_;
};

Result<Shared*> map(int file, int flags) {
  void* const at = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, flags, file, 0);
  if (at == MAP_FAILED)
    return fail(Error::Kind::OutOfMemory,
                fmt::format("a node's memory cannot be mapped: {}", std::strerror(errno)));
  return static_cast<Shared*>(at);
}

// The memory is all zeros.
void initialise(Shared& shared) {
  new (&shared) Shared;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared.mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  shared.layout = kLayout;
  shared.bytes = sizeof(Shared);
  // Whoever finds it finds the rest.
  std::atomic_ref(shared.magic).store(kMagic, std::memory_order_release);
}

// Where it lies before the lengths of versions are compared.
struct Head {
  std::uint64_t magic;
  std::uint32_t layout;
  std::uint32_t padding;
  std::uint64_t bytes;
};

}  // namespace

Result<std::filesystem::path> file_of(const std::string& name) {
  if (name.find('/') != std::string::npos) return std::filesystem::path(name);
  if (name.empty() || name == "." || name == ".." || name.ends_with(".toml"))
    return fail(Error::Kind::InvalidArgument,
                fmt::format("DOPPEL_NODE={}: expected a name, or a path with '/'", name));
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder != nullptr && *folder == '/') return std::filesystem::path(folder) / ("doppel-node-" + name);
  return std::filesystem::path("/dev/shm") / fmt::format("doppel-{}-{}", geteuid(), name);
}

Result<SharedFile> SharedFile::open(const std::filesystem::path& path) {
  constexpr mode_t kOwner = S_IRUSR | S_IWUSR;
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kOwner));
  const auto failed = [&](Error::Kind kind, const char* what) {
    return fail(kind, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
  };
  if (*file < 0) {
    const bool foreign = errno == EACCES || errno == EPERM || errno == ELOOP;
    return failed(foreign ? Error::Kind::NotPermitted : Error::Kind::Io, "this node cannot be opened");
  }
  // For as long as it may be half made: also by one that was killed in the middle.
  if (flock(*file, LOCK_EX) != 0) return failed(Error::Kind::Io, "it cannot be locked");
  struct stat status{};
  if (fstat(*file, &status) != 0) return failed(Error::Kind::Io, "it cannot be read");
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(
        Error::Kind::NotPermitted,
        fmt::format("{} is another user's, or others may write it: name another node", path.string()));
  }
  Head head{};
  const bool has_head = pread(*file, &head, sizeof head, 0) == static_cast<ssize_t>(sizeof head);
  if (has_head && head.magic == kMagic) {
    if (head.layout != kLayout || head.bytes != sizeof(Shared) ||
        status.st_size < static_cast<off_t>(sizeof(Shared))) {
      return fail(
          Error::Kind::UnsupportedVersion,
          fmt::format("{} is a node of layout {} with {} bytes, where this Doppel has layout {} with {}: end "
                      "the processes of the other version and remove the file, or name another node",
                      path.string(), head.layout, head.bytes, kLayout, sizeof(Shared)));
    }
  } else if (status.st_size != 0 && (!has_head || head.magic != 0)) {
    return fail(Error::Kind::InvalidInput, fmt::format("{} is no node's file", path.string()));
  }
  const bool fresh = !has_head || head.magic == 0;
  if (fresh) {
    // All of it now: what is missing later would be a bus error.
    if (const int error = posix_fallocate(*file, 0, sizeof(Shared)); error != 0) {
      if (ftruncate(*file, 0) != 0) return failed(Error::Kind::Io, "it cannot be emptied");
      return fail(error == ENOSPC || error == EFBIG ? Error::Kind::OutOfMemory : Error::Kind::Io,
                  fmt::format("{}: there is no room for {} bytes: {}", path.string(), sizeof(Shared),
                              std::strerror(error)));
    }
  }
  auto shared = map(*file, MAP_SHARED);
  if (!shared) return tl::unexpected(shared.error());
  if (fresh) initialise(**shared);
  return SharedFile(*shared);
}

Result<SharedFile> SharedFile::anonymous() {
  auto shared = map(-1, MAP_SHARED | MAP_ANONYMOUS);
  if (!shared) return tl::unexpected(shared.error());
  initialise(**shared);
  return SharedFile(*shared);
}

SharedFile::SharedFile(SharedFile&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
SharedFile::~SharedFile() {
  if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
}

Result<SharedFile::Lock> SharedFile::lock() const {
  int result = pthread_mutex_trylock(&shared_->mutex);
  if (result == EBUSY) {
    // By the wall's time of day, as pthread_mutex_timedlock takes it; the C library's may show virtual time.
    timespec until{};
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &until);
    until.tv_sec += kMostForLockSeconds;
    result = pthread_mutex_timedlock(&shared_->mutex, &until);
  }
  // Its holder was killed. What it may have left half done is a number of one entry: nothing rests on two
  // that must agree (layout.h), and its own entries go when it is found dead.
  if (result == EOWNERDEAD) result = pthread_mutex_consistent(&shared_->mutex);
  if (result == ETIMEDOUT)
    return fail(Error::Kind::NotReady, "another process holds the node's lock and does not go on");
  if (result != 0)
    return fail(Error::Kind::Internal,
                fmt::format("the node's lock cannot be taken: {}", std::strerror(result)));
  return Lock(shared_);
}

SharedFile::Lock::Lock(Lock&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
SharedFile::Lock::~Lock() {
  if (shared_ != nullptr) pthread_mutex_unlock(&shared_->mutex);
}

}  // namespace doppel::node
