// SPDX-License-Identifier: Apache-2.0
// An event of several processes: what each has recorded of it, in memory that they share.
//
// Who waits for it waits for the record that is the latest then, whichever process made it: until it has run
// there, and until its place on that process's virtual timeline is known. Each process has a timeline of its
// own; who waits goes on no earlier than the record's time on the other one. A process that ends takes its
// work with it: what it recorded counts as done.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "device/ipc_handle.h"
#include "support/result.h"

namespace doppel::device {

class SharedEvent {
 public:
  // OutOfMemory: the host refuses.
  static Result<std::shared_ptr<SharedEvent>> create();
  // Errors as of open_ipc_file().
  static Result<std::shared_ptr<SharedEvent>> open(const IpcEventHandle& handle);
  ~SharedEvent();
  SharedEvent(const SharedEvent&) = delete;
  SharedEvent& operator=(const SharedEvent&) = delete;

  // The same in every process that opened it.
  const IpcEventHandle& handle() const { return handle_; }

  // A record by this process: its number. Then that it has run, and when on the virtual timeline.
  std::uint64_t record();
  void ran(std::uint64_t record);
  void placed(std::uint64_t record, double time_us);

  std::uint64_t latest() const;             // number of a record; 0: none yet
  bool is_own(std::uint64_t record) const;  // of this process
  struct Outcome {
    bool ran = false;
    std::optional<double> time_us;  // nothing: not known, or never
  };
  // Of records that are too far back, and of processes that have ended: that they ran.
  Outcome outcome(std::uint64_t record) const;
  // Until it has run and its time is known, for which a while behind its end is given, or until given_up().
  Outcome wait(std::uint64_t record, const std::function<bool()>& given_up) const;

 private:
  struct Shared;
  SharedEvent(Shared* shared, int descriptor, const IpcEventHandle& handle)
      : shared_(shared), descriptor_(descriptor), handle_(handle) {}
  static Result<std::shared_ptr<SharedEvent>> map(OpenFile file, const IpcEventHandle& handle);
  Shared* shared_;
  int descriptor_;
  IpcEventHandle handle_;
};

}  // namespace doppel::device
