// SPDX-License-Identifier: Apache-2.0
#include "driver/refusals.h"

#include <fmt/format.h>

#include <string>

#include "device/device.h"
#include "device/run_recorder.h"
#include "driver/call.h"
#include "driver/objects.h"
#include "driver/process.h"
#include "support/demangle.h"

namespace doppel::driver {
namespace {

// In one line.
std::string joined(const std::string& message) {
  std::string text;
  for (const char c : message) text += c == '\n' ? std::string("; ") : std::string(1, c);
  return text;
}

void note(const char* kind, const std::string& text) {
  if (driver_state() != CUDA_SUCCESS) return;
  const auto context = current_context();
  platform().recorder().diagnostic(context ? (*context)->device().ordinal() : 0, kind, text);
}

void note_kernel(const char* kind, std::string_view kernel, const Error& error) {
  note(kind, fmt::format("{}: {}", demangled(std::string(kernel)), joined(error.message)));
}

// Not the launch itself: an earlier one failed, or a stream is being captured.
bool is_of_the_launch(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::InvalidArgument:
    case Error::Kind::InvalidInput:
    case Error::Kind::NotSupported:
    case Error::Kind::NotFound:
    case Error::Kind::OutOfMemory:
    case Error::Kind::LimitExceeded:
    case Error::Kind::InvalidHandle:
    case Error::Kind::UnsupportedVersion:
    case Error::Kind::CooperativeTooLarge:
    case Error::Kind::ClusterSize:
    case Error::Kind::Internal:
      return true;
    default:
      return false;
  }
}

}  // namespace

void note_refused_launch(std::string_view kernel, const Error& error) {
  if (is_of_the_launch(error.kind)) note_kernel("refused launch", kernel, error);
}

void note_refused_kernel(std::string_view kernel, const Error& error) {
  // A name that is not there is a question, as programs ask it of several modules.
  if (error.kind == Error::Kind::InvalidInput || error.kind == Error::Kind::NotSupported)
    note_kernel("refused kernel", kernel, error);
}

void note_refused_module(const Error& error) { note("refused module", joined(error.message)); }

void note_refused_call(std::string_view function) {
  note("refused call", fmt::format("{} is not supported yet", function));
}

}  // namespace doppel::driver
