// SPDX-License-Identifier: Apache-2.0
#include "device/visible_devices.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "card/uuid.h"

namespace doppel::device {
namespace {

constexpr std::string_view kGpu = "GPU-", kMig = "MIG-", kOldMig = "MIG-GPU-";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto comma = text.find(',');
    parts.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// As strtoul reads it, whatever stands behind the digits; nothing where there are none.
std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

// A card's own device: itself, or its first MIG device.
std::optional<VisibleDevice> device_of(std::span<const CardOffer> cards, std::size_t card) {
  if (!cards[card].mig) return VisibleDevice{card, std::nullopt};
  if (cards[card].devices.empty()) return std::nullopt;
  return VisibleDevice{card, 0};
}

// The one card whose UUID begins so; the number of cards where there is none, or several.
std::size_t card_by_uuid(std::span<const CardOffer> cards, std::string_view begin) {
  std::size_t found = cards.size();
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (!card::uuid_text("GPU", cards[i].uuid).starts_with(begin)) continue;
    if (found != cards.size()) return cards.size();
    found = i;
  }
  return found;
}

std::optional<VisibleDevice> mig_by_uuid(std::span<const CardOffer> cards, std::string_view begin) {
  std::optional<VisibleDevice> found;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    for (std::size_t k = 0; k < cards[i].devices.size(); ++k) {
      if (!card::uuid_text("MIG", cards[i].devices[k].uuid).starts_with(begin)) continue;
      if (found) return std::nullopt;
      found = {i, k};
    }
  }
  return found;
}

// "MIG-GPU-UUID/2/0", as drivers before 470 named them.
std::optional<VisibleDevice> mig_by_numbers(std::span<const CardOffer> cards, std::string_view text) {
  const auto first = text.find('/');
  const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::size_t card = card_by_uuid(cards, text.substr(kMig.size(), first - kMig.size()));
  const auto gpu = number(text.substr(first + 1)), compute = number(text.substr(second + 1));
  if (card == cards.size() || !gpu || !compute) return std::nullopt;
  for (std::size_t k = 0; k < cards[card].devices.size(); ++k) {
    const node::Instance id = cards[card].devices[k].id;
    if (static_cast<std::size_t>(id.gpu) == *gpu && static_cast<std::size_t>(id.compute) == *compute)
      return VisibleDevice{card, k};
  }
  return std::nullopt;
}

enum class Names { Numbers, Gpus, Migs };
Names names_of(std::string_view first) {
  if (first.starts_with(kGpu)) return Names::Gpus;
  return first.starts_with(kMig) ? Names::Migs : Names::Numbers;
}

// What an entry names; nothing: it ends the list. A card that offers nothing is passed over: `skip`.
std::optional<VisibleDevice> named(std::span<const CardOffer> cards, Names names, std::string_view entry,
                                   bool& skip) {
  if (names == Names::Migs) {
    if (entry.starts_with(kOldMig)) return mig_by_numbers(cards, entry);
    return entry.starts_with(kMig) && entry.size() > kMig.size() ? mig_by_uuid(cards, entry) : std::nullopt;
  }
  std::size_t card = cards.size();
  if (names == Names::Numbers) {
    card = number(entry).value_or(cards.size());
  } else if (entry.starts_with(kGpu)) {
    card = card_by_uuid(cards, entry);
  }
  if (card >= cards.size()) return std::nullopt;
  const auto device = device_of(cards, card);
  skip = !device;
  return device;
}

std::vector<VisibleDevice> all_named(std::span<const CardOffer> cards, const std::string& text) {
  std::vector<VisibleDevice> all;
  const std::vector<std::string_view> entries = split(text);
  const Names names = names_of(entries.front());
  for (const std::string_view entry : entries) {
    bool skip = false;
    const auto device = named(cards, names, entry, skip);
    if (skip) continue;
    if (!device) break;
    if (std::ranges::find(all, *device) != all.end()) return {};
    all.push_back(*device);
  }
  return all;
}

}  // namespace

std::vector<VisibleDevice> visible_devices(std::span<const CardOffer> cards,
                                           const std::optional<std::string>& variable) {
  std::vector<VisibleDevice> all;
  if (variable) {
    all = all_named(cards, *variable);
  } else {
    for (std::size_t i = 0; i < cards.size(); ++i) {
      if (const auto device = device_of(cards, i)) all.push_back(*device);
    }
  }
  const auto mig =
      std::ranges::find_if(all, [](const VisibleDevice& each) { return each.device.has_value(); });
  if (mig != all.end()) return {*mig};
  return all;
}

}  // namespace doppel::device
