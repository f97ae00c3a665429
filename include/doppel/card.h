// SPDX-License-Identifier: Apache-2.0
// A card as data: read from its file, and changed in memory to ask what another one would take.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace doppel {

namespace card {
struct Card;
}

class Card {
 public:
  // By id ("rtx-a6000"), or by a path that ends in ".toml". Throws Failure: NotFound with the nearest id,
  // InvalidInput with file, line and key.
  static Card find(const std::string& name_or_file);
  // Ids of the cards beside this library, sorted.
  static std::vector<std::string> known();

  std::string id() const;
  std::string name() const;  // "NVIDIA RTX A6000"

  // A number by its key in the card's file: "clocks.sustained_mhz", "sm_count", "l2.bytes". Units are those
  // of the file (docs/adding-a-card.md). Throws Failure: NotFound for a key that there is not, or that is no
  // number.
  double number(const std::string& key) const;
  // The same card with another number; its id tells which. Throws Failure: NotFound; InvalidArgument with the
  // range that the key allows, or where the card would contradict itself.
  Card with(const std::string& key, double value) const;

  // For Doppel's own use.
  const card::Card& data() const { return *data_; }

 private:
  explicit Card(card::Card data);
  std::shared_ptr<const card::Card> data_;
};

}  // namespace doppel
