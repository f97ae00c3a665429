// Expected-style results for the edges between parts. Exceptions never cross a C API.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace doppel {

// What went wrong, in words a user can act on: names the thing (file, line, key, form, handle).
struct Error {
  enum class Kind {
    InvalidArgument,
    InvalidInput,    // malformed PTX, card file, module image
    NotSupported,    // well-formed, but this version refuses it by name
    NotFound,
    OutOfMemory,     // of the card or of the host; the message says which
    LimitExceeded,   // a launch or resource over the card's limits
    Io,
    Internal,
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
