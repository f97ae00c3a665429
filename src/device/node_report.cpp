// SPDX-License-Identifier: Apache-2.0
#include "device/node_report.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "node/process_life.h"
#include "support/log.h"

namespace doppel::device {

using node::wall_ns;

class NodeReport::Part : public memory::SharedPool {
 public:
  Part(std::shared_ptr<node::Node> node, int place, node::Instance instance)
      : node_(std::move(node)), place_(place), instance_(instance) {}
  int place() const { return place_; }
  node::Instance instance() const { return instance_; }

  // Joins at the first need.
  node::Client* client() {
    std::call_once(joined_, [this] {
      auto client = node_->join(place_, wall_ns(), instance_);
      if (client) {
        client_ = std::move(*client);
        return;
      }
      using Kind = Error::Kind;
      const Error& error = client.error();
      if (error.kind == Kind::NotFound || error.kind == Kind::NotPermitted)
        gone_ = Error{Kind::NoDevice, error.message};
      else
        log().warn("{}: the node is not told of this process", error.message);
    });
    return client_.get();
  }
  // Why it cannot be used any more, where that is so.
  const std::optional<Error>& gone() const { return gone_; }

  bool take(std::uint64_t bytes, std::uint64_t& free_bytes) override {
    node::Client* const joined = client();
    return joined == nullptr || joined->take(bytes, free_bytes, wall_ns());
  }
  void give_back(std::uint64_t bytes) override {
    if (client_ != nullptr) client_->give_back(bytes, wall_ns());
  }
  std::uint64_t taken_by_others() override {
    node::Client* const joined = client();
    return joined != nullptr ? joined->taken_by_others(wall_ns()) : 0;
  }

 private:
  std::shared_ptr<node::Node> node_;
  int place_;
  node::Instance instance_;
  std::once_flag joined_;
  std::optional<Error> gone_;
  std::unique_ptr<node::Client> client_;
};

NodeReport::NodeReport(const std::shared_ptr<node::Node>& node, const std::vector<ListedDevice>& devices)
    : node_(node) {
  for (const ListedDevice& each : devices)
    parts_.push_back(std::make_unique<Part>(node, each.identity.place, each.identity.instance));
}
NodeReport::~NodeReport() = default;

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

Result<void> NodeReport::uses(int ordinal) {
  (void)client(ordinal);
  const std::optional<Error>& gone = parts_[static_cast<std::size_t>(ordinal)]->gone();
  return gone ? Result<void>(tl::unexpected(*gone)) : Result<void>();
}

double NodeReport::wanted_by_others(int ordinal) {
  node::Client* const joined = client(ordinal);
  return joined != nullptr ? joined->wanted_by_others(wall_ns()) : 0;
}

void NodeReport::ran(int ordinal, const node::Work& work) {
  if (node::Client* joined = client(ordinal)) joined->ran(work, wall_ns());
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
