// SPDX-License-Identifier: Apache-2.0
// What the classes of this folder throw.
#pragma once

#include <stdexcept>
#include <string>

namespace doppel {

class Failure : public std::runtime_error {
 public:
  enum class Kind {
    InvalidArgument,  // a number out of its range, a launch that the card cannot take
    InvalidInput,     // PTX or a card's file that is malformed
    NotFound,         // a card, a kernel, a key
    NotSupported,     // a form that Doppel does not implement: its name and line are in the text
    OutOfMemory,      // the card's, or this machine's
    Fault,            // the kernel ended early: an illegal address, a trap, an assertion
    Other,
  };
  Failure(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace doppel
