// SPDX-License-Identifier: Apache-2.0
#include "node/ecc.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "node/course.h"
#include "node/partitions.h"

namespace doppel::node {
namespace {

// nvmlEventType...: of one bit, of two, and a critical error, whose number is the data.
constexpr std::uint64_t kCorrectedEvent = 1, kUncorrectableEvent = 2, kXidEvent = 8;

tl::unexpected<Error> no_card(int card) {
  return fail(Error::Kind::NotFound, fmt::format("the node has no card {}", card));
}

bool is_open(ErrorFate fate) { return fate == ErrorFate::Waiting || fate == ErrorFate::Planted; }

void add_event(CardEntry& card, std::uint64_t type, std::uint64_t data) {
  card.events[card.event_count % kMostEvents] = {type, data};
  ++card.event_count;
}

void count_uncorrectable(CardEntry& card) {
  EccEntry& ecc = card.ecc;
  ++ecc.since_reset.uncorrectable;
  ++ecc.in_all.uncorrectable;
  add_event(card, kUncorrectableEvent, 0);
  add_event(card, kXidEvent, Ecc::kXidUncorrectable);
  if (ecc.remapped_rows < ecc.spare_rows) {
    ++ecc.remapped_rows;
    ecc.remap_pending = true;
    add_event(card, kXidEvent, Ecc::kXidRowRemapped);
  } else {
    ecc.remap_failed = true;
    add_event(card, kXidEvent, Ecc::kXidRemapFailed);
  }
}

// MIG: instances are gone, and the mode that waited is there.
void reset_partitions(CardEntry& card) {
  PartitionEntries& entries = card.partitions;
  bool is_change = entries.on != entries.pending;
  for (GpuInstanceEntry& each : entries.gpu) {
    is_change |= each.used != 0;
    std::atomic_ref(each.used).store(0, std::memory_order_release);
    each.compute = {};
  }
  entries.on = entries.pending;
  if (is_change) add_event(card, kMigChanged, 0);
}

}  // namespace

Result<EccState> Ecc::state() const {
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  const EccEntry& ecc = (*shared)->card[static_cast<std::size_t>(card_)].ecc;
  return EccState{ecc.supported,   ecc.on,     ecc.pending,       ecc.on_by_default,
                  ecc.since_reset, ecc.in_all, ecc.remapped_rows, ecc.remap_pending,
                  ecc.remap_failed};
}

Result<void> Ecc::set_mode(bool on) {
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  if (!card.ecc.supported)
    return fail(Error::Kind::NotSupported,
                fmt::format("{}: the card's file does not say what ECC takes", card.id.data()));
  card.ecc.pending = on;
  return {};
}

Result<void> Ecc::clear_counts(bool since_reset) {
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  EccEntry& ecc = (*shared)->card[static_cast<std::size_t>(card_)].ecc;
  if (!ecc.on) return fail(Error::Kind::NotSupported, "the card's ECC is off: nothing is counted");
  (since_reset ? ecc.since_reset : ecc.in_all) = {};
  return {};
}

Result<void> Ecc::reset(std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  reap(**shared, now_ns);
  for (const ClientEntry& client : clients(**shared)) {
    if (client.pid != 0 && client.card == card_)
      return fail(Error::Kind::NotPermitted,
                  fmt::format("card {} of the node is in use by process {}", card_, client.pid));
  }
  CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  EccEntry& ecc = card.ecc;
  if (ecc.on != ecc.pending) {
    ecc.on = ecc.pending;
    card.bytes = ecc.on ? ecc.bytes_with : ecc.bytes_without;
  }
  ecc.since_reset = {};
  ecc.remap_pending = false;
  for (ErrorEntry& error : card.errors) {
    if (error.number != 0 && is_open(error.fate)) error.fate = ErrorFate::Lost;
  }
  reset_partitions(card);
  return {};
}

Result<std::uint64_t> Ecc::plant(const ErrorRequest& request, std::int64_t now_ns) {
  if (request.bits < 1 || request.bits > 2)
    return fail(Error::Kind::InvalidArgument,
                fmt::format("an error of {} bits: 1 is corrected, and 2 are found", request.bits));
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  reap(**shared, now_ns);
  const auto all = clients(**shared);
  if (std::ranges::none_of(all, [&](const ClientEntry& client) {
        return client.pid != 0 && client.pid == request.pid && client.card == card_;
      }))
    return fail(Error::Kind::NotFound,
                fmt::format("process {} does not use card {} of the node", request.pid, card_));
  CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  ErrorEntry& entry = card.errors[card.error_count % kMostErrors];
  const bool is_alive = std::ranges::any_of(
      all, [&](const ClientEntry& client) { return client.pid != 0 && client.pid == entry.pid; });
  if (entry.number != 0 && is_open(entry.fate) && is_alive)
    return fail(Error::Kind::LimitExceeded,
                fmt::format("{} errors wait on card {} already", kMostErrors, card_));
  entry = {.number = card.error_count + 1,
           .address = request.address,
           .seed = request.seed,
           .at_launch = request.at_launch,
           .told_ns = now_ns,
           .pid = request.pid,
           .bits = request.bits,
           .fate = ErrorFate::Waiting};
  std::atomic_ref(card.error_count).store(entry.number, std::memory_order_release);
  return entry.number;
}

Result<std::vector<ErrorEntry>> Ecc::errors() const {
  auto shared = node_->file_.lock();
  if (!shared) return tl::unexpected(shared.error());
  if (!Node::has(**shared, card_)) return no_card(card_);
  std::vector<ErrorEntry> errors;
  for (const ErrorEntry& each : (*shared)->card[static_cast<std::size_t>(card_)].errors) {
    if (each.number != 0) errors.push_back(each);
  }
  std::ranges::sort(errors, {}, &ErrorEntry::number);
  const auto all = clients(std::as_const(**shared));
  for (ErrorEntry& each : errors) {
    const bool is_alive = std::ranges::any_of(all, [&](const ClientEntry& client) {
      return client.pid != 0 && client.pid == each.pid && client.card == card_;
    });
    if (is_open(each.fate) && !is_alive) each.fate = ErrorFate::Lost;
  }
  return errors;
}

std::uint64_t Ecc::planted() const {
  Shared& shared = node_->file_.unlocked();
  return std::atomic_ref(shared.card[static_cast<std::size_t>(card_)].error_count)
      .load(std::memory_order_acquire);
}

std::vector<ErrorEntry> Ecc::take(int pid, std::uint64_t launches, std::int64_t now_ns) {
  std::vector<ErrorEntry> taken;
  auto shared = node_->file_.lock();
  if (!shared || !Node::has(**shared, card_)) return taken;
  for (ErrorEntry& each : (*shared)->card[static_cast<std::size_t>(card_)].errors) {
    if (each.number == 0 || each.fate != ErrorFate::Waiting || each.pid != pid || each.at_launch > launches)
      continue;
    each.fate = ErrorFate::Planted;
    each.told_ns = now_ns;
    taken.push_back(each);
  }
  std::ranges::sort(taken, {}, &ErrorEntry::number);
  return taken;
}

bool Ecc::waits_for_launch(int pid) const {
  auto shared = node_->file_.lock();
  if (!shared || !Node::has(**shared, card_)) return false;
  return std::ranges::any_of((*shared)->card[static_cast<std::size_t>(card_)].errors,
                             [&](const ErrorEntry& each) {
                               return each.number != 0 && each.fate == ErrorFate::Waiting && each.pid == pid;
                             });
}

void Ecc::tell(std::uint64_t number, ErrorFate fate, std::uint64_t address, std::int64_t now_ns) {
  auto shared = node_->file_.lock();
  if (!shared || !Node::has(**shared, card_)) return;
  CardEntry& card = (*shared)->card[static_cast<std::size_t>(card_)];
  for (ErrorEntry& each : card.errors) {
    if (each.number != number) continue;
    each.fate = fate;
    each.told_ns = now_ns;
    if (address != 0) each.address = address;
  }
  if (fate == ErrorFate::Corrected) {
    ++card.ecc.since_reset.corrected;
    ++card.ecc.in_all.corrected;
    add_event(card, kCorrectedEvent, 0);
  } else if (fate == ErrorFate::Uncorrectable) {
    count_uncorrectable(card);
  }
}

const char* text_of(ErrorFate fate) {
  switch (fate) {
    case ErrorFate::Waiting:
      return "waits for the process";
    case ErrorFate::Planted:
      return "in memory";
    case ErrorFate::Corrected:
      return "corrected";
    case ErrorFate::Uncorrectable:
      return "uncorrectable: the context that read it has ended";
    case ErrorFate::Overwritten:
      return "written over before it was read";
    case ErrorFate::Freed:
      return "its memory was freed before it was read";
    case ErrorFate::Turned:
      return "ECC is off: the data are wrong";
    case ErrorFate::CorrectedOnDie:
      return "corrected inside the memory chip, and not counted";
    case ErrorFate::NoMemory:
      return "refused: it is no memory that the process has allocated on the card";
    case ErrorFate::Lost:
      return "the process ended, or the card was reset, before it was read";
  }
  return "";
}

}  // namespace doppel::node
