// SPDX-License-Identifier: Apache-2.0
#include "nvml/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "card/load_card.h"
#include "card/uuid.h"
#include "node/open_node.h"
#include "node/process_life.h"
#include "nvml/device_handle.h"
#include "nvml/mig_handles.h"
#include "nvml/nvml_api.h"
#include "support/driver_version.h"

namespace doppel::nvml {
namespace {

// A handle is the address of one of these. The same card has the same one, also after a shutdown.
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

}  // namespace

struct Card::File {
  std::once_flag once;
  std::optional<card::Card> card;
  int own_generation = 0;
};

Card::Card(std::shared_ptr<node::Node> node, int number, node::CardName name)
    : node_(std::move(node)),
      number_(number),
      name_(std::move(name)),
      uuid_(card::uuid_text("GPU", card::device_uuid(name_.id, number))),
      bus_id_(fmt::format("{:08X}:{:02X}:00.0", 0, bus())),
      file_(std::make_shared<File>()) {}

const card::Card& Card::card() const {
  std::call_once(file_->once, [this] {
    auto read = card::find_card(name_.reference);
    if (!read) throw std::runtime_error(read.error().message);
    file_->own_generation = read->pcie.generation;
    card::put_in_slot(*read, name_.slot);
    file_->card = std::move(*read);
  });
  return *file_->card;
}

int Card::own_generation() const {
  (void)card();
  return file_->own_generation;
}

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
  auto node = node::open_by_environment();
  if (!node) return tl::unexpected(node.error());
  const auto count = (*node)->card_count();
  if (!count) return tl::unexpected(count.error());
  for (int number = 0; number < *count; ++number) {
    auto card = (*node)->name(number);
    if (!card) return tl::unexpected(card.error());
    made->cards_.emplace_back(*node, number, std::move(*card));
  }
  return made;
}

const Card* Machine::card(nvmlDevice_t handle) const {
  for (const Card& each : cards_) {
    if (each.handle() == handle) return &each;
  }
  return nullptr;
}

std::string MigDevice::uuid() const {
  return card::uuid_text(
      "MIG", card::partition_uuid(card->name().id, card->number(), instance.id.gpu, instance.id.compute));
}

std::vector<MigDevice> Machine::mig_devices(const Card& card) {
  std::vector<MigDevice> all;
  const auto instances = card.partitions().compute_instances();
  if (!instances) return all;
  for (const node::ComputeInstance& each : *instances)
    all.push_back({&card, each, static_cast<unsigned>(all.size())});
  return all;
}

std::optional<MigDevice> Machine::mig_device(nvmlDevice_t handle) const {
  const auto numbers = numbers_of(handle);
  if (!numbers || index(numbers->card) >= cards_.size()) return std::nullopt;
  for (MigDevice& each : mig_devices(cards_[index(numbers->card)])) {
    if (each.instance.id == numbers->instance) return std::move(each);
  }
  return std::nullopt;
}

const Card* Machine::joined(const Card& card) const {
  const auto peer = card.node().nvlink_peer(card.number());
  if (!peer || !*peer) return nullptr;
  const auto found = std::ranges::find(cards_, **peer, &Card::number);
  return found != cards_.end() ? &*found : nullptr;
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
