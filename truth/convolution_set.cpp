// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "inputs.h"
#include "runner.h"
#include "sets.h"

namespace doppel::truth {
namespace {

constexpr int kImage = 4096;  // kernels/convolution.cu has it too
constexpr int kEvery = 5;     // rows of which one is taken

struct Configuration {
  int block_x = 0, block_y = 0, tile_x = 0, tile_y = 0, read_only = 0, padding = 0;
  int filter_height = 0, filter_width = 0;
  double median_ms = 0;
};

bool parse(const std::string& line, Configuration& c) {
  int shared = 0, constant = 0;
  double least = 0;
  return std::sscanf(line.c_str(), "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%lf,%lf", &c.block_x, &c.block_y, &c.tile_x,
                     &c.tile_y, &c.read_only, &c.padding, &shared, &constant, &c.filter_height,
                     &c.filter_width, &least, &c.median_ms) == 12 &&
         shared == 1 && constant == 1;
}

// The kernel with a configuration's numbers, as PTX: made as the other kernels are, but when it is asked for,
// since there are so many.
std::string compile(const Configuration& c) {
  const std::string command = fmt::format(
      "{} -DBLOCK_SIZE_X={} -DBLOCK_SIZE_Y={} -DTILE_SIZE_X={} -DTILE_SIZE_Y={} -DREAD_ONLY={} "
      "-DUSE_PADDING={} "
      "-DFILTER_HEIGHT={} -DFILTER_WIDTH={} -S -o - '{}/truth/kernels/convolution.cu'",
      DOPPEL_PTX_COMMAND, c.block_x, c.block_y, c.tile_x, c.tile_y, c.read_only, c.padding, c.filter_height,
      c.filter_width, DOPPEL_SOURCE_DIR);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error(command + ": does not start");
  std::string text;
  std::array<char, 65536> part{};
  for (std::size_t count = 0; (count = std::fread(part.data(), 1, part.size(), pipe.get())) > 0;)
    text.append(part.data(), count);
  if (text.empty()) throw std::runtime_error(command + ": no PTX");
  return text;
}

unsigned blocks_for(int pixels) { return static_cast<unsigned>((kImage + pixels - 1) / pixels); }

}  // namespace

std::vector<Row> run_convolution() {
  const Card card = find_card("rtx-a6000");
  std::ifstream in = open("conv-a6000.csv");
  std::vector<Row> rows;
  int number = -1;
  for (std::string line; std::getline(in, line);) {
    Configuration c;
    if (!parse(line, c) || ++number % kEvery != 0) continue;
    const std::string ptx = compile(c);
    Runner runner(card, ptx.c_str());
    const auto pixels = [](int width, int height) {
      return static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height) * sizeof(float);
    };
    const Buffer output = runner.allocate(pixels(kImage, kImage));
    const Buffer input =
        runner.allocate(pixels(kImage + c.filter_width / 2 * 2, kImage + c.filter_height / 2 * 2));
    const Extent block{static_cast<unsigned>(c.block_x), static_cast<unsigned>(c.block_y), 1};
    const Extent grid{blocks_for(c.block_x * c.tile_x), blocks_for(c.block_y * c.tile_y), 1};
    const Prediction prediction = runner.predict({"convolution", grid, block, {output, input}});
    rows.push_back({fmt::format("{}x{} threads of {}x{}{}{}", c.block_x, c.block_y, c.tile_x, c.tile_y,
                                c.padding != 0 ? " padded" : "", c.read_only != 0 ? " nc" : ""),
                    c.median_ms * 1000, prediction.time_us, "us", note_of(prediction)});
  }
  return rows;
}

}  // namespace doppel::truth
