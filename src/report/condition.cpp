// SPDX-License-Identifier: Apache-2.0
#include "report/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "report/diagnostics.h"
#include "report/figures.h"
#include "support/nearest.h"

namespace doppel::report {

// An operation on the values of its parts, a number, or a figure of the report.
struct Condition::Node {
  enum class Kind : std::uint8_t { Number, Figure, Operation } kind = Kind::Number;
  double number = 0;
  const Figure* figure = nullptr;
  std::string kernel;  // of a figure: a part of a kernel's name
  std::string card;    // of a figure: one run's
  std::string operation;
  std::vector<std::shared_ptr<const Node>> parts;
};

namespace {

using Node = Condition::Node;
using NodePointer = std::shared_ptr<const Node>;

struct Unit {
  std::string_view name;
  double factor;  // to the unit of the report's figures: microseconds, joules, bytes
};
constexpr Unit kUnits[] = {{"ns", 1e-3},
                           {"us", 1},
                           {"ms", 1e3},
                           {"s", 1e6},
                           {"uJ", 1e-6},
                           {"mJ", 1e-3},
                           {"J", 1},
                           {"B", 1},
                           {"KiB", 1024},
                           {"MiB", 1024.0 * 1024},
                           {"GiB", 1024.0 * 1024 * 1024},
                           {"x", 1}};

// Thrown inside this file only.
struct BadText {
  std::size_t at;
  std::string expected;
};
struct NotKnown {
  std::string what;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  NodePointer whole() {
    NodePointer out = any_of();
    skip();
    if (at_ < text_.size()) throw BadText{at_, "an operator, or the end"};
    return out;
  }

 private:
  // A text of brackets alone must not use up the stack; nobody writes deeper than this.
  struct Depth {
    static constexpr int kDeepest = 100;
    Parser& parser;
    explicit Depth(Parser& p) : parser(p) {
      if (++parser.depth_ > kDeepest) throw BadText{parser.at_, "fewer brackets"};
    }
    ~Depth() { --parser.depth_; }
  };
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  static bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    const std::size_t end = at_ + token.size();
    if (in_word(token.back()) && end < text_.size() && in_word(text_[end])) return false;
    at_ = end;
    return true;
  }
  std::string word() {
    const std::size_t start = at_;
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  static NodePointer operation(std::string name, std::vector<NodePointer> parts) {
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::Operation;
    node->operation = std::move(name);
    node->parts = std::move(parts);
    return node;
  }

  NodePointer any_of() {
    NodePointer left = all_of();
    while (take("or") || take("||")) left = operation("or", {left, all_of()});
    return left;
  }
  NodePointer all_of() {
    NodePointer left = negated();
    while (take("and") || take("&&")) left = operation("and", {left, negated()});
    return left;
  }
  NodePointer negated() {
    skip();
    const bool inequality = text_.substr(at_).starts_with("!=");
    if (take("not") || (!inequality && take("!"))) {
      const Depth depth(*this);
      return operation("not", {negated()});
    }
    return comparison();
  }
  NodePointer comparison() {
    NodePointer left = sum();
    for (const char* symbol : {"<=", ">=", "==", "!=", "<", ">"}) {
      if (take(symbol)) return operation(symbol, {left, sum()});
    }
    return left;
  }
  NodePointer sum() {
    NodePointer left = product();
    while (true) {
      if (take("+"))
        left = operation("+", {left, product()});
      else if (take("-"))
        left = operation("-", {left, product()});
      else
        return left;
    }
  }
  NodePointer product() {
    NodePointer left = factor();
    while (true) {
      if (take("*"))
        left = operation("*", {left, factor()});
      else if (take("/"))
        left = operation("/", {left, factor()});
      else
        return left;
    }
  }
  NodePointer factor() {
    const Depth depth(*this);
    if (take("-")) return operation("negate", {factor()});
    if (take("(")) {
      NodePointer inner = any_of();
      if (!take(")")) throw BadText{at_, "')'"};
      return inner;
    }
    skip();
    if (at_ == text_.size()) throw BadText{at_, "a figure or a number"};
    const char c = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') return number();
    if (in_word(c)) return figure();
    throw BadText{at_, "a figure or a number"};
  }
  NodePointer number() {
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    auto node = std::make_shared<Node>();
    node->number = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) throw BadText{at_, "a number"};
    at_ += static_cast<std::size_t>(end - rest.c_str());
    const std::size_t before = at_;
    skip();
    const std::size_t unit_at = at_;
    const std::string unit = word();
    if (unit.empty() || unit == "and" || unit == "or") {
      at_ = before;
      return node;
    }
    const auto* known =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == unit; });
    if (known == std::end(kUnits)) throw BadText{unit_at, "a unit (ns us ms s, uJ mJ J, B KiB MiB GiB, x)"};
    node->number *= known->factor;
    return node;
  }
  NodePointer figure() {
    const std::size_t start = at_;
    const std::string name = word();
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::Figure;
    node->figure = find_figure(name);
    if (node->figure == nullptr) {
      std::vector<std::string> known;
      for (const Figure& each : figures()) known.emplace_back(each.name);
      const std::string near = nearest_name(name, known);
      throw BadText{start, near.empty() ? fmt::format("one of {}", fmt::join(known, ", "))
                                        : fmt::format("a figure; did you mean '{}'?", near)};
    }
    if (take("(")) {
      skip();
      const std::size_t at = at_;
      const char quote = at_ < text_.size() ? text_[at_] : ' ';
      const std::size_t end =
          quote == '"' || quote == '\'' ? text_.find(quote, at_ + 1) : std::string_view::npos;
      if (end == std::string_view::npos) throw BadText{at, "a part of a kernel's name in quotes"};
      node->kernel = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      if (node->figure->of_kernel == nullptr)
        throw BadText{start, fmt::format("'{}' without a kernel", name)};
      if (!take(")")) throw BadText{at_, "')'"};
    }
    if (take("@")) {
      const std::size_t at = at_;
      if (node->figure->of_run == nullptr) throw BadText{at - 1, fmt::format("'{}' without a card", name)};
      // Ids of cards hold '-', so a subtraction behind one needs a space.
      while (at_ < text_.size() && (in_word(text_[at_]) || text_[at_] == '-' || text_[at_] == '.')) ++at_;
      node->card = text_.substr(at, at_ - at);
      if (node->card.empty()) throw BadText{at, "the id of a card"};
    }
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

double figure_value(const Node& node, const Report& report, const Run& tried) {
  if (node.figure->of_report != nullptr) {
    const std::optional<double> value = node.figure->of_report(report);
    if (value) return *value;
    throw NotKnown{fmt::format("{} is not known{}", node.figure->name,
                               report.verdict.withheld.empty()
                                   ? report.runs.size() < 2 ? ": one card was run" : ""
                                   : ": " + report.verdict.withheld)};
  }
  const Run* run = &tried;
  if (!node.card.empty()) {
    const auto found = std::find_if(report.runs.begin(), report.runs.end(),
                                    [&](const Run& r) { return r.card == node.card; });
    if (found == report.runs.end()) throw NotKnown{fmt::format("no run on the card '{}'", node.card)};
    run = &*found;
  }
  std::optional<double> value;
  if (node.kernel.empty()) {
    value = node.figure->of_run(*run);
  } else {
    bool any = false;
    for (const device::KernelRecord& kernel : run->kernels) {
      if (kernel.name.find(node.kernel) == std::string::npos) continue;
      any = true;
      if (run->timed() || !node.figure->is_timed) value = value.value_or(0) + node.figure->of_kernel(kernel);
    }
    if (!any) throw NotKnown{fmt::format("no kernel '{}' on {}", node.kernel, run->card_name)};
  }
  if (!value)
    throw NotKnown{
        fmt::format("{} is not known: nothing was timed on {}", node.figure->name, run->card_name)};
  return *value;
}

double value_of(const Node& node, const Report& report, const Run& run) {
  if (node.kind == Node::Kind::Number) return node.number;
  if (node.kind == Node::Kind::Figure) return figure_value(node, report, run);
  const auto part = [&](std::size_t i) { return value_of(*node.parts[i], report, run); };
  const std::string& o = node.operation;
  if (o == "or") return part(0) != 0 || part(1) != 0 ? 1 : 0;
  if (o == "and") return part(0) != 0 && part(1) != 0 ? 1 : 0;
  if (o == "not") return part(0) == 0 ? 1 : 0;
  if (o == "negate") return -part(0);
  const double left = part(0);
  const double right = part(1);
  if (o == "+") return left + right;
  if (o == "-") return left - right;
  if (o == "*") return left * right;
  if (o == "/") {
    if (right == 0) throw NotKnown{"a division by 0"};
    return left / right;
  }
  const bool holds = o == "<"    ? left < right
                     : o == "<=" ? left <= right
                     : o == ">"  ? left > right
                     : o == ">=" ? left >= right
                     : o == "==" ? left == right
                                 : left != right;
  return holds ? 1 : 0;
}

}  // namespace

Result<Condition> Condition::parse(const std::string& text) {
  try {
    Condition out;
    out.text_ = text;
    out.root_ = Parser(text).whole();
    return out;
  } catch (const BadText& bad) {
    return fail(Error::Kind::InvalidArgument, fmt::format("--fail-if: expected {}\n  {}\n  {}^", bad.expected,
                                                          text, std::string(bad.at, ' ')));
  }
}

Result<bool> Condition::holds(const Report& report) const {
  try {
    return std::any_of(report.runs.begin(), report.runs.end(),
                       [&](const Run& run) { return value_of(*root_, report, run) != 0; });
  } catch (const NotKnown& missing) {
    return fail(Error::Kind::NotFound, missing.what);
  }
}

}  // namespace doppel::report
