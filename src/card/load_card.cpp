// SPDX-License-Identifier: Apache-2.0
#include "card/load_card.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "card/card_fields.h"
#include "card/contradiction.h"
#include "support/nearest.h"

namespace doppel::card {
namespace {

constexpr std::array<std::string_view, 6> kMarks = {"M", "M-n", "V", "R", "D", "K"};

// Thrown inside this file only; parse_card turns it into an Error.
struct BadCard {
  int line;
  std::string key;
  std::string expected;
};

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a value of another kind";
  }
}

[[noreturn]] void wrong_type(const toml::node& node, const std::string& key, std::string_view expected) {
  throw BadCard{line_of(node), key, fmt::format("expected {}, found {}", expected, type_name(node))};
}

// The card that one in `file` is based on.
Result<Card> base_card(const std::string& id, const std::string& file, int depth);

class Reader {
 public:
  // `depth`: how many cards are based on this one, in the file that is being read.
  Reader(const toml::table& root, std::string file, int depth) : root_(root), depth_(depth) {
    card_.file = std::move(file);
  }

  Card read() {
    read_base();
    card_.id = text(root_, "id", "");
    card_.name = text(root_, "name", "");
    card_.description = text(root_, "description", "");
    read_sources();
    std::vector<Field> all = fields(card_);
    for (const Field& field : all) keys_.emplace_back(field.key);
    reject_unknown(root_, "");
    for (const Field& field : all) read_field(field);
    read_partitions();
    if (const std::optional<Contradiction> found = contradiction(card_)) {
      const auto key = card_.provenance.find(found->key);
      // The line of a number of the base says nothing of this file.
      const bool own = key != card_.provenance.end() && key->second.file.empty();
      throw BadCard{own ? key->second.line : 1, found->key, found->expected};
    }
    return std::move(card_);
  }

 private:
  static std::string text(const toml::table& table, const std::string& key, const std::string& prefix) {
    const toml::node* node = table.get(key);
    const int line = static_cast<int>(table.source().begin.line);
    if (node == nullptr) throw BadCard{line, prefix + key, "expected a string, found nothing"};
    const auto* string = node->as_string();
    if (string == nullptr) wrong_type(*node, prefix + key, "a string");
    return string->get();
  }

  // Begins with all that the card of `based_on` has, but for what `without` names.
  void read_base() {
    const toml::node* node = root_.get("based_on");
    if (node == nullptr) {
      if (root_.contains("without"))
        throw BadCard{line_of(*root_.get("without")), "without", "expected only with based_on"};
      return;
    }
    constexpr int kDeepest = 8;
    const std::string id = text(root_, "based_on", "");
    if (depth_ >= kDeepest)
      throw BadCard{line_of(*node), "based_on", "expected a card that is not based on this one"};
    Result<Card> base = base_card(id, card_.file, depth_ + 1);
    if (!base) throw BadCard{line_of(*node), "based_on", base.error().message};
    const std::string file = std::move(card_.file);
    card_ = std::move(*base);
    for (auto& [key, provenance] : card_.provenance) inherit(provenance);
    for (PartitionProfile& partition : card_.partitions) inherit(partition.provenance);
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
          throw BadCard{line_of(element), "without", fmt::format("every card has the key '{}'", key)};
        clear(all[i].target, blank[i].target);
        card_.provenance.erase(std::string(key));
      }
      if (!any) throw BadCard{line_of(element), "without", fmt::format("expected a key, found '{}'", name)};
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

  void read_sources() {
    const toml::node* node = root_.get("sources");
    if (node == nullptr && !card_.based_on.empty()) return;
    if (node == nullptr) throw BadCard{1, "sources", "expected a table of citations, found nothing"};
    const toml::table* table = node->as_table();
    if (table == nullptr) wrong_type(*node, "sources", "a table of citations");
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      if (!value.is_string()) wrong_type(value, "sources." + name, "a citation in words");
      sources_[name] = value.as_string()->get();
      source_names_.push_back(name);
    }
  }

  // A leaf is a table with the key `value`; any other table is a group of keys.
  void reject_unknown(const toml::table& table, const std::string& prefix) const {
    for (const auto& [key, value] : table) {
      const std::string name = prefix + std::string(key.str());
      if (prefix.empty() && (name == "id" || name == "name" || name == "description" || name == "sources" ||
                             name == "partition" || name == "based_on" || name == "without")) {
        continue;
      }
      if (std::find(keys_.begin(), keys_.end(), name) != keys_.end()) continue;
      const toml::table* group = value.as_table();
      const bool is_group = group != nullptr && !group->contains("value") &&
                            std::any_of(keys_.begin(), keys_.end(), [&](const std::string& known) {
                              return known.starts_with(name + ".");
                            });
      if (is_group) {
        reject_unknown(*group, name + ".");
        continue;
      }
      const std::string near = nearest_name(name, keys_);
      throw BadCard{line_of(value), name,
                    near.empty() ? "unknown key" : fmt::format("unknown key; did you mean '{}'?", near)};
    }
  }

  const toml::node* find(std::string_view key) const {
    const toml::table* table = &root_;
    while (true) {
      const std::size_t dot = key.find('.');
      const toml::node* node = table->get(key.substr(0, dot));
      if (node == nullptr || dot == std::string_view::npos) return node;
      table = node->as_table();
      if (table == nullptr) return nullptr;
      key.remove_prefix(dot + 1);
    }
  }

  Provenance provenance(const toml::table& leaf, const std::string& key) const {
    Provenance out;
    out.line = static_cast<int>(leaf.source().begin.line);
    out.mark = text(leaf, "mark", key + ".");
    if (std::find(kMarks.begin(), kMarks.end(), out.mark) == kMarks.end()) {
      throw BadCard{out.line, key + ".mark",
                    fmt::format("expected one of {}, found '{}'", fmt::join(kMarks, ", "), out.mark)};
    }
    const std::string name = text(leaf, "source", key + ".");
    const auto source = sources_.find(name);
    if (source == sources_.end()) {
      const std::string near = nearest_name(name, source_names_);
      throw BadCard{out.line, key + ".source",
                    fmt::format("expected a name from [sources], found '{}'{}", name,
                                near.empty() ? "" : fmt::format("; did you mean '{}'?", near))};
    }
    out.source = source->second;
    if (leaf.contains("note")) out.source += " (" + text(leaf, "note", key + ".") + ")";
    return out;
  }

  void read_field(const Field& field) {
    const std::string key(field.key);
    const toml::node* node = find(field.key);
    if (node == nullptr) {
      if (field.optional || card_.provenance.contains(key)) return;
      throw BadCard{1, key, "expected this key, found nothing"};
    }
    const toml::table* leaf = node->as_table();
    if (leaf == nullptr) wrong_type(*node, key, "a table { value = ..., mark = ..., source = ... }");
    for (const auto& [sub, value] : *leaf) {
      const std::string_view name = sub.str();
      if (name != "value" && name != "mark" && name != "source" && name != "note") {
        throw BadCard{line_of(value), fmt::format("{}.{}", key, name),
                      "unknown key; known: value, mark, source, note"};
      }
    }
    card_.provenance[key] = provenance(*leaf, key);
    const toml::node* value = leaf->get("value");
    if (value == nullptr) throw BadCard{line_of(*leaf), key, "expected the key 'value', found nothing"};
    std::visit([&](auto target) { read_value(*value, target, field); }, field.target);
  }

  static void check_range(double number, const Field& field, const toml::node& node) {
    if (number >= field.min && number <= field.max) return;
    throw BadCard{line_of(node), std::string(field.key),
                  fmt::format("expected a number from {} to {}, found {}", field.min, field.max, number)};
  }

  template <typename Integer>
  static Integer integer(const toml::node& node, const Field& field) {
    const auto* number = node.as_integer();
    if (number == nullptr) wrong_type(node, std::string(field.key), "a whole number");
    check_range(static_cast<double>(number->get()), field, node);
    if (number->get() > std::numeric_limits<Integer>::max()) {
      throw BadCard{line_of(node), std::string(field.key), fmt::format("{} is too large", number->get())};
    }
    return static_cast<Integer>(number->get());
  }

  static void read_value(const toml::node& node, int* target, const Field& field) {
    *target = integer<int>(node, field);
  }
  static void read_value(const toml::node& node, std::int64_t* target, const Field& field) {
    *target = integer<std::int64_t>(node, field);
  }
  static void read_value(const toml::node& node, double* target, const Field& field) {
    if (!node.is_number()) wrong_type(node, std::string(field.key), "a number");
    *target = *node.value<double>();
    check_range(*target, field, node);
  }
  static void read_value(const toml::node& node, bool* target, const Field& field) {
    if (!node.is_boolean()) wrong_type(node, std::string(field.key), "true or false");
    *target = node.as_boolean()->get();
  }
  static void read_value(const toml::node& node, std::string* target, const Field& field) {
    if (!node.is_string()) wrong_type(node, std::string(field.key), "a string");
    *target = node.as_string()->get();
  }
  static void read_value(const toml::node& node, std::vector<int>* target, const Field& field) {
    target->clear();
    const toml::array* array = node.as_array();
    if (array == nullptr) wrong_type(node, std::string(field.key), "an array of whole numbers");
    for (const toml::node& element : *array) target->push_back(integer<int>(element, field));
  }
  static void read_value(const toml::node& node, std::span<int> target, const Field& field) {
    const toml::array* array = node.as_array();
    if (array == nullptr) wrong_type(node, std::string(field.key), "an array of whole numbers");
    if (array->size() != target.size()) {
      throw BadCard{line_of(node), std::string(field.key),
                    fmt::format("expected {} numbers, found {}", target.size(), array->size())};
    }
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = integer<int>(*array->get(i), field);
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

  PartitionProfile read_partition(const toml::table& table) const {
    PartitionProfile p;
    p.name = text(table, "name", "partition.");
    p.provenance = provenance(table, "partition");
    const std::vector<Field> known = {{"memory_fraction", &p.memory_fraction, 0.01, 1},
                                      {"sm_fraction", &p.sm_fraction, 0.01, 1},
                                      {"l2_fraction", &p.l2_fraction, 0.01, 1},
                                      {"nvenc", &p.nvenc, 0, 64},
                                      {"nvdec", &p.nvdec, 0, 64},
                                      {"jpeg", &p.jpeg, 0, 64},
                                      {"optical_flow", &p.optical_flow, 0, 64},
                                      {"copy_engines", &p.copy_engines, 1, 64},
                                      {"graphics", &p.graphics},
                                      {"max_instances", &p.max_instances, 1, 64}};
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      if (name == "name" || name == "mark" || name == "source" || name == "note") continue;
      const auto field =
          std::find_if(known.begin(), known.end(), [&](const Field& f) { return f.key == name; });
      if (field == known.end())
        throw BadCard{line_of(value), fmt::format("partition.{}", name), "unknown key"};
      std::visit([&, &node = value](auto target) { read_value(node, target, *field); }, field->target);
    }
    for (const Field& field : known) {
      if (!table.contains(field.key)) {
        throw BadCard{line_of(table), fmt::format("partition.{}", field.key),
                      "expected this key, found nothing"};
      }
    }
    return p;
  }

  const toml::table& root_;
  int depth_;
  Card card_;
  std::map<std::string, std::string> sources_;
  std::vector<std::string> source_names_;
  std::vector<std::string> keys_;
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
  } catch (const BadCard& bad) {
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
