// SPDX-License-Identifier: Apache-2.0
#include "card/load_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>

#include "card/contradiction.h"
#include "card/field_reader.h"

namespace doppel::card {
namespace {

// The card that one in `file` is based on.
Result<Card> base_card(const std::string& id, const std::string& file, int depth);

class Reader {
 public:
  // `depth`: how many cards are based on this one, in the file that is being read.
  Reader(const toml::table& root, std::string file, int depth) : root_(root), fields_(root), depth_(depth) {
    card_.file = std::move(file);
  }

  Card read() {
    read_base();
    card_.id = text_of(root_, "id", "");
    card_.name = text_of(root_, "name", "");
    card_.description = text_of(root_, "description", "");
    // The base has its own.
    if (root_.contains("sources") || card_.based_on.empty()) fields_.read_sources();
    constexpr std::array<std::string_view, 7> kOther = {"id",        "name",     "description", "sources",
                                                        "partition", "based_on", "without"};
    const std::vector<Field> all = fields(card_);
    fields_.reject_unknown(all, kOther);
    for (const Field& field : all) read_field(field);
    read_partitions();
    if (const std::optional<Contradiction> found = contradiction(card_)) {
      const auto key = card_.provenance.find(found->key);
      // The line of a number of the base says nothing of this file.
      const bool own = key != card_.provenance.end() && key->second.file.empty();
      throw BadEntry{own ? key->second.line : 1, found->key, found->expected};
    }
    return std::move(card_);
  }

 private:
  // Begins with all that the card of `based_on` has, but for what `without` names.
  void read_base() {
    const toml::node* node = root_.get("based_on");
    if (node == nullptr) {
      if (root_.contains("without"))
        throw BadEntry{line_of(*root_.get("without")), "without", "expected only with based_on"};
      return;
    }
    constexpr int kDeepest = 8;
    const std::string id = text_of(root_, "based_on", "");
    if (depth_ >= kDeepest)
      throw BadEntry{line_of(*node), "based_on", "expected a card that is not based on this one"};
    Result<Card> base = base_card(id, card_.file, depth_ + 1);
    if (!base) throw BadEntry{line_of(*node), "based_on", base.error().message};
    const std::string file = std::move(card_.file);
    card_ = std::move(*base);
    for (auto& [key, provenance] : card_.provenance) inherit(provenance);
    for (PartitionProfile& partition : card_.partitions) {
      inherit(partition.provenance);
      for (auto& [key, provenance] : partition.provenances) inherit(provenance);
    }
    card_.file = file;
    card_.based_on = id;
    remove_absent();
  }

  // What was measured on one card was measured on a neighbour of another.
  void inherit(Provenance& provenance) const {
    if (provenance.mark == "M") provenance.mark = "M-n";
    if (provenance.file.empty()) {
      provenance.file = card_.file;
      provenance.source += fmt::format(" [as {}]", card_.id);
    }
  }

  // `without`: keys and groups of keys that the base has and this card has not.
  void remove_absent() {
    const toml::node* node = root_.get("without");
    if (node == nullptr) return;
    const toml::array* names = node->as_array();
    if (names == nullptr) wrong_type(*node, "without", "an array of keys");
    Card absent;
    std::vector<Field> all = fields(card_);
    const std::vector<Field> blank = fields(absent);
    for (const toml::node& element : *names) {
      if (!element.is_string()) wrong_type(element, "without", "the name of a key");
      const std::string name = element.as_string()->get();
      bool any = name == "partition";
      if (any) card_.partitions.clear();
      for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string_view key = all[i].key;
        if (key != name && !key.starts_with(name + ".")) continue;
        any = true;
        if (!all[i].optional)
          throw BadEntry{line_of(element), "without", fmt::format("every card has the key '{}'", key)};
        clear(all[i].target, blank[i].target);
        card_.provenance.erase(std::string(key));
      }
      if (!any) throw BadEntry{line_of(element), "without", fmt::format("expected a key, found '{}'", name)};
    }
  }

  static void clear(const Field::Target& target, const Field::Target& blank) {
    std::visit(
        [&](auto to) {
          using Target = decltype(to);
          if constexpr (std::is_same_v<Target, std::span<int>>)
            std::fill(to.begin(), to.end(), 0);
          else
            *to = *std::get<Target>(blank);
        },
        target);
  }

  void read_field(const Field& field) {
    const std::string key(field.key);
    if (auto from = fields_.read(field)) {
      card_.provenance[key] = *std::move(from);
    } else if (!field.optional && !card_.provenance.contains(key)) {
      throw BadEntry{1, key, "expected this key, found nothing"};
    }
  }

  void read_partitions() {
    const toml::node* node = root_.get("partition");
    if (node == nullptr) return;
    card_.partitions.clear();
    const toml::array* array = node->as_array();
    if (array == nullptr) wrong_type(*node, "partition", "an array of tables, [[partition]]");
    for (const toml::node& element : *array) {
      const toml::table* table = element.as_table();
      if (table == nullptr) wrong_type(element, "partition", "a table");
      card_.partitions.push_back(read_partition(*table));
    }
  }

  // A key that has a source of its own is a table, as elsewhere; the others have the partition's.
  PartitionProfile read_partition(const toml::table& table) const {
    PartitionProfile p;
    p.name = text_of(table, "name", "partition.");
    p.provenance = fields_.provenance(table, "partition");
    const std::vector<Field> known = {{"kind", &p.kind, 0, 255},
                                      {"id", &p.id, 0, 255},
                                      {"slices", &p.slices, 1, 8},
                                      {"sm_count", &p.sm_count, 1, 4096},
                                      {"memory_mib", &p.memory_mib, 1, 1e9},
                                      {"memory_fraction", &p.memory_fraction, 0.01, 1},
                                      {"bandwidth_fraction", &p.bandwidth_fraction, 0.01, 1},
                                      {"sm_fraction", &p.sm_fraction, 0.01, 1},
                                      {"l2_fraction", &p.l2_fraction, 0.01, 1},
                                      {"nvenc", &p.nvenc, 0, 64},
                                      {"nvdec", &p.nvdec, 0, 64},
                                      {"jpeg", &p.jpeg, 0, 64},
                                      {"optical_flow", &p.optical_flow, 0, 64},
                                      {"copy_engines", &p.copy_engines, 1, 64},
                                      {"graphics", &p.graphics},
                                      {"max_instances", &p.max_instances, 1, 64},
                                      {"placements", &p.placements, 0, 63},
                                      {"placement_size", &p.placement_size, 1, 64},
                                      {"instance_ids", &p.instance_ids, 0, kMostPartitions - 1}};
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      if (name == "name" || name == "mark" || name == "source" || name == "note") continue;
      const auto field =
          std::find_if(known.begin(), known.end(), [&](const Field& f) { return f.key == name; });
      const std::string full = fmt::format("partition.{}", name);
      if (field == known.end()) throw BadEntry{line_of(value), full, "unknown key"};
      const toml::table* leaf = value.as_table();
      if (leaf == nullptr) {
        read_value(value, *field);
        continue;
      }
      const toml::node* number = leaf->get("value");
      if (number == nullptr) throw BadEntry{line_of(*leaf), full, "expected the key 'value', found nothing"};
      read_value(*number, *field);
      p.provenances[std::string(name)] = fields_.provenance(*leaf, full);
    }
    for (const Field& field : known) {
      if (!table.contains(field.key)) {
        throw BadEntry{line_of(table), fmt::format("partition.{}", field.key),
                       "expected this key, found nothing"};
      }
    }
    return p;
  }

  const toml::table& root_;
  FieldReader fields_;
  int depth_;
  Card card_;
};

}  // namespace

namespace {

Result<Card> parse(std::string_view text, const std::string& file, int depth) {
  try {
    const toml::table root = toml::parse(text, file);
    return Reader(root, file, depth).read();
  } catch (const toml::parse_error& error) {
    return fail(Error::Kind::InvalidInput,
                fmt::format("{}:{}: not TOML: {}", file, error.source().begin.line, error.description()));
  } catch (const BadEntry& bad) {
    return fail(Error::Kind::InvalidInput,
                fmt::format("{}:{}: {}: {}", file, bad.line, bad.key, bad.expected));
  }
}

Result<Card> load(const std::filesystem::path& file, int depth) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Error::Kind::Io, fmt::format("cannot read the card file {}", file.string()));
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad() || text.fail())
    return fail(Error::Kind::Io, fmt::format("cannot read the card file {}", file.string()));
  Result<Card> card = parse(text.str(), file.string(), depth);
  if (card && card->id != file.stem().string()) {
    return fail(Error::Kind::InvalidInput,
                fmt::format("{}:1: id: expected '{}' as the file is named, found '{}'", file.string(),
                            file.stem().string(), card->id));
  }
  return card;
}

Result<Card> base_card(const std::string& id, const std::string& file, int depth) {
  std::error_code ignored;
  const std::filesystem::path beside = std::filesystem::path(file).parent_path() / (id + ".toml");
  if (id.find('/') == std::string::npos && std::filesystem::is_regular_file(beside, ignored))
    return load(beside, depth);
  const Result<std::filesystem::path> found = find_card_file(id);
  if (!found) return tl::unexpected<Error>(found.error());
  return load(*found, depth);
}

}  // namespace

Result<Card> parse_card(std::string_view text, const std::string& file) { return parse(text, file, 0); }

Result<Card> load_card(const std::filesystem::path& file) { return load(file, 0); }

}  // namespace doppel::card
