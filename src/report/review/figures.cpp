// SPDX-License-Identifier: Apache-2.0
#include "report/review/figures.h"

#include <fmt/format.h>

#include "report/html_text.h"

namespace doppel::report::review {

std::string word(How how) {
  switch (how) {
    case How::Specification:
      return "specification";
    case How::Derived:
      return "derived";
    case How::Predicted:
      return "predicted";
    case How::Published:
      return "published";
    case How::ModelError:
      return "error";
    case How::Setting:
      return "setting";
  }
  return "";
}

std::string Figures::show(Figure figure) {
  const std::string how = figure.how == How::Specification && !figure.mark.empty()
                              ? fmt::format("specification ({}): {}", figure.mark, figure.source)
                              : fmt::format("{}: {}", word(figure.how), figure.source);
  std::string out = fmt::format(
      R"(<data class="{}" data-figure="{}"{} title="{}">{}</data>)", word(figure.how), escaped(figure.id),
      figure.value ? fmt::format(" value=\"{}\"", *figure.value) : "", escaped(how), escaped(figure.text));
  figures_.try_emplace(figure.id, std::move(figure));
  return out;
}

std::string Figures::name(const std::string& text) {
  names_.insert(text);
  return fmt::format("<span class=\"name\">{}</span>", escaped(text));
}

std::string Figures::cite(const std::string& text) {
  sources_.insert(text);
  return fmt::format("<cite>{}</cite>", escaped(text));
}

}  // namespace doppel::report::review
