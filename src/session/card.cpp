// SPDX-License-Identifier: Apache-2.0
#include "doppel/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "card/card_fields.h"
#include "card/contradiction.h"
#include "card/load_card.h"
#include "session/failure.h"
#include "support/nearest.h"

namespace doppel {
namespace {

template <typename T>
constexpr bool kIsNumber =
    std::is_same_v<T, int*> || std::is_same_v<T, std::int64_t*> || std::is_same_v<T, double*>;

// The field of a number.
card::Field field_of(card::Card& data, const std::string& key) {
  std::vector<std::string> numbers;
  for (const card::Field& field : card::fields(data)) {
    const bool is_number = std::visit(
        [](const auto& target) { return kIsNumber<std::decay_t<decltype(target)>>; }, field.target);
    if (!is_number) continue;
    if (field.key == key) return field;
    numbers.emplace_back(field.key);
  }
  const std::string near = nearest_name(key, numbers);
  throw Failure(Failure::Kind::NotFound,
                fmt::format("a card has no number '{}'{}", key,
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

}  // namespace

Card::Card(card::Card data) : data_(std::make_shared<const card::Card>(std::move(data))) {}

Card Card::find(const std::string& name_or_file) {
  return Card(session::value_of(card::find_card(name_or_file)));
}

std::vector<std::string> Card::known() { return card::known_cards(); }

std::string Card::id() const { return data_->id; }
std::string Card::name() const { return data_->name; }

double Card::number(const std::string& key) const {
  card::Card copy = *data_;
  return std::visit(
      [](const auto& target) -> double {
        if constexpr (kIsNumber<std::decay_t<decltype(target)>>) return static_cast<double>(*target);
        return 0;
      },
      field_of(copy, key).target);
}

Card Card::with(const std::string& key, double value) const {
  card::Card changed = *data_;
  const card::Field field = field_of(changed, key);
  if (!(value >= field.min && value <= field.max)) {
    throw Failure(Failure::Kind::InvalidArgument,
                  fmt::format("{} = {}: expected {} to {}", key, value, field.min, field.max));
  }
  std::visit(
      [&](const auto& target) {
        using Target = std::decay_t<decltype(target)>;
        if constexpr (kIsNumber<Target>) {
          if constexpr (!std::is_same_v<Target, double*>) {
            if (value != std::floor(value))
              throw Failure(Failure::Kind::InvalidArgument,
                            fmt::format("{} = {}: a whole number", key, value));
          }
          *target = static_cast<std::remove_pointer_t<Target>>(value);
        }
      },
      field.target);
  if (const auto wrong = card::contradiction(changed)) {
    throw Failure(Failure::Kind::InvalidArgument,
                  fmt::format("{} = {}: {}: expected {}", key, value, wrong->key, wrong->expected));
  }
  // Nothing that is known of the card by its name holds of this one.
  changed.id = fmt::format("{}, {} = {}", data_->id, key, value);
  return Card(std::move(changed));
}

}  // namespace doppel
