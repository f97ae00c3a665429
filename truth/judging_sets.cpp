// SPDX-License-Identifier: Apache-2.0
// The sets that judge: no parameter of a card was read from them, and no rule of the model was chosen on
// them.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "inputs.h"
#include "runner.h"
#include "sets.h"
#include "truth_kernels.h"

namespace doppel::truth {
namespace {

// kernels.csv: the value of the row of a card whose kernel and shape begin so.
double measured_value(const std::string& card, const std::string& kernel, const std::string& shape) {
  std::ifstream in = open("kernels.csv");
  for (std::string line; std::getline(in, line);) {
    std::array<std::string, 4> fields;
    std::size_t at = 0;
    for (std::string& field : fields) {
      const bool quoted = at < line.size() && line[at] == '"';
      const std::size_t end = quoted ? line.find('"', at + 1) : line.find(',', at);
      if (end == std::string::npos) break;
      field = line.substr(at + quoted, end - at - quoted);
      at = end + 1 + quoted;
    }
    if (fields[0] == card && fields[1].starts_with(kernel) && fields[2].starts_with(shape))
      return std::stod(fields[3]);
  }
  throw std::runtime_error(fmt::format("truth/kernels.csv has no row of {}, {}, {}", card, kernel, shape));
}

constexpr double kPi05ClockMhz = 1897;  // to which the rows of that source were locked

}  // namespace

std::vector<Row> run_roofline() {
  constexpr unsigned kBlock = 256, kElements = 4000;
  const Card card = find_card("a40");
  // The mean of the cards' GB/s and MHz by multiply-adds an element. The clock is the measured one, since the
  // power model was read from these rows: what is judged here is the time at that clock.
  struct Mean {
    double bandwidth = 0, mhz = 0;
    int cards = 0;
    unsigned blocks = 0;
  };
  std::map<unsigned, Mean> means;
  std::ifstream in = open("a40/roofline-power.csv");
  for (std::string line; std::getline(in, line);) {
    unsigned gpu = 0, blocks = 0, turns = 0;
    double flop_per_byte = 0, bandwidth = 0, gflops = 0, mhz = 0;
    if (std::sscanf(line.c_str(), "%u,%u,%u,%lf,%lf,%lf,%lf", &gpu, &blocks, &turns, &flop_per_byte,
                    &bandwidth, &gflops, &mhz) != 7) {
      continue;
    }
    Mean& mean = means[turns];
    mean.bandwidth += bandwidth;
    mean.mhz += mhz;
    mean.blocks = blocks;
    ++mean.cards;
  }
  Runner runner(card, kJudgingPtx);
  const std::uint64_t bytes = std::uint64_t{means.at(0).blocks} * kBlock * kElements * sizeof(float);
  const Buffer a = runner.allocate(bytes), b = runner.allocate(bytes), c = runner.allocate(4096);
  std::vector<Row> rows;
  for (const unsigned turns :
       {0U, 8U, 16U, 24U, 32U, 48U, 64U, 96U, 120U, 160U, 200U, 240U, 320U, 400U, 480U}) {
    const auto found = means.find(turns);
    if (found == means.end()) continue;
    const Mean& mean = found->second;
    const Prediction prediction =
        runner.session
            .trace(runner.module, {fmt::format("roofline_{}", turns), {mean.blocks}, {kBlock}, {a, b, c}})
            .predict(card.with("clocks.sustained_mhz", mean.mhz / mean.cards), /*cold=*/false);
    rows.push_back({fmt::format("{} multiply-adds", turns), mean.bandwidth / mean.cards,
                    2.0 * static_cast<double>(bytes) / prediction.time_us * 1e-3, "GB/s",
                    note_of(prediction)});
  }
  return rows;
}

std::vector<Row> run_matrix_vector() {
  const Card card = find_card("rtx-a6000");
  constexpr unsigned kBlock = 256, kRowsABlock = kBlock / 32;
  struct Shape {
    unsigned columns, rows;  // of the weights: inputs, outputs
  };
  Runner runner(card, kJudgingPtx);
  std::vector<Row> rows;
  for (const Shape shape : {Shape{5376, 43008}, {21504, 5376}, {5376, 16384}, {8192, 5376}, {5376, 262144}}) {
    const Buffer weights = runner.allocate(std::uint64_t{shape.columns} * shape.rows * 2),
                 x = runner.allocate(shape.columns * sizeof(float)),
                 out = runner.allocate(shape.rows * sizeof(float));
    const std::string name = fmt::format("{} x {}", shape.columns, shape.rows);
    const Prediction prediction = runner.predict(
        {"matrix_vector", {shape.rows / kRowsABlock}, {kBlock}, {weights, x, out, shape.columns}});
    rows.push_back({name, measured_value("rtx-a6000", "matrix-vector", name) * 1e3, prediction.time_us, "us",
                    note_of(prediction)});
    runner.session.free(weights);
    runner.session.free(x);
    runner.session.free(out);
  }
  return rows;
}

std::vector<Row> run_gather_rows() {
  const Card card = find_card("rtx-a6000");
  constexpr unsigned kTokens = 8192, kRowBytes = 5376 * 2, kTableRows = 262144;
  Runner runner(card, kJudgingPtx);
  const Buffer table = runner.allocate(std::uint64_t{kTableRows} * kRowBytes),
               tokens = runner.allocate(kTokens * sizeof(unsigned)),
               out = runner.allocate(std::uint64_t{kTokens} * kRowBytes);
  std::uint64_t state = 12345;
  std::vector<unsigned> chosen(kTokens);
  for (unsigned& token : chosen) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    token = static_cast<unsigned>(state >> 33) % kTableRows;
  }
  runner.session.write(tokens, chosen.data(), kTokens * sizeof(unsigned));
  const Prediction prediction =
      runner.predict({"gather_rows", {kTokens}, {256}, {table, tokens, out, kRowBytes / 16U}});
  return {{"8192 rows of 10752 bytes", measured_value("rtx-a6000", "embedding gather", "8192") * 1e3,
           prediction.time_us, "us", note_of(prediction)}};
}

std::vector<Row> run_lattice_boltzmann() {
  constexpr unsigned kSize = 256, kBlock = 256;
  constexpr std::uint64_t kCells = std::uint64_t{kSize} * kSize * kSize;
  std::vector<Row> rows;
  for (const char* id : {"rtx-a6000", "a40"}) {
    Runner runner(find_card(id), kJudgingPtx);
    const Buffer in = runner.allocate(kCells * 19 * sizeof(float)),
                 out = runner.allocate(kCells * 19 * sizeof(float)), flags = runner.allocate(kCells);
    const Prediction prediction = runner.predict({"lattice_boltzmann",
                                                  {static_cast<unsigned>(kCells / kBlock)},
                                                  {kBlock},
                                                  {in, out, flags, kSize, 1.0F}});
    rows.push_back({fmt::format("D3Q19, {}", id), measured_value(id, "lattice Boltzmann", "large"),
                    static_cast<double>(kCells) / prediction.time_us, "MLUPS", note_of(prediction)});
  }
  return rows;
}

std::vector<Row> run_rowwise() {
  const Card card = find_card("rtx-pro-5000-blackwell").with("clocks.sustained_mhz", kPi05ClockMhz);
  Runner runner(card, kJudgingPtx);
  const Buffer in = runner.allocate(968ULL * 32768 * 2), out = runner.allocate(968ULL * 16384 * 2);
  std::vector<Row> rows;
  const auto add = [&](const char* what, int launches, const Launch& launch) {
    const Prediction prediction = runner.predict(launch);
    rows.push_back({what, measured_value("rtx-pro-5000-blackwell", what, "1897") / launches,
                    prediction.time_us, "us", note_of(prediction)});
  };
  add("softmax [8,968,968]", 17, {"softmax", {8 * 968}, {256}, {in, out}});
  add("GeGLU [968,16384]", 17, {"geglu", {16384 / 8 / 256, 968}, {256}, {in, out, 16384U / 8}});
  return rows;
}

}  // namespace doppel::truth
