// SPDX-License-Identifier: Apache-2.0
// What the two files of this program share across the device linker.
#pragma once

extern __device__ int shared_counter;
extern __constant__ int shared_factor;
__device__ int transform(int x);
typedef int (*Operation)(int);
extern __device__ Operation chosen;

void launch_second(int* data, int n);
