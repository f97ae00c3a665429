// SPDX-License-Identifier: Apache-2.0
#include "page_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

namespace doppel::report {
namespace {

struct Element {
  std::string tag;
  std::map<std::string, std::string> attributes;
  std::string text;  // of it and of what it holds
};

std::string plain(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kEntities{
      {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}};
  for (const auto& [entity, character] : kEntities) {
    for (std::size_t at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1))
      text.replace(at, entity.size(), character);
  }
  return text;
}

bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// fp16, sm_120, sgemm-step-1: digits of a word that begins with a letter are no number.
bool is_word(std::string_view token) {
  constexpr std::string_view kPunctuation = "().,;:";
  while (!token.empty() && kPunctuation.find(token.front()) != std::string_view::npos) token.remove_prefix(1);
  while (!token.empty() && kPunctuation.find(token.back()) != std::string_view::npos) token.remove_suffix(1);
  return !token.empty() && std::isalpha(static_cast<unsigned char>(token.front())) != 0 &&
         std::ranges::all_of(token,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

class PageReader {
 public:
  PageReader(const std::string& html, const nlohmann::json& json) : html_(html), json_(json) {}

  std::vector<std::string> read() {
    // The head holds the title, which is a name, and the style.
    at_ = html_.find("<body");
    if (at_ == std::string::npos) return {"the page has no body"};
    while (at_ < html_.size() && html_.compare(at_, 7, "</html>") != 0) {
      if (html_[at_] == '<') {
        tag();
      } else {
        const std::size_t end = std::min(html_.find('<', at_), html_.size());
        text(plain(html_.substr(at_, end - at_)));
        at_ = end;
      }
    }
    return faults_;
  }

 private:
  void tag() {
    const std::size_t end = end_of_tag();
    std::string inside = html_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (inside.starts_with("/")) return close(inside.substr(1));
    const bool closed = inside.ends_with("/");
    if (closed) inside.pop_back();
    Element element = parse(inside);
    for (const char* attribute : {"src", "href", "srcset", "action", "poster"}) {
      const auto found = element.attributes.find(attribute);
      if (found != element.attributes.end() && !found->second.starts_with("#"))
        faults_.push_back("fetched: " + found->second);
    }
    constexpr std::array<std::string_view, 4> kForbidden{"script", "link", "iframe", "object"};
    if (std::ranges::find(kForbidden, element.tag) != kForbidden.end())
      faults_.push_back("an element " + element.tag);
    if (!closed && element.tag != "br") open_.push_back(std::move(element));
  }

  // '>' may stand in an attribute.
  std::size_t end_of_tag() const {
    bool quoted = false;
    for (std::size_t i = at_; i < html_.size(); ++i) {
      if (html_[i] == '"') quoted = !quoted;
      if (html_[i] == '>' && !quoted) return i;
    }
    return html_.size();
  }

  static Element parse(const std::string& inside) {
    Element out;
    std::size_t i = inside.find_first_of(" \n");
    out.tag = inside.substr(0, i);
    while (i < inside.size()) {
      const std::size_t equals = inside.find("=\"", i);
      if (equals == std::string::npos) break;
      const std::size_t begin = inside.find_first_not_of(" \n", i);
      const std::size_t quote = inside.find('"', equals + 2);
      out.attributes[inside.substr(begin, equals - begin)] =
          plain(inside.substr(equals + 2, quote - equals - 2));
      i = quote + 1;
    }
    return out;
  }

  void text(const std::string& text) {
    for (Element& element : open_) element.text += text;
    const bool answered = std::ranges::any_of(open_, [](const Element& element) {
      return element.tag == "data" || element.tag == "cite" ||
             (element.attributes.contains("class") && element.attributes.at("class") == "name");
    });
    if (answered) return;
    std::istringstream tokens(text);
    for (std::string token; tokens >> token;) {
      if (has_digit(token) && !is_word(token)) faults_.push_back("no entry for '" + token + "'");
    }
  }

  void close(const std::string& tag) {
    if (open_.empty() || open_.back().tag != tag) {
      faults_.push_back("'" + tag + "' is closed and not open");
      return;
    }
    const Element element = std::move(open_.back());
    open_.pop_back();
    const auto lists = [&](const char* list) {
      const auto is_it = [&](const nlohmann::json& each) { return each == element.text; };
      if (std::ranges::none_of(json_.at(list), is_it))
        faults_.push_back("'" + element.text + "' is not in " + list);
    };
    if (tag == "data") figure(element);
    if (tag == "cite") lists("sources");
    if (element.attributes.contains("class") && element.attributes.at("class") == "name") lists("names");
  }

  void figure(const Element& element) {
    const auto id = element.attributes.find("data-figure");
    if (id == element.attributes.end() || !json_.at("figures").contains(id->second)) {
      faults_.push_back("no entry for '" + element.text + "'");
      return;
    }
    const nlohmann::json& entry = json_.at("figures").at(id->second);
    if (entry.value("text", "") != element.text)
      faults_.push_back(id->second + " is '" + element.text + "' here and '" + entry.value("text", "") +
                        "' in the JSON");
    constexpr std::array<std::string_view, 6> kWays{"specification", "derived", "predicted",
                                                    "published",     "error",   "setting"};
    if (std::ranges::find(kWays, entry.value("how", "")) == kWays.end() || entry.value("source", "").empty())
      faults_.push_back(id->second + " does not say how it was obtained");
  }

  const std::string& html_;
  const nlohmann::json& json_;
  std::size_t at_ = 0;
  std::vector<Element> open_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> faults_of_page(const std::string& html, const std::string& json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) return {"the JSON is none"};
  std::vector<std::string> faults = PageReader(html, parsed).read();
  for (const char* fetched : {"@import", "url("}) {
    if (html.find(fetched) != std::string::npos) faults.emplace_back(std::string("the style has ") + fetched);
  }
  return faults;
}

}  // namespace doppel::report
