// SPDX-License-Identifier: Apache-2.0
#include "device/shared_event.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <string>

#include "node/process_life.h"

namespace doppel::device {
namespace {

constexpr std::string_view kEventLinkPrefix = "/memfd:", kEventName = "doppel-event-";
// Records that are kept: who waits for an earlier one waits for nothing.
constexpr std::size_t kKept = 64;
// How long a wait is given, behind the end of the work, to learn its time: the other process may be far
// behind in virtual time.
constexpr std::chrono::seconds kMostForTime{5};
// How often who waits looks whether the other process lives.
constexpr long kTickNs = 5'000'000;

std::atomic<std::uint32_t> next_serial{1};

std::optional<std::uint32_t> serial_of(std::string_view link) {
  for (const std::string_view start : {kEventLinkPrefix, kEventName}) {
    if (!link.starts_with(start)) return std::nullopt;
    link.remove_prefix(start.size());
  }
  std::uint32_t serial = 0;
  const auto [rest, error] = std::from_chars(link.data(), link.data() + link.size(), serial);
  return error == std::errc{} && rest != link.data() ? std::optional(serial) : std::nullopt;
}

}  // namespace

// Every field is changed by one process at a time, and lock-free: one that is killed leaves nothing locked.
struct SharedEvent::Shared {
  std::atomic<std::uint64_t> latest{0};
  std::atomic<std::uint32_t> changes{0};  // for who waits
  struct Record {
    std::atomic<std::uint64_t> number{0};  // written last
    std::atomic<std::int32_t> process{0};
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> ran{0};  // the record's number, when it has
    // The same when `time` is valid, which is a double's bits.
    std::atomic<std::uint64_t> placed{0}, time{0};
  };
  std::array<Record, kKept> records;
  Record& record(std::uint64_t number) { return records[number % kKept]; }

  void changed() {
    changes.fetch_add(1, std::memory_order_acq_rel);
    syscall(SYS_futex, &changes, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
  }
};

Result<std::shared_ptr<SharedEvent>> SharedEvent::map(OpenFile file, const IpcEventHandle& handle) {
  if (file.bytes() < sizeof(Shared))
    return fail(Error::Kind::InvalidHandle, "a handle of an event of another version of Doppel");
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
  if (memory == MAP_FAILED)
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses memory for an event: {}", std::strerror(errno)));
  // A fresh file is zeros, which is what an event without records is.
  const int descriptor = dup(file.descriptor());
  return std::shared_ptr<SharedEvent>(new SharedEvent(static_cast<Shared*>(memory), descriptor, handle));
}

Result<std::shared_ptr<SharedEvent>> SharedEvent::create() {
  const std::uint32_t serial = next_serial++;
  const int descriptor =
      memfd_create((std::string(kEventName) + std::to_string(serial)).c_str(), MFD_CLOEXEC);
  if (descriptor < 0 || ftruncate(descriptor, sizeof(Shared)) != 0) {
    if (descriptor >= 0) close(descriptor);
    return fail(Error::Kind::OutOfMemory,
                fmt::format("the host refuses memory for an event: {}", std::strerror(errno)));
  }
  auto made = map(OpenFile(descriptor), {});
  // The descriptor that stays open is the one that others find.
  if (made) (*made)->handle_.file = own_ipc_file(IpcEventHandle::kMagic, (*made)->descriptor_, serial);
  return made;
}

Result<std::shared_ptr<SharedEvent>> SharedEvent::open(const IpcEventHandle& handle) {
  auto file = open_ipc_file(handle.file, IpcEventHandle::kMagic, serial_of);
  if (!file) return tl::unexpected(file.error());
  return map(std::move(*file), handle);
}

SharedEvent::~SharedEvent() {
  munmap(shared_, sizeof(Shared));
  close(descriptor_);
}

std::uint64_t SharedEvent::record() {
  const std::uint64_t number = shared_->latest.fetch_add(1, std::memory_order_acq_rel) + 1;
  Shared::Record& record = shared_->record(number);
  record.process.store(getpid(), std::memory_order_relaxed);
  record.started.store(node::start_of(getpid()), std::memory_order_relaxed);
  record.number.store(number, std::memory_order_release);
  return number;
}

void SharedEvent::ran(std::uint64_t record) {
  shared_->record(record).ran.store(record, std::memory_order_release);
  shared_->changed();
}

void SharedEvent::placed(std::uint64_t record, double time_us) {
  Shared::Record& entry = shared_->record(record);
  entry.time.store(std::bit_cast<std::uint64_t>(time_us), std::memory_order_relaxed);
  entry.placed.store(record, std::memory_order_release);
  shared_->changed();
}

std::uint64_t SharedEvent::latest() const { return shared_->latest.load(std::memory_order_acquire); }

bool SharedEvent::is_own(std::uint64_t record) const {
  const Shared::Record& entry = shared_->record(record);
  return entry.number.load(std::memory_order_acquire) == record && entry.process == getpid() &&
         entry.started == node::start_of(getpid());
}

SharedEvent::Outcome SharedEvent::outcome(std::uint64_t record) const {
  if (record == 0 || latest() - record >= kKept) return {true, 0};
  const Shared::Record& entry = shared_->record(record);
  Outcome outcome{entry.ran.load(std::memory_order_acquire) == record, std::nullopt};
  if (entry.placed.load(std::memory_order_acquire) == record)
    outcome.time_us = std::bit_cast<double>(entry.time.load(std::memory_order_relaxed));
  const bool known = entry.number.load(std::memory_order_acquire) == record;
  if (known && !outcome.time_us && node::start_of(entry.process) != entry.started) return {true, 0};
  return outcome;
}

SharedEvent::Outcome SharedEvent::wait(std::uint64_t record, const std::function<bool()>& given_up) const {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> most;
  while (true) {
    const std::uint32_t changes = shared_->changes.load(std::memory_order_acquire);
    const Outcome now = outcome(record);
    if ((now.ran && now.time_us) || given_up()) return now;
    // One that was killed before it could say that the record is its own has not run either, and never will.
    const bool unnamed = shared_->record(record).number.load(std::memory_order_acquire) < record;
    if (!now.ran && !unnamed) {
      most = std::nullopt;
    } else if (!most) {
      most = Clock::now() + kMostForTime;
    } else if (Clock::now() >= *most) {
      return {true, now.time_us};
    }
    const timespec tick{0, kTickNs};
    syscall(SYS_futex, &shared_->changes, FUTEX_WAIT, changes, &tick, nullptr, 0);
  }
}

}  // namespace doppel::device
