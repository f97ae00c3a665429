// The smallest kernel that proves it ran.
#include "device.h"

extern "C" __global__ void count_launch(unsigned* counter) {
  if (threadIdx.x == 0) ++*counter;
}
