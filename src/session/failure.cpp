// SPDX-License-Identifier: Apache-2.0
#include "session/failure.h"

namespace doppel::session {
namespace {

Failure::Kind kind_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::InvalidArgument:
    case Error::Kind::LimitExceeded:
    case Error::Kind::InvalidHandle:
      return Failure::Kind::InvalidArgument;
    case Error::Kind::InvalidInput:
      return Failure::Kind::InvalidInput;
    case Error::Kind::NotSupported:
    case Error::Kind::UnsupportedVersion:
      return Failure::Kind::NotSupported;
    case Error::Kind::NotFound:
      return Failure::Kind::NotFound;
    case Error::Kind::OutOfMemory:
      return Failure::Kind::OutOfMemory;
    default:
      return Failure::Kind::Other;
  }
}

}  // namespace

void raise(const Error& error) { throw Failure(kind_of(error.kind), error.message); }

}  // namespace doppel::session
