// SPDX-License-Identifier: Apache-2.0
#include "api/common/results.h"

#include <mutex>
#include <set>
#include <string>

#include "support/log.h"

namespace doppel::api {
namespace {

// What a user should see without asking: their program, or this version of Doppel, has to change for it.
bool is_for_the_user(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::InvalidInput:
    case Error::Kind::NotSupported:
    case Error::Kind::UnsupportedVersion:
    case Error::Kind::OutOfMemory:
    case Error::Kind::Io:
    case Error::Kind::Internal:
      return true;
    default:
      return false;
  }
}

}  // namespace

void log_error(const Error& error) {
  if (is_for_the_user(error.kind))
    log().error("{}", error.message);
  else if (error.kind != Error::Kind::NotReady)
    log().info("{}", error.message);
}

void log_refused(const char* function) {
  static std::mutex mutex;
  static std::set<std::string> named;
  const std::lock_guard lock(mutex);
  if (named.insert(function).second) log().error("{} is not supported yet", function);
}

}  // namespace doppel::api
