// SPDX-License-Identifier: Apache-2.0
// Begin and end of a capture, and what other calls may do meanwhile.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "device/capture.h"
#include "device/stream.h"

namespace doppel::device {
namespace {

struct Captures {
  std::mutex mutex;
  std::uint64_t next = 1;
  std::map<std::uint64_t, std::weak_ptr<void>> all;
};

Captures& captures() {
  static auto* const made = new Captures;  // streams may outlive static objects
  return *made;
}

thread_local CaptureMode thread_mode = CaptureMode::Global;

}  // namespace

std::shared_ptr<Stream::Capture> Stream::find_capture(std::uint64_t id) {
  const std::lock_guard lock(captures().mutex);
  const auto found = captures().all.find(id);
  return found == captures().all.end() ? nullptr : std::static_pointer_cast<Capture>(found->second.lock());
}

CaptureMode Stream::exchange_thread_capture_mode(CaptureMode mode) {
  return std::exchange(thread_mode, mode);
}

Result<void> Stream::check_unsafe_call() {
  if (thread_mode == CaptureMode::Relaxed) return {};
  const std::lock_guard lock(captures().mutex);
  std::erase_if(captures().all, [](const auto& each) { return each.second.expired(); });
  for (const auto& [id, weak] : captures().all) {
    const auto capture = std::static_pointer_cast<Capture>(weak.lock());
    if (capture == nullptr || capture->mode == CaptureMode::Relaxed) continue;
    const bool own = pthread_equal(capture->thread, pthread_self()) != 0;
    if (!own && (capture->mode == CaptureMode::ThreadLocal || thread_mode == CaptureMode::ThreadLocal))
      continue;
    capture->invalidated = true;
    return fail(Error::Kind::CaptureUnsupported, "the call is not allowed while a stream is being captured");
  }
  return {};
}

CaptureStatus Stream::capture_status() const {
  const std::lock_guard lock(mutex_);
  if (capture_ == nullptr) return CaptureStatus::None;
  return capture_->invalidated ? CaptureStatus::Invalidated : CaptureStatus::Active;
}

Result<void> Stream::invalidate_capture(std::string reason, Error::Kind kind) {
  const std::lock_guard lock(mutex_);
  if (capture_ != nullptr) capture_->invalidated = true;
  return fail(kind, std::move(reason));
}

Result<void> Stream::begin_capture(CaptureMode mode, std::shared_ptr<Graph> into,
                                   std::vector<NodeId> dependencies) {
  if (auto good = context_->check(); !good) return good;
  if (kind_ == StreamKind::Legacy)
    return fail(Error::Kind::CaptureUnsupported, "the default stream cannot be captured");
  const std::lock_guard lock(mutex_);
  if (capture_ != nullptr) return fail(Error::Kind::NotPermitted, "the stream is being captured already");
  auto capture = std::make_shared<Capture>();
  capture->graph = into != nullptr ? std::move(into) : std::make_shared<Graph>();
  capture->mode = mode;
  capture->thread = pthread_self();
  capture->streams.push_back(weak_from_this());
  {
    const std::lock_guard all_lock(captures().mutex);
    capture->id = captures().next++;
    captures().all[capture->id] = capture;
  }
  capture_ = std::move(capture);
  capture_tail_ = std::move(dependencies);
  capture_origin_ = true;
  return {};
}

Result<std::shared_ptr<Graph>> Stream::end_capture() {
  std::shared_ptr<Capture> capture;
  std::vector<NodeId> own_tail;
  {
    const std::lock_guard lock(mutex_);
    if (capture_ == nullptr) return fail(Error::Kind::NotPermitted, "the stream is not being captured");
    if (!capture_origin_) return fail(Error::Kind::CaptureUnmatched, "another stream began the capture");
    if (capture_->mode != CaptureMode::Relaxed && pthread_equal(capture_->thread, pthread_self()) == 0) {
      return fail(Error::Kind::CaptureWrongThread, "another thread began the capture");
    }
    capture = std::move(capture_);
    own_tail = std::move(capture_tail_);
    capture_ = nullptr;
    capture_tail_.clear();
    capture_origin_ = false;
  }
  {
    const std::lock_guard lock(captures().mutex);
    captures().all.erase(capture->id);
  }
  // All that the origin's last nodes depend on, them included.
  std::set<NodeId> joined(own_tail.begin(), own_tail.end());
  std::vector<NodeId> open(own_tail);
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    const auto node = capture->graph->node(id);
    if (!node) continue;
    for (const NodeId before : node->dependencies) {
      if (joined.insert(before).second) open.push_back(before);
    }
  }
  bool unjoined = false;
  for (const auto& weak : capture->streams) {
    const auto stream = weak.lock();
    if (stream == nullptr || stream.get() == this) continue;
    const std::lock_guard lock(stream->mutex_);
    if (stream->capture_ != capture) continue;
    unjoined = unjoined || std::any_of(stream->capture_tail_.begin(), stream->capture_tail_.end(),
                                       [&](NodeId id) { return !joined.contains(id); });
    stream->capture_ = nullptr;
    stream->capture_tail_.clear();
  }
  if (capture->invalidated)
    return fail(Error::Kind::CaptureInvalidated, "the capture was invalidated by an earlier call");
  if (unjoined)
    return fail(Error::Kind::CaptureUnjoined, "a stream that was forked from the capture was not joined");
  return capture->graph;
}

std::optional<Stream::CaptureInfo> Stream::capture_info() const {
  const std::lock_guard lock(mutex_);
  if (capture_ == nullptr) return std::nullopt;
  return CaptureInfo{capture_->id, capture_->graph, capture_tail_};
}

Result<void> Stream::set_capture_dependencies(std::vector<NodeId> dependencies, bool add) {
  const std::lock_guard lock(mutex_);
  if (capture_ == nullptr) return fail(Error::Kind::NotPermitted, "the stream is not being captured");
  if (!add) capture_tail_.clear();
  for (const NodeId node : dependencies) {
    if (std::find(capture_tail_.begin(), capture_tail_.end(), node) == capture_tail_.end())
      capture_tail_.push_back(node);
  }
  return {};
}

}  // namespace doppel::device
