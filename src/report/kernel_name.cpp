// SPDX-License-Identifier: Apache-2.0
#include "report/kernel_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "report/table.h"

namespace doppel::report {
namespace {

constexpr std::string_view kOperator = "operator";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the operator's symbols end, for a name that holds "operator" at `at`: they may be brackets. `at`
// where it is part of a longer word.
std::size_t after_operator(const std::string& text, std::size_t at) {
  if (text.compare(at, kOperator.size(), kOperator) != 0 || (at > 0 && is_word(text[at - 1]))) return at;
  std::size_t end = at + kOperator.size();
  if (end < text.size() && is_word(text[end])) return at;
  for (const std::string_view symbols :
       {"()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">"}) {
    if (text.compare(end, symbols.size(), symbols) == 0) return end + symbols.size();
  }
  return end;
}

// numba marks its functions "add[abi:v1][abi:…]".
std::string without_abi_tags(std::string text) {
  for (std::size_t at = text.find("[abi:"); at != std::string::npos; at = text.find("[abi:", at)) {
    const std::size_t end = text.find(']', at);
    if (end == std::string::npos) break;
    text.erase(at, end + 1 - at);
  }
  return text;
}

// "<a::b<c>, d::e>" as "<b<...>, e>".
std::string simplified(const std::string& arguments) {
  std::string out;
  std::string word;
  int depth = 0;
  for (const char c : arguments) {
    const bool opens = c == '<' || c == '(' || c == '{';
    const bool closes = c == '>' || c == ')' || c == '}';
    if (opens && ++depth == 2) {
      out += word;
      word.clear();
      out += c == '<' ? "<...>" : c == '(' ? "(...)" : "{...}";
      continue;
    }
    if (closes && --depth >= 1) continue;
    if (depth > 1) continue;
    if (closes && word.empty() && out.ends_with(' ')) out.pop_back();  // "> >"
    if (is_word(c) || c == ' ') {
      word += c;
      if (c == ' ' && word == " ") {
        out += word;
        word.clear();
      }
    } else if (c == ':') {
      word.clear();
    } else {
      out += word;
      word.clear();
      out += c;
    }
  }
  return out + word;
}

// How many characters all texts begin with alike.
template <typename Iterator>
std::size_t common(const std::vector<std::string>& texts, Iterator (*begin)(const std::string&),
                   std::size_t most) {
  std::size_t length = 0;
  for (; length < most; ++length) {
    const char c = *(begin(texts.front()) + static_cast<std::ptrdiff_t>(length));
    if (!std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
          return *(begin(text) + static_cast<std::ptrdiff_t>(length)) == c;
        }))
      break;
  }
  return length;
}

// "base<...Op<3>...>" each; empty texts where it does not fit.
std::vector<std::string> differing_parts(const std::vector<std::string>& names, std::size_t limit) {
  std::vector<std::string> arguments;
  std::size_t shortest = std::string::npos;
  for (const std::string& name : names) {
    arguments.push_back(parts_of(name).arguments);
    shortest = std::min(shortest, arguments.back().size());
  }
  const std::size_t before = common<std::string::const_iterator>(
      arguments, [](const std::string& text) { return text.begin(); }, shortest);
  const std::size_t behind = common<std::string::const_reverse_iterator>(
      arguments, [](const std::string& text) { return text.rbegin(); }, shortest - before);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& text = arguments[i];
    // The whole word, and the template that it is the argument of.
    std::size_t start = before;
    while (start > 0 && is_word(text[start - 1])) --start;
    if (start > 1 && text[start - 1] == '<') {
      --start;
      while (start > 0 && is_word(text[start - 1])) --start;
    }
    std::size_t end = text.size() - behind;
    while (end < text.size() && is_word(text[end])) ++end;
    std::string part = text.substr(start, end - start);
    const auto open = std::count(part.begin(), part.end(), '<') - std::count(part.begin(), part.end(), '>');
    part.append(static_cast<std::size_t>(std::max<std::ptrdiff_t>(open, 0)), '>');
    std::string label = fmt::format("{}<...{}...>", parts_of(names[i]).base, part);
    if (width_of(label) > limit) label.clear();
    out.push_back(std::move(label));
  }
  return out;
}

}  // namespace

std::string without_signature(const std::string& name) {
  std::string out = name.starts_with("void ") ? name.substr(5) : name;
  if (!out.ends_with(")")) return out;
  int depth = 0;
  for (std::size_t i = out.size(); i-- > 0;) {
    depth += out[i] == ')' ? 1 : out[i] == '(' ? -1 : 0;
    if (depth == 0) return i > 0 ? out.substr(0, i) : out;
  }
  return out;
}

KernelName parts_of(const std::string& name) {
  const std::string text = without_abi_tags(without_signature(name));
  std::size_t scope_end = 0;
  std::size_t base_end = std::string::npos;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const std::size_t end = after_operator(text, i); end != i) {
      i = end - 1;
      continue;
    }
    const char c = text[i];
    if (c == '<' && depth == 0 && base_end == std::string::npos) base_end = i;
    depth += c == '<' || c == '(' || c == '{' ? 1 : c == '>' || c == ')' || c == '}' ? -1 : 0;
    if (depth == 0 && text.compare(i, 2, "::") == 0) {
      scope_end = i + 2;
      base_end = std::string::npos;
    }
  }
  KernelName parts;
  parts.scope = text.substr(0, scope_end);
  parts.base = text.substr(scope_end, base_end == std::string::npos ? base_end : base_end - scope_end);
  parts.base.erase(parts.base.find_last_not_of(' ') + 1);  // "operator< <int>"
  if (base_end != std::string::npos) parts.arguments = text.substr(base_end);
  return parts;
}

std::string fitted_name(const std::string& name, std::size_t limit) {
  const std::string whole = name.starts_with("void ") ? name.substr(5) : name;
  const KernelName parts = parts_of(name);
  const std::array<std::string, 5> forms = {
      whole, parts.scope + parts.base + parts.arguments, parts.base + parts.arguments,
      parts.base + simplified(parts.arguments), parts.base + (parts.arguments.empty() ? "" : "<...>")};
  for (const std::string& form : forms) {
    if (width_of(form) <= limit) return form;
  }
  return shortened(parts.base, limit);
}

std::vector<std::string> told_apart(const std::vector<std::string>& names, std::size_t limit) {
  std::vector<std::string> out = differing_parts(names, limit);
  const std::set<std::string> different(out.begin(), out.end());
  if (different.size() == names.size()) return out;
  out.clear();
  for (const std::string& name : names) {
    const std::string mark = fmt::format(" #{}", out.size() + 1);
    out.push_back(fitted_name(name, limit > mark.size() ? limit - mark.size() : limit) + mark);
  }
  return out;
}

}  // namespace doppel::report
