// SPDX-License-Identifier: Apache-2.0
#include "node/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "card/field_reader.h"
#include "card/load_card.h"
#include "card/load_host.h"
#include "node/layout.h"
#include "support/nearest.h"

namespace doppel::node {
namespace {

namespace fs = std::filesystem;
using card::BadEntry;
using card::Field;
using card::line_of;

// FNV-1a, 64 bits.
std::uint64_t hash(std::string_view text, std::uint64_t value = 0xcbf29ce484222325ULL) {
  for (const char letter : text) value = (value ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3ULL;
  return value;
}

void reject_unknown(const toml::table& table, const std::string& prefix,
                    const std::vector<std::string>& known) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string near = nearest_name(name, known);
    throw BadEntry{line_of(value), prefix + name,
                   near.empty() ? "unknown key" : fmt::format("unknown key; did you mean '{}'?", near)};
  }
}

const toml::array* tables_of(const toml::table& root, const std::string& key) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return nullptr;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table))
    card::wrong_type(*node, key, fmt::format("tables, [[{}]]", key));
  return array;
}

class Reader {
 public:
  Reader(const toml::table& root, fs::path folder) : root_(root), folder_(std::move(folder)) {}

  Description read() {
    reject_unknown(root_, "", {"host", "card", "nvlink"});
    read_host();
    const toml::array* cards = tables_of(root_, "card");
    if (cards == nullptr) throw BadEntry{1, "card", "expected at least one [[card]], found nothing"};
    for (const toml::node& each : *cards) read_card(*each.as_table());
    if (const toml::array* bridges = tables_of(root_, "nvlink")) {
      for (const toml::node& each : *bridges) read_bridge(*each.as_table());
    }
    return std::move(description_);
  }

 private:
  // A name stands for itself, a file for its place from the description on.
  std::string placed(const std::string& name) const {
    if (name.find('/') == std::string::npos && !name.ends_with(".toml")) return name;
    return (folder_ / name).lexically_normal().string();
  }

  void read_host() {
    const toml::node* node = root_.get("host");
    if (node == nullptr) return;
    const std::string name = placed(card::text_of(root_, "host", ""));
    const auto host = card::find_host(name == "workstation" ? "" : name);
    if (!host) throw BadEntry{line_of(*node), "host", host.error().message};
    if (name != "workstation") description_.host = name;
  }

  void read_card(const toml::table& table) {
    reject_unknown(table, "card.",
                   {"model", "pcie_generation", "pcie_lanes", "numa_node", "host_bridge", "pcie_switch"});
    if (description_.cards.size() == kMostCards)
      throw BadEntry{line_of(table), "card", fmt::format("expected {} cards at most", kMostCards)};
    const std::string model = placed(card::text_of(table, "model", "card."));
    auto card = card::find_card(model);
    if (!card) throw BadEntry{line_of(*table.get("model")), "card.model", card.error().message};
    DescribedCard described{std::move(*card), {}};
    card::Slot& slot = described.slot;
    const std::array fields = {
        Field{"card.pcie_generation", &slot.pcie_generation, 1, card::kHighestSlotGeneration},
        Field{"card.pcie_lanes", &slot.pcie_lanes, 1, 16}, Field{"card.numa_node", &slot.numa_node, 0, 255},
        Field{"card.host_bridge", &slot.host_bridge, 0, 255},
        Field{"card.pcie_switch", &slot.pcie_switch, 0, 255}};
    for (const Field& field : fields) {
      const std::string_view key = field.key.substr(field.key.find('.') + 1);
      if (const toml::node* value = table.get(key)) card::read_value(*value, field);
    }
    if (slot.pcie_lanes != 0 && (slot.pcie_lanes & (slot.pcie_lanes - 1)) != 0) {
      throw BadEntry{line_of(*table.get("pcie_lanes")), "card.pcie_lanes",
                     fmt::format("expected 1, 2, 4, 8 or 16, found {}", slot.pcie_lanes)};
    }
    description_.cards.push_back(std::move(described));
  }

  void read_bridge(const toml::table& table) {
    reject_unknown(table, "nvlink.", {"cards"});
    const toml::node* node = table.get("cards");
    const std::string key = "nvlink.cards";
    if (node == nullptr) throw BadEntry{line_of(table), key, "expected two numbers of cards, found nothing"};
    const toml::array* array = node->as_array();
    if (array == nullptr || array->size() != 2 || !array->is_homogeneous(toml::node_type::integer))
      throw BadEntry{line_of(*node), key, "expected two numbers of cards, from 0, as [0, 1]"};
    std::array<int, 2> ends{};
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const std::int64_t number = array->get(i)->as_integer()->get();
      if (number < 0 || number >= static_cast<std::int64_t>(description_.cards.size())) {
        throw BadEntry{
            line_of(*node), key,
            fmt::format("there is no card {}: they are 0 to {}", number, description_.cards.size() - 1)};
      }
      ends[i] = static_cast<int>(number);
    }
    check_bridge(line_of(*node), ends[0], ends[1]);
    description_.bridges.emplace_back(ends[0], ends[1]);
  }

  void check_bridge(int line, int one, int other) const {
    const std::string key = "nvlink.cards";
    if (one == other) throw BadEntry{line, key, "expected two cards, found one twice"};
    const card::Card& first = description_.cards[static_cast<std::size_t>(one)].card;
    const card::Card& second = description_.cards[static_cast<std::size_t>(other)].card;
    for (const card::Card* each : {&first, &second}) {
      if (each->nvlink.links == 0) throw BadEntry{line, key, fmt::format("{} has no NVLink", each->name)};
    }
    if (first.id != second.id)
      throw BadEntry{
          line, key,
          fmt::format("a bridge joins two cards of one model, not {} and {}", first.id, second.id)};
    for (const auto& [a, b] : description_.bridges) {
      for (const int end : {one, other}) {
        if (end == a || end == b) throw BadEntry{line, key, fmt::format("card {} has a bridge already", end)};
      }
    }
  }

  const toml::table& root_;
  fs::path folder_;
  Description description_;
};

}  // namespace

bool is_description(std::string_view name) { return name.ends_with(".toml"); }

Result<Description> parse_description(std::string_view text, const fs::path& file) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(file, ignored).lexically_normal();
  const auto wrong = [&](unsigned line, const std::string& what) {
    return fail(Error::Kind::InvalidInput, fmt::format("{}:{}: {}", file.string(), line, what));
  };
  try {
    const toml::table root = toml::parse(text, file.string());
    return Reader(root, whole.parent_path()).read();
  } catch (const toml::parse_error& error) {
    return wrong(error.source().begin.line, fmt::format("not TOML: {}", error.description()));
  } catch (const BadEntry& bad) {
    return wrong(static_cast<unsigned>(bad.line), fmt::format("{}: {}", bad.key, bad.expected));
  }
}

Result<DescriptionText> read_description(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad() || text.fail())
    return fail(Error::Kind::Io, fmt::format("cannot read the description of a node, {}", file.string()));
  std::error_code ignored;
  const std::string whole = fs::absolute(file, ignored).lexically_normal().string();
  return DescriptionText{text.str(), hash(text.str(), hash(whole + '\n'))};
}

}  // namespace doppel::node
