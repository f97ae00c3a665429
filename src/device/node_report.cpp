// SPDX-License-Identifier: Apache-2.0
#include "device/node_report.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "node/ecc.h"
#include "node/process_life.h"
#include "support/log.h"

namespace doppel::device {

using node::wall_ns;

class NodeReport::Part : public memory::SharedPool {
 public:
  Part(std::shared_ptr<node::Node> node, const ListedDevice& device)
      : node_(std::move(node)),
        place_(device.identity.place),
        instance_(device.identity.instance),
        source_(device.source) {}
  int place() const { return place_; }
  const DeviceSource& source() const { return source_; }
  node::Instance instance() const { return instance_; }

  // Joins at the first need.
  node::Client* client() {
    if (node::Client* const joined = joined_.load(std::memory_order_acquire)) return joined;
    const std::lock_guard lock(mutex_);
    if (!tried_) join();
    return client_.get();
  }
  // Joins, if it has not yet. NoDevice: the device is there no more (MIG). NotPermitted: the card's compute
  // mode does not let this process use it, which may be otherwise the next time.
  Result<void> use() {
    const std::lock_guard lock(mutex_);
    if (client_ == nullptr && (!tried_ || (refused_ && refused_->kind == Error::Kind::NotPermitted))) join();
    return refused_ ? Result<void>(tl::unexpected(*refused_)) : Result<void>();
  }

  bool take(std::uint64_t bytes, std::uint64_t& free_bytes) override {
    node::Client* const joined = client();
    return joined == nullptr || joined->take(bytes, free_bytes, wall_ns());
  }
  void give_back(std::uint64_t bytes) override {
    if (node::Client* const joined = joined_.load(std::memory_order_acquire))
      joined->give_back(bytes, wall_ns());
  }
  std::uint64_t taken_by_others() override {
    node::Client* const joined = client();
    return joined != nullptr ? joined->taken_by_others(wall_ns()) : 0;
  }

 private:
  std::shared_ptr<node::Node> node_;
  int place_;
  node::Instance instance_;
  DeviceSource source_;
  void join() {
    tried_ = true;
    refused_.reset();
    auto client = node_->join(place_, wall_ns(), instance_);
    if (client) {
      client_ = std::move(*client);
      joined_.store(client_.get(), std::memory_order_release);
      return;
    }
    using Kind = Error::Kind;
    const Error& error = client.error();
    if (error.kind == Kind::NotFound || error.kind == Kind::NotPermitted) {
      const auto state = node_->state(place_, wall_ns());
      const bool by_mode =
          state && error.kind == Kind::NotPermitted && state->compute_mode != node::ComputeMode::Default;
      refused_ = Error{by_mode ? Kind::NotPermitted : Kind::NoDevice, error.message};
    } else {
      log().warn("{}: the node is not told of this process", error.message);
    }
  }

  std::mutex mutex_;
  bool tried_ = false;
  std::optional<Error> refused_;  // why it cannot be used, where that is so
  std::unique_ptr<node::Client> client_;
  std::atomic<node::Client*> joined_ = nullptr;
};

NodeReport::NodeReport(const std::shared_ptr<node::Node>& node, const std::vector<ListedDevice>& devices)
    : node_(node) {
  for (const ListedDevice& each : devices) parts_.push_back(std::make_unique<Part>(node, each));
}
NodeReport::~NodeReport() = default;

std::optional<card::Card> NodeReport::card_now(int ordinal) const {
  const auto state = node_->state(place(ordinal), wall_ns());
  if (!state) return std::nullopt;
  return parts_[static_cast<std::size_t>(ordinal)]->source().as_set(*state);
}

int NodeReport::place(int ordinal) const { return parts_[static_cast<std::size_t>(ordinal)]->place(); }
memory::SharedPool* NodeReport::pool(int ordinal) { return parts_[static_cast<std::size_t>(ordinal)].get(); }
node::Client* NodeReport::client(int ordinal) { return parts_[static_cast<std::size_t>(ordinal)]->client(); }

Result<void> NodeReport::join_by_nvlink(int one, int other) {
  return node_->join_by_nvlink(place(one), place(other));
}

std::optional<int> NodeReport::nvlink_peer(int ordinal) const {
  const auto peer = node_->nvlink_peer(place(ordinal));
  if (!peer || !*peer) return std::nullopt;
  const auto found = std::ranges::find(parts_, **peer, &Part::place);
  return found != parts_.end() ? std::optional(static_cast<int>(found - parts_.begin())) : std::nullopt;
}

Result<void> NodeReport::uses(int ordinal) { return parts_[static_cast<std::size_t>(ordinal)]->use(); }

double NodeReport::wanted_by_others(int ordinal) {
  node::Client* const joined = client(ordinal);
  return joined != nullptr ? joined->wanted_by_others(wall_ns()) : 0;
}

void NodeReport::ran(int ordinal, const node::Work& work) {
  if (node::Client* joined = client(ordinal)) joined->ran(work, wall_ns());
}

std::uint64_t NodeReport::planted_errors(int ordinal) const {
  return node::Ecc(node_, place(ordinal)).planted();
}
std::vector<node::ErrorEntry> NodeReport::take_errors(int ordinal, std::uint64_t launches) {
  return node::Ecc(node_, place(ordinal)).take(getpid(), launches, wall_ns());
}
bool NodeReport::errors_wait(int ordinal) const {
  return node::Ecc(node_, place(ordinal)).waits_for_launch(getpid());
}
void NodeReport::tell_error(int ordinal, std::uint64_t number, node::ErrorFate fate, std::uint64_t address) {
  node::Ecc(node_, place(ordinal)).tell(number, fate, address, wall_ns());
}

void NodeReport::faulted(int ordinal, std::uint64_t xid) {
  constexpr std::uint64_t kXidEvent = 8;  // nvmlEventTypeXidCriticalError
  const Part& part = *parts_[static_cast<std::size_t>(ordinal)];
  if (auto told = node_->tell_event(part.place(), kXidEvent, xid, part.instance()); !told)
    log().warn("{}", told.error().message);
}

NodeReport::Running::Running(NodeReport* report, int ordinal) : report_(report), ordinal_(ordinal) {
  if (report_ == nullptr) return;
  if (node::Client* joined = report_->client(ordinal_)) joined->begins(wall_ns());
}

NodeReport::Running::~Running() {
  if (report_ == nullptr) return;
  if (node::Client* joined = report_->client(ordinal_)) joined->ends(wall_ns());
}

}  // namespace doppel::device
