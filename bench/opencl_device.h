// SPDX-License-Identifier: Apache-2.0
// The first OpenCL device and a program on it.
#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

// Throws where status is an error; call names what was tried.
void check(cl_int status, const char* call);

struct Device {
  cl_device_id device = nullptr;
  cl_context context = nullptr;
  cl_command_queue queue = nullptr;
  cl_program program = nullptr;

  explicit Device(const char* source, const std::string& options = "");

  cl_kernel kernel(const char* name) const;
  cl_mem buffer(std::vector<float>& from) const;
  void read(cl_mem from, std::size_t bytes, void* to) const;
  // To the end.
  void run(cl_kernel kernel, cl_uint dimensions, const std::size_t* global, const std::size_t* local) const;
};

template <class T>
void argument(cl_kernel kernel, cl_uint index, const T& value) {
  check(clSetKernelArg(kernel, index, sizeof value, &value), "clSetKernelArg");
}

}  // namespace bench
