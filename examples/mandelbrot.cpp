// SPDX-License-Identifier: Apache-2.0
// Draws the Mandelbrot set on the card and writes it as a picture: example-mandelbrot [FILE.ppm]
#include <cstdio>
#include <exception>
#include <fstream>

#include "card.h"
#include "kernels.h"

namespace {

constexpr int kWidth = 960;
constexpr int kHeight = 720;
constexpr int kLimit = 256;

void write_picture(const char* path, const std::vector<unsigned char>& rgb) {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << kWidth << ' ' << kHeight << "\n255\n";
  file.write(reinterpret_cast<const char*>(rgb.data()), static_cast<std::streamsize>(rgb.size()));
  file.close();
  if (!file) throw std::runtime_error(std::string("cannot write ") + path);
}

int run(const char* path) {
  const doppel::host::Card card;
  const doppel::host::Module module(examples::kMandelbrotPtx);
  const doppel::host::Buffer<unsigned char> rgb(std::size_t{3} * kWidth * kHeight);
  const doppel::host::Extent block{32, 8};
  const doppel::host::Extent grid{kWidth / block.x, kHeight / block.y};
  const double time_us = doppel::host::time_us([&] {
    doppel::host::launch(module.kernel("mandelbrot"), grid, block, rgb.address(), kWidth, kHeight, kLimit);
  });
  if (path != nullptr) write_picture(path, rgb.download());
  std::printf("%s drew %d x %d pixels in %.1f us (%.1f Mpix/s)\n", card.name().c_str(), kWidth, kHeight,
              time_us, static_cast<double>(kWidth) * kHeight / time_us);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : nullptr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mandelbrot: %s\n", error.what());
    return 1;
  }
}
