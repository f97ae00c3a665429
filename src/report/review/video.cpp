// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string video(const Review& review, Figures& figures) {
  struct Row {
    const char* name;
    const char* key;
    int card::Engines::* count;
  };
  constexpr Row kRows[] = {
      {"NVENC engines", "engines.nvenc", &card::Engines::nvenc},
      {"NVENC generation", "engines.nvenc_generation", &card::Engines::nvenc_generation},
      {"NVDEC engines", "engines.nvdec", &card::Engines::nvdec},
      {"NVDEC generation", "engines.nvdec_generation", &card::Engines::nvdec_generation},
      {"JPEG decoders", "engines.jpeg", &card::Engines::jpeg},
      {"Optical flow", "engines.optical_flow", &card::Engines::optical_flow},
  };
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification only"), .rows = {}};
  for (const Row& each : kRows) {
    std::vector<std::string> row = {each.name};
    for (const CardRun& run : review.cards) {
      const int count = run.card.engines.*each.count;
      row.push_back(of_file(figures, run.card, each.key, count, "", fmt::format("{}", count)));
    }
    table.rows.push_back(std::move(row));
  }
  return paragraph("These engines do not run yet: nothing here was predicted by a run.") + table_html(table);
}

}  // namespace doppel::report::review
