// SPDX-License-Identifier: Apache-2.0
#include "harness/message.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace doppel::harness {

namespace {

bool send_all(int socket, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* bytes, std::size_t size) {
  auto* at = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t got = ::recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

void Message::put(std::uint64_t number) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&number);
  content_.insert(content_.end(), bytes, bytes + sizeof number);
}

void Message::put(std::span<const std::byte> bytes) {
  put(std::uint64_t{bytes.size()});
  content_.insert(content_.end(), bytes.begin(), bytes.end());
}

void Message::put(std::string_view text) { put(std::as_bytes(std::span(text.data(), text.size()))); }

std::uint64_t Message::number() {
  std::uint64_t number = 0;
  if (content_.size() - at_ < sizeof number) return 0;
  std::memcpy(&number, content_.data() + at_, sizeof number);
  at_ += sizeof number;
  return number;
}

std::vector<std::byte> Message::bytes() {
  const std::uint64_t size = number();
  if (content_.size() - at_ < size) return {};
  const auto from = content_.begin() + static_cast<std::ptrdiff_t>(at_);
  at_ += size;
  return {from, from + static_cast<std::ptrdiff_t>(size)};
}

std::string Message::text() {
  const std::vector<std::byte> all = bytes();
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

bool Message::send(int socket) const {
  const std::uint64_t size = content_.size();
  return send_all(socket, &size, sizeof size) && send_all(socket, content_.data(), content_.size());
}

Message::Arrival Message::receive(int socket, int timeout_ms) {
  // A side that has begun to answer also ends its answer, or is gone.
  pollfd waiting{socket, POLLIN, 0};
  int ready = 0;
  while ((ready = poll(&waiting, 1, timeout_ms)) < 0 && errno == EINTR) {
  }
  if (ready == 0) return Arrival::TimedOut;
  std::uint64_t size = 0;
  if (!receive_all(socket, &size, sizeof size)) return Arrival::Gone;
  content_.resize(size);
  at_ = 0;
  return receive_all(socket, content_.data(), size) ? Arrival::Whole : Arrival::Gone;
}

}  // namespace doppel::harness
