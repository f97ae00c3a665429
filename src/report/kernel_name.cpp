#include "report/kernel_name.h"

#include <array>
#include <cctype>
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

}  // namespace doppel::report
