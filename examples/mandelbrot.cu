#include "device.h"

// Colours a pixel by the steps until |z| > 2; the frame is real -2.25 … 0.75, imaginary -1.125 … 1.125.
extern "C" __global__ void mandelbrot(unsigned char* rgb, int width, int height, int limit) {
  const int px = blockIdx.x * blockDim.x + threadIdx.x;
  const int py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= width || py >= height) return;
  const float cx = -2.25F + 3.0F * static_cast<float>(px) / static_cast<float>(width);
  const float cy = -1.125F + 2.25F * static_cast<float>(py) / static_cast<float>(height);
  float x = 0;
  float y = 0;
  int steps = 0;
  while (steps < limit && x * x + y * y <= 4.0F) {
    const float next = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = next;
    ++steps;
  }
  unsigned char* pixel = rgb + 3 * (py * width + px);
  const int shade = steps == limit ? 0 : steps;
  pixel[0] = static_cast<unsigned char>(shade * 9);
  pixel[1] = static_cast<unsigned char>(shade * 5);
  pixel[2] = static_cast<unsigned char>(shade * 17);
}
