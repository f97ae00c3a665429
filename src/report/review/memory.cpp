// SPDX-License-Identifier: Apache-2.0
// The memory hierarchy: sizes, rates and latencies of the card's file, and bandwidth at work.
#include <fmt/format.h>

#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {

std::string memory(const Review& review, Figures& figures) {
  HtmlTable levels{.caption = "A load's latency, from its issue until its result can be used",
                   .columns = card_columns(figures, review, "Level"),
                   .rows = {}};
  struct Level {
    const char* name;
    const char* key;
    const char* unit;
    double (*value)(const card::Card&);
  };
  constexpr Level kLevels[] = {
      {"Shared memory, cycles", "shared.load_latency_cycles", "cycles",
       [](const card::Card& c) { return c.shared.load_latency_cycles; }},
      {"L1, cycles", "l1.load_latency_cycles", "cycles",
       [](const card::Card& c) { return c.l1.load_latency_cycles; }},
      {"L2, cycles", "l2.latency_cycles", "cycles", [](const card::Card& c) { return c.l2.latency_cycles; }},
      {"Memory, ns", "memory.latency_ns", "ns", [](const card::Card& c) { return c.memory.latency_ns; }},
  };
  for (const Level& level : kLevels) {
    std::vector<std::string> row = {level.name};
    for (const CardRun& run : review.cards) {
      const double value = level.value(run.card);
      row.push_back(of_file(figures, run.card, level.key, value, level.unit, fmt::format("{:.0f}", value)));
    }
    levels.rows.push_back(std::move(row));
  }
  const auto groups_of = [&](std::initializer_list<const char*> tests, Against against) {
    std::vector<BarGroup> groups;
    for (const char* test : tests) {
      if (BarGroup group = bars_of(figures, review, test, against); !group.bars.empty())
        groups.push_back(std::move(group));
    }
    return groups;
  };
  const std::vector<BarGroup> streams =
      groups_of({"stream-read", "stream-init", "stream-scale", "stream-triad", "transpose"}, Against::Peak);
  const std::vector<BarGroup> textures = groups_of({"texture-bilinear", "texture-nearest"}, Against::Peak);
  const std::vector<BarGroup> caches = groups_of({"cache-shared", "cache-l1", "cache-l2"}, Against::Nothing);
  std::vector<BarGroup> latencies;
  for (const char* test : {"latency-l1", "latency-l2", "latency-memory"}) {
    BarGroup group = bars_of(figures, review, test);
    for (Bar& bar : group.bars) {
      const CardRun& run = review.cards[bar.card];
      const double ns = 1e3 / bar.value;  // a load, of loads in a microsecond
      bar.label += ", " +
                   figures.show({.id = fmt::format("load.{}.{}", run.card.id, test),
                                 .how = How::Derived,
                                 .source = "the inverse of the loads that follow one another",
                                 .text = fmt::format("{:.0f}", ns),
                                 .value = ns,
                                 .unit = "ns",
                                 .card = run.card.id,
                                 .from = {fmt::format("run.{}.{}", run.card.id, test)}}) +
                   " ns each";
    }
    if (!group.bars.empty()) latencies.push_back(std::move(group));
  }
  std::string out = table_html(levels);
  const std::size_t before = out.size();
  const auto add = [&](const char* name, const std::string& words, const std::vector<BarGroup>& groups) {
    if (!groups.empty())
      out += fmt::format("<h4>{}</h4>\n", name) + paragraph(words) + bars_html(groups, Scale::OfEach);
  };
  add("Memory bandwidth",
      "Over arrays that fit no cache; the upright mark is what the memory's bus could carry.", streams);
  add("Caches", "Data that are read again and again and stay there.", caches);
  add("Textures", "The upright mark is what the texture units could do at the advertised boost clock.",
      textures);
  add("Latency", "Loads of which each waits for the one before: more a second is better.", latencies);
  return out + paragraph(out.size() == before ? "No test of memory was run." : band_note(figures, review));
}

}  // namespace doppel::report::review
