// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdio>

#include "inputs.h"
#include "runner.h"
#include "sets.h"
#include "shapes.h"
#include "truth_kernels.h"

namespace doppel::truth {

std::vector<Row> run_stream() {
  const Card card = find_card("a40");
  Runner runner(card, kStreamPtx);
  std::array<Buffer, 4> arrays{};
  for (Buffer& array : arrays) array = runner.allocate(std::uint64_t{kStreamCount} * sizeof(double));
  std::ifstream in = open("a40/stream.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    unsigned block = 0, threads = 0, blocks_per_sm = 0;
    std::array<double, 6> measured{};
    const std::size_t figures = line.find("GB/s:");
    if (figures == std::string::npos ||
        std::sscanf(line.c_str(), "%u %u %u", &block, &threads, &blocks_per_sm) != 3)
      continue;
    if (std::sscanf(line.c_str() + figures, "GB/s: %lf %lf %lf %lf %lf %lf", &measured[0], &measured[1],
                    &measured[2], &measured[3], &measured[4], &measured[5]) != 6) {
      continue;
    }
    for (std::size_t i = 0; i < kStreams.size(); ++i) {
      const std::string name = std::string("stream_") + kStreams[i].name;
      std::vector<Argument> arguments{arrays[0]};
      if (i > 0) arguments.emplace_back(arrays[1]);
      if (kStreams[i].arrays == 4) arguments.insert(arguments.end(), {arrays[2], arrays[3]});
      arguments.emplace_back(kStreamCount);
      const Prediction prediction = runner.predict({name,
                                                    {kStreamCount / block + 1},
                                                    {block},
                                                    std::move(arguments),
                                                    runner.shared_bytes_for(name, blocks_per_sm)});
      rows.push_back({fmt::format("{} {} x {}", kStreams[i].name, block, blocks_per_sm), measured[i],
                      kStreams[i].arrays * 8.0 * kStreamCount / prediction.time_us * 1e-3, "GB/s",
                      note_of(prediction)});
    }
  }
  return rows;
}

std::vector<Row> run_read() {
  constexpr unsigned kCount = 256 * 1024 * 1024;
  constexpr unsigned kBlock = 256;
  const Card card = find_card("rtx-pro-5000-blackwell");
  Runner runner(card, kStreamPtx);
  const Buffer a = runner.allocate(std::uint64_t{kCount} * 8), b = runner.allocate(std::uint64_t{kCount} * 8);
  std::vector<Row> rows;
  const auto add = [&](const char* what, const char* kernel, double measured, double bytes) {
    const Prediction prediction = runner.predict({kernel, {kCount / kBlock}, {kBlock}, {a, b, kCount}});
    rows.push_back({what, measured, bytes * kCount / prediction.time_us * 1e-3, "GB/s", note_of(prediction)});
  };
  add("read stream", "stream_read", 1222, 8);
  add("read and write, as the copy", "stream_scale", 1099, 16);
  return rows;
}

// A launch's time by its size: 10,000 of them one behind the other, between two arrays that take turns.
std::vector<Row> run_small(const char* file, const char* gap) {
  constexpr double kRowStep = 1.5;  // the file goes up in steps of 6 %
  const Card card = find_card("a40");
  Runner runner(card, kStreamPtx);
  std::ifstream in = open(file);
  std::vector<Row> rows;
  double next = 0;
  for (std::string line; std::getline(in, line);) {
    unsigned count = 0;
    std::array<double, 6> measured{};
    if (std::sscanf(line.c_str(), "%u %*s %lf %lf %lf %lf %lf %lf", &count, &measured[0], &measured[1],
                    &measured[2], &measured[3], &measured[4], &measured[5]) != 7 ||
        count < next) {
      continue;
    }
    next = count * kRowStep;
    const std::uint64_t bytes = std::uint64_t{count} * sizeof(double);
    const Buffer a = runner.allocate(bytes), b = runner.allocate(bytes);
    for (const std::size_t column : {0U, 2U, 5U}) {
      const unsigned block = 32U << column;
      const Prediction prediction =
          runner.predict({"stream_scale", {count / block + 1}, {block}, {a, b, count}});
      rows.push_back({fmt::format("{} x {}", count, block), measured[column],
                      2.0 * static_cast<double>(bytes) / (prediction.time_us + card.number(gap)) * 1e-3,
                      "GB/s", note_of(prediction)});
    }
    runner.session.free(a);
    runner.session.free(b);
  }
  return rows;
}

std::vector<Row> run_small_kernels() { return run_small("a40/small-kernels.txt", "launch.gap_us"); }
std::vector<Row> run_small_graph() { return run_small("a40/small-kernels-graph.txt", "launch.graph_gap_us"); }

std::vector<Row> run_l2_stream() {
  constexpr std::uint64_t kCount = (std::uint64_t{1} << 30) + 2;
  constexpr std::uint64_t kMostLength = (std::uint64_t{1} << 27) + 2;
  constexpr double kSizeStep = 1.7;
  struct Kernel {
    const char* name;
    int streams;  // arrays that the measurement counts
  };
  // In the order of the file's columns, three each: best, median, worst.
  const std::array<Kernel, 4> kernels{{{"read", 1}, {"scale", 2}, {"triad", 4}, {"write", 1}}};
  const Card card = find_card("a40");
  Runner runner(card, kL2StreamPtx);
  std::array<Buffer, 4> arrays{};
  for (Buffer& array : arrays) array = runner.allocate(kMostLength * sizeof(double));
  std::ifstream in = open("a40/l2-stream.txt");
  std::vector<Row> rows;
  unsigned size_kb = 0;
  double next_kb = 0;
  for (std::string line; std::getline(in, line);) {
    unsigned block = 0, threads = 0, kb = 0, blocks_per_sm = 0;
    std::array<double, 4> measured{};
    const std::size_t figures = line.find("GB/s:");
    if (figures == std::string::npos ||
        std::sscanf(line.c_str(), "%u %u %u %u", &block, &blocks_per_sm, &threads, &kb) != 4 ||
        std::sscanf(line.c_str() + figures, "GB/s: %*f %lf %*f %*f %lf %*f %*f %lf %*f %*f %lf", &measured[0],
                    &measured[1], &measured[2], &measured[3]) != 4) {
      continue;
    }
    if (kb != size_kb && kb < next_kb) continue;
    if (kb != size_kb) next_kb = (size_kb = kb) * kSizeStep;
    if (block != 96 && block % 256 != 0) continue;
    const auto length = static_cast<unsigned>(std::uint64_t{kb + 1} * 1024 / (2 * sizeof(double)) - 1);
    const auto shift = static_cast<unsigned>(std::bit_width(length) - 1);
    const auto magic = static_cast<unsigned>(((std::uint64_t{1} << (32 + shift)) + length - 1) / length);
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      const std::string name = std::string("round_") + kernels[i].name;
      std::vector<Argument> arguments{arrays[0]};
      if (name != "round_write") arguments.emplace_back(arrays[1]);
      if (kernels[i].streams == 4) arguments.insert(arguments.end(), {arrays[2], arrays[3]});
      arguments.insert(arguments.end(), {kCount, length, magic, shift});
      const Prediction prediction = runner.predict({name,
                                                    {static_cast<unsigned>(kCount / block) + 1},
                                                    {block},
                                                    std::move(arguments),
                                                    runner.shared_bytes_for(name, blocks_per_sm)});
      rows.push_back({fmt::format("{} {} x {}, {} kB", kernels[i].name, block, blocks_per_sm, kb),
                      measured[i], kernels[i].streams * 8.0 * kCount / prediction.time_us * 1e-3, "GB/s",
                      note_of(prediction)});
    }
  }
  return rows;
}

}  // namespace doppel::truth
