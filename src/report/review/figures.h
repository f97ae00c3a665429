// SPDX-License-Identifier: Apache-2.0
// Every number of the page goes through here: it is written down with the way it was obtained, and the page
// names its entry. Text beside it must hold no number; a test reads the page and looks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace doppel::report::review {

enum class How : std::uint8_t {
  Specification,  // from the card's file, with its mark and source
  Derived,        // computed here from other figures
  Predicted,      // by a run of the suite on the card's double
  Published,      // measured elsewhere on a real card
  ModelError,     // of predictions against measurements of real cards
  Setting,        // chosen for the run: sizes and the like
};

struct Figure {
  std::string id;  // "run.rtx-a6000.fma-fp32"
  How how = How::Derived;
  std::string source;               // where it is from, or how it follows
  std::string text;                 // as printed
  std::optional<double> value;      // none: words with numbers in them
  std::string unit;                 // of `value`
  std::string card;                 // id; empty: of no single card
  std::string mark;                 // of a specification: M, M-n, V, R, D, K
  std::vector<std::string> from;    // ids, of what is derived
  std::optional<double> low, high;  // by the model's mean error, where it is predicted
};

class Figures {
 public:
  // The element to print. The same id may be printed often; it has one text.
  std::string show(Figure figure);
  // A name with digits in it, such as a card's.
  std::string name(const std::string& text);
  // Where something is from.
  std::string cite(const std::string& text);

  const std::map<std::string, Figure>& all() const { return figures_; }
  const std::set<std::string>& names() const { return names_; }
  const std::set<std::string>& sources() const { return sources_; }

 private:
  std::map<std::string, Figure> figures_;
  std::set<std::string> names_;
  std::set<std::string> sources_;
};

// "specification", ...: as the JSON and the page's classes call it.
std::string word(How how);

}  // namespace doppel::report::review
