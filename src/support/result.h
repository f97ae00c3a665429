// SPDX-License-Identifier: Apache-2.0
// Expected-style results for the edges between parts. Exceptions never cross a C API.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace doppel {

// What went wrong, in words a user can act on: names the thing (file, line, key, form, handle).
struct Error {
  enum class Kind {
    InvalidArgument,
    InvalidInput,  // malformed PTX, card file, module image
    NotSupported,  // well-formed, but this version refuses it by name
    NotFound,
    OutOfMemory,    // of the card or of the host; the message says which
    LimitExceeded,  // a launch or resource over the card's limits
    Io,
    Internal,
    // Of a running device; the driver has a code for each.
    InvalidHandle,       // freed, foreign or of another context
    InvalidContext,      // destroyed, or none is current
    NotReady,            // queries: work is still queued
    DeviceFault,         // the context is poisoned: Context::fault() tells why
    NotPermitted,        // not allowed in this state
    AlreadyDone,         // registered, enabled or mapped before
    NotEnabled,          // peer access, registration
    UnsupportedVersion,  // .version or .target newer than known
    CaptureUnsupported,  // not allowed while the stream captures
    CaptureInvalidated,
    CaptureMerge,      // would join two captures
    CaptureUnmatched,  // not the stream that began it
    CaptureUnjoined,   // a forked stream was not joined
    CaptureIsolation,  // depends on work outside of the capture
    CaptureImplicit,   // would make the legacy stream wait for a capture
    CaptureWrongThread,
    GraphUpdateFailed,
    CooperativeTooLarge,
    ClusterSize,  // a thread block cluster that the card cannot have
    NoDevice,
  };
  Kind kind = Kind::Internal;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error::Kind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace doppel
