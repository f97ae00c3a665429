// SPDX-License-Identifier: Apache-2.0
#include "nvml/machine.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "card/load_card.h"
#include "card/uuid.h"
#include "node/process_life.h"
#include "nvml/nvml_api.h"
#include "support/driver_version.h"

// A handle is the address of one of these. The same card has the same one, also after a shutdown.
struct nvmlDevice_st {};

namespace doppel::nvml {
namespace {

std::array<nvmlDevice_st, node::kMostCards> handles;

struct Use {
  std::mutex mutex;
  int count = 0;
  std::shared_ptr<const Machine> machine;
};
// Never destroyed: libraries still call while the process ends.
Use& use() {
  static auto* const made = new Use;
  return *made;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<std::string> names_of_cards() {
  std::string text = variable("DOPPEL_CARDS");
  if (text.empty()) text = variable("DOPPEL_CARD");
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (comma != 0) names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  if (names.empty()) names.emplace_back("rtx-a6000");
  return names;
}

std::string text_of(const std::array<std::uint8_t, 16>& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    text += fmt::format("{:02x}", uuid[i]);
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

}  // namespace

Card::Card(std::shared_ptr<node::Node> node, int number, int nth, card::Card card)
    : node_(std::move(node)),
      number_(number),
      nth_(nth),
      card_(std::move(card)),
      uuid_(text_of(card::device_uuid(card_, number))),
      bus_id_(fmt::format("{:08X}:{:02X}:00.0", 0, bus())) {}

Result<node::CardState> Card::state() const { return node_->state(number_, node::wall_ns()); }
nvmlDevice_t Card::handle() const { return &handles[static_cast<std::size_t>(number_)]; }

Result<std::shared_ptr<const Machine>> Machine::open() {
  auto made = std::make_shared<Machine>();
  const std::string version = variable("DOPPEL_DRIVER_VERSION");
  const auto known = version.empty() ? kNewestDriverVersion : parse_driver_version(version);
  if (!known) {
    return fail(
        Error::Kind::InvalidArgument,
        fmt::format("DOPPEL_DRIVER_VERSION={}: expected a version of CUDA from 11.0 to 13.5", version));
  }
  made->cuda_version_ = *known;
  std::string name = variable("DOPPEL_NODE");
  if (name == "off") name.clear();
  auto node = node::Node::open(name);
  if (!node) return tl::unexpected(node.error());
  std::map<std::string, card::Card> read;  // by reference
  const auto find = [&](const std::string& reference) -> Result<card::Card> {
    if (const auto found = read.find(reference); found != read.end()) return found->second;
    auto card = card::find_card(reference);
    if (card) read.emplace(reference, *card);
    return card;
  };
  std::vector<card::Card> own;
  for (const std::string& each : names_of_cards()) {
    auto card = find(each);
    if (!card) return tl::unexpected(card.error());
    own.push_back(std::move(*card));
  }
  if (const auto there = (*node)->cards(own, node::wall_ns()); !there) return tl::unexpected(there.error());
  const auto count = (*node)->card_count();
  if (!count) return tl::unexpected(count.error());
  std::map<std::string, int> seen;
  for (int number = 0; number < *count; ++number) {
    auto card = (*node)->reference(number).and_then(find);
    if (!card) return tl::unexpected(card.error());
    const int nth = seen[card->id]++;
    made->cards_.emplace_back(*node, number, nth, std::move(*card));
  }
  return made;
}

const Card* Machine::card(nvmlDevice_t handle) const {
  for (const Card& each : cards_) {
    if (each.handle() == handle) return &each;
  }
  return nullptr;
}

const Card* Machine::joined(const Card& card) const {
  if (card.card().nvlink.links == 0) return nullptr;
  for (const Card& each : cards_) {
    if (each.card().id == card.card().id && each.nth() == (card.nth() ^ 1)) return &each;
  }
  return nullptr;
}

std::shared_ptr<const Machine> machine() {
  const std::lock_guard lock(use().mutex);
  return use().machine;
}

nvmlReturn_t begin_use() {
  const std::lock_guard lock(use().mutex);
  if (use().count == 0) {
    auto opened = Machine::open();
    if (!opened) return api::to_result<NvmlApi>(opened.error());
    use().machine = std::move(*opened);
  }
  ++use().count;
  return NVML_SUCCESS;
}

nvmlReturn_t end_use() {
  const std::lock_guard lock(use().mutex);
  if (use().count == 0) return NVML_ERROR_UNINITIALIZED;
  if (--use().count == 0) use().machine = nullptr;
  return NVML_SUCCESS;
}

}  // namespace doppel::nvml
