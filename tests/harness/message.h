// SPDX-License-Identifier: Apache-2.0
// Messages between two processes of one host: numbers and byte strings, read in the order they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace doppel::harness {

class Message {
 public:
  void put(std::uint64_t number);
  template <class Enum>
    requires std::is_enum_v<Enum>
  void put(Enum value) {
    put(static_cast<std::uint64_t>(value));
  }
  void put(std::span<const std::byte> bytes);
  void put(std::string_view text);

  // Zero and empty behind the end: the two sides are of one program, so no message is malformed.
  std::uint64_t number();
  std::vector<std::byte> bytes();
  std::string text();

  // False where the other side is gone.
  bool send(int socket) const;

  enum class Arrival { Whole, Gone, TimedOut };
  // Waits as long as it takes where timeout_ms is negative.
  Arrival receive(int socket, int timeout_ms);

 private:
  std::vector<std::byte> content_;
  std::size_t at_ = 0;
};

}  // namespace doppel::harness
