// SPDX-License-Identifier: Apache-2.0
// What the cards' files say, and the peaks that follow.
#include <fmt/format.h>

#include "card/peaks.h"
#include "report/html_text.h"
#include "report/quantities.h"
#include "report/review/sections.h"
#include "report/review/shown.h"

namespace doppel::report::review {
namespace {

// Counts with all their digits.
std::string count(double value) { return value < 10000 ? fmt::format("{:.0f}", value) : figures(value); }

// One number of the file as a cell.
struct FileRow {
  const char* name;
  const char* key;
  const char* unit;
  double (*value)(const card::Card&);
  std::string (*text)(double) = count;
};

const FileRow kRows[] = {
    {"Streaming multiprocessors (SMs)", "sm_count", "",
     [](const card::Card& c) { return double(c.sm_count); }},
    {"Boost clock, advertised", "clocks.boost_mhz", "MHz",
     [](const card::Card& c) { return c.clocks.boost_mhz; }},
    {"Maximum clock", "clocks.max_mhz", "MHz", [](const card::Card& c) { return c.clocks.max_mhz; }},
    {"Clock sustained under load, where power allows", "clocks.sustained_mhz", "MHz",
     [](const card::Card& c) { return c.clocks.sustained_mhz; }},
    {"Memory for programs", "memory.bytes", "", [](const card::Card& c) { return double(c.memory.bytes); },
     bytes_text},
    {"Memory bus", "memory.bus_width_bits", "bits",
     [](const card::Card& c) { return double(c.memory.bus_width_bits); }},
    {"L2 cache", "l2.bytes", "", [](const card::Card& c) { return double(c.l2.bytes); }, bytes_text},
    {"L1 cache and shared memory of each SM", "l1.bytes", "",
     [](const card::Card& c) { return double(c.l1.bytes); }, bytes_text},
    {"Shared memory of a block of threads, at most", "shared.bytes_per_block_optin", "",
     [](const card::Card& c) { return double(c.shared.bytes_per_block_optin); }, bytes_text},
    {"Threads on each SM, at most", "sm.max_threads", "",
     [](const card::Card& c) { return double(c.sm.max_threads); }},
    {"Registers of each SM", "sm.registers", "", [](const card::Card& c) { return double(c.sm.registers); }},
    {"Power limit", "power.limit_w", "W", [](const card::Card& c) { return c.power.limit_w; }},
    {"PCI Express, generation", "pcie.generation", "",
     [](const card::Card& c) { return double(c.pcie.generation); }},
    {"PCI Express, lanes", "pcie.lanes", "", [](const card::Card& c) { return double(c.pcie.lanes); }},
    {"Copy engines", "engines.copy", "", [](const card::Card& c) { return double(c.engines.copy); }},
};

// Units of the card by those of an SM.
struct CoreRow {
  const char* name;
  const char* id;
  const char* key;
  int (*per_sm)(const card::Card&);
};
const CoreRow kCores[] = {
    {"CUDA cores", "cuda_cores", "sm.fp32_cores", [](const card::Card& c) { return c.sm.fp32_cores; }},
    {"Tensor cores", "tensor_cores", "sm.tensor_cores",
     [](const card::Card& c) { return c.sm.tensor_cores; }},
    {"RT cores", "rt_cores", "sm.rt_cores", [](const card::Card& c) { return c.sm.rt_cores; }},
};

struct PeakRow {
  const char* name;
  const char* id;
  const char* unit;
  double (*value)(const card::Peaks&);
  const char* how;
  std::vector<std::string> keys;
};
const std::vector<PeakRow>& peak_rows() {
  static const std::vector<PeakRow> rows = {
      {"FP32",
       "fp32",
       "TFLOPS",
       [](const card::Peaks& p) { return p.fp32_tflops; },
       "two operations a lane, SM and cycle of boost",
       {"sm_count", "pipes.fp32.per_cycle", "clocks.boost_mhz"}},
      {"FP16 outside tensor cores",
       "fp16",
       "TFLOPS",
       [](const card::Peaks& p) { return p.fp16_tflops; },
       "four operations a lane, SM and cycle of boost",
       {"sm_count", "pipes.fp16.per_cycle", "clocks.boost_mhz"}},
      {"FP64",
       "fp64",
       "TFLOPS",
       [](const card::Peaks& p) { return p.fp64_tflops; },
       "two operations a lane, SM and cycle of boost",
       {"sm_count", "pipes.fp64.per_cycle", "clocks.boost_mhz"}},
      {"INT32 additions",
       "int32",
       "TOPS",
       [](const card::Peaks& p) { return p.int32_tops; },
       "one operation a lane, SM and cycle of boost",
       {"sm_count", "pipes.int32.per_cycle", "clocks.boost_mhz"}},
      {"Memory",
       "memory",
       "GB/s",
       [](const card::Peaks& p) { return p.memory_gb_per_second; },
       "two transfers a cycle over the bus",
       {"memory.clock_mhz", "memory.bus_width_bits"}},
      {"L2, reads",
       "l2",
       "GB/s",
       [](const card::Peaks& p) { return p.l2_gb_per_second; },
       "bytes a cycle of boost",
       {"l2.read_bytes_per_cycle", "clocks.boost_mhz"}},
      {"Shared memory, all SMs",
       "shared",
       "GB/s",
       [](const card::Peaks& p) { return p.shared_gb_per_second; },
       "bytes an SM and cycle of boost",
       {"sm_count", "shared.bytes_per_cycle", "clocks.boost_mhz"}},
      {"PCI Express, each direction",
       "pcie",
       "GB/s",
       [](const card::Peaks& p) { return p.pcie_gb_per_second; },
       "transfers, lanes and encoding",
       {"pcie.gigatransfers_per_second", "pcie.lanes", "pcie.encoding_efficiency"}},
  };
  return rows;
}

}  // namespace

std::string specification(const Review& review, Figures& figures) {
  HtmlTable table{.caption = "", .columns = card_columns(figures, review, "Specification"), .rows = {}};
  const auto words = [&](const char* name, std::string (*of)(const card::Card&)) {
    std::vector<std::string> row = {name};
    for (const CardRun& run : review.cards) row.push_back(escaped(of(run.card)));
    table.rows.push_back(std::move(row));
  };
  words("Chip", [](const card::Card& c) { return c.chip.name + ", " + c.chip.architecture; });
  words("Memory type", [](const card::Card& c) { return c.memory.type + (c.memory.ecc ? " with ECC" : ""); });
  for (const CoreRow& core : kCores) {
    std::vector<std::string> row = {core.name};
    for (const CardRun& run : review.cards) {
      const double all = double(run.card.sm_count) * core.per_sm(run.card);
      row.push_back(figures.show({.id = fmt::format("derived.{}.{}", run.card.id, core.id),
                                  .how = How::Derived,
                                  .source = "those of an SM on all SMs",
                                  .text = count(all),
                                  .value = all,
                                  .card = run.card.id,
                                  .from = {fmt::format("file.{}.sm_count", run.card.id),
                                           fmt::format("file.{}.{}", run.card.id, core.key)}}));
    }
    table.rows.push_back(std::move(row));
  }
  for (const FileRow& each : kRows) {
    std::vector<std::string> row = {*each.unit == '\0' ? each.name
                                                       : fmt::format("{}, {}", each.name, each.unit)};
    for (const CardRun& run : review.cards) {
      const double value = each.value(run.card);
      row.push_back(of_file(figures, run.card, each.key, value, each.unit, each.text(value)));
    }
    table.rows.push_back(std::move(row));
  }
  return paragraph(
             "Each number has its source: point at one, read it in the JSON "
             "beside this page, or ask <code>doppel show CARD --sources</code>.") +
         table_html(table);
}

std::string derived_peaks(const Review& review, Figures& figures) {
  HtmlTable table{.caption =
                      "What the units could do at the advertised boost clock. What programs reach is in the "
                      "sections below.",
                  .columns = card_columns(figures, review, "Peak rate"),
                  .rows = {}};
  for (const PeakRow& peak : peak_rows()) {
    std::vector<std::string> row = {fmt::format("{}, {}", peak.name, peak.unit)};
    for (const CardRun& run : review.cards) {
      row.push_back(derived(figures, run.card,
                            {peak.id, peak.value(card::peaks(run.card)), peak.unit, peak.how, peak.keys}));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

}  // namespace doppel::report::review
