// SPDX-License-Identifier: Apache-2.0
#include "device/node_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "card/ecc.h"
#include "node/ecc.h"
#include "node/process_life.h"
#include "support/log.h"

namespace doppel::device {

using node::wall_ns;

class NodeReport::Part : public memory::SharedPool {
 public:
  Part(std::shared_ptr<node::Node> node, int place) : node_(std::move(node)), place_(place) {}
  int place() const { return place_; }

  // Joins at the first need.
  node::Client* client() {
    std::call_once(joined_, [this] {
      auto client = node_->join(place_, wall_ns());
      if (client) {
        client_ = std::move(*client);
      } else {
        log().warn("{}: the node is not told of this process", client.error().message);
      }
    });
    return client_.get();
  }

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
  std::once_flag joined_;
  std::unique_ptr<node::Client> client_;
};

NodeReport::NodeReport(std::shared_ptr<node::Node> node) : node_(std::move(node)) {}
NodeReport::~NodeReport() = default;

namespace {

// As short as cards' files may say that it is.
constexpr double kAtOnceMs = 0.001;

void set(const node::CardState& state, card::Card& card) {
  card.power.limit_w = state.limit_w;
  if (state.locked_max_mhz > 0)
    card.clocks.sustained_mhz = std::min(card.clocks.sustained_mhz, state.locked_max_mhz);
}

Result<void> set_on_node(const std::shared_ptr<node::Node>& node, int place, const CardSettings& asked) {
  if (asked.power_limit_w) {
    if (auto set = node->set_power_limit(place, *asked.power_limit_w, wall_ns()); !set) return set;
  }
  if (!asked.ecc) return {};
  node::Ecc ecc(node, place);
  const auto state = ecc.state();
  if (!state) return tl::unexpected(state.error());
  if (state->on == *asked.ecc) return {};
  return ecc.set_mode(*asked.ecc).and_then([&] { return ecc.reset(wall_ns()); });
}

}  // namespace

Result<void> apply(const CardSettings& asked, card::Card& card) {
  if (asked.ecc && *asked.ecc != card.memory.ecc) {
    if (!card::has_ecc(card))
      return fail(Error::Kind::NotSupported,
                  fmt::format("{}: the card's file does not say what ECC takes", card.id));
    card.memory = card::memory_with_ecc(card, *asked.ecc);
  }
  if (!asked.power_limit_w) return {};
  const double least = card.management.min_limit_w, most = card.power.max_limit_w;
  if (least <= 0)
    return fail(Error::Kind::NotSupported,
                fmt::format("{}: the card's file does not say which power limits may be set", card.id));
  if (!(*asked.power_limit_w >= least && *asked.power_limit_w <= most))
    return fail(Error::Kind::InvalidArgument, fmt::format("a power limit of {} W: {} takes {} to {} W",
                                                          *asked.power_limit_w, card.id, least, most));
  card.power.limit_w = *asked.power_limit_w;
  card.power.limiter_ms = kAtOnceMs;
  return {};
}

Result<std::unique_ptr<NodeReport>> NodeReport::create(const std::string& name,
                                                       std::vector<card::Card>& cards,
                                                       const CardSettings& asked) {
  auto node = node::Node::open(name);
  if (!node) return tl::unexpected(node.error());
  std::unique_ptr<NodeReport> report(new NodeReport(*node));
  const auto places = (*node)->cards(cards, wall_ns());
  if (!places) return tl::unexpected(places.error());
  for (std::size_t i = 0; i < cards.size(); ++i) {
    report->parts_.push_back(std::make_unique<Part>(*node, (*places)[i]));
    report->sustained_mhz_.push_back(cards[i].clocks.sustained_mhz);
    if (auto done = set_on_node(*node, (*places)[i], asked); !done) return tl::unexpected(done.error());
    const auto state = (*node)->state((*places)[i], wall_ns());
    if (!state) return tl::unexpected(state.error());
    cards[i].memory = card::memory_with_ecc(cards[i], state->ecc);
    set(*state, cards[i]);
    if (asked.power_limit_w) cards[i].power.limiter_ms = kAtOnceMs;
  }
  return report;
}

bool NodeReport::apply_settings(int ordinal, card::Card& card) const {
  const auto state = node_->state(place(ordinal), wall_ns());
  if (!state) return false;
  // Clocks that were locked at the start may be free now.
  card.clocks.sustained_mhz = sustained_mhz_[static_cast<std::size_t>(ordinal)];
  set(*state, card);
  return true;
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

void NodeReport::uses(int ordinal) { (void)client(ordinal); }

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
  if (auto told = node_->tell_event(place(ordinal), kXidEvent, xid); !told)
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
