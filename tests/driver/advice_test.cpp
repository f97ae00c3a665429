// SPDX-License-Identifier: Apache-2.0
// The advice about an image without PTX is its maker's switch.
#include "driver/advice.h"

#include <gtest/gtest.h>

namespace doppel::driver {
namespace {

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Advice, IsNvccsForAProgramOfOnesOwn) {
  const std::string text = advice({"/home/me/program", {"/lib/libc.so.6"}}, ImageKind::Fatbin, 86);
  EXPECT_TRUE(says(text, "nvcc -arch=sm_86")) << text;
  EXPECT_TRUE(says(text, "code=compute_86")) << text;
}

TEST(Advice, IsTheClientsSwitch) {
  const struct {
    const char* loaded;
    const char* part;
  } clients[] = {{"/v/site-packages/cupy_backends/cuda/api/driver.so", "CUPY_COMPILE_WITH_PTX=1"},
                 {"/v/site-packages/warp/bin/warp.so", "wp.config.cuda_output = \"ptx\""},
                 {"/v/site-packages/triton/_C/libtriton.so", "TRITON_PTXAS_PATH"},
                 {"/v/site-packages/numba_cuda/numba/cuda/cext/_dispatcher.so", "nvidia-nvjitlink"}};
  for (const auto& client : clients) {
    const std::string text = advice({"", {"/lib/libc.so.6", client.loaded}}, ImageKind::Cubin, 120);
    EXPECT_TRUE(says(text, client.part)) << text;
    EXPECT_FALSE(says(text, "nvcc")) << text;
  }
}

TEST(Advice, OfAFatbinIsThatOfTheFileThatHoldsIt) {
  const std::string cub = "/v/site-packages/cupy/cuda/cub.cpython-311-x86_64-linux-gnu.so";
  EXPECT_TRUE(says(advice({cub, {cub}}, ImageKind::Fatbin, 86), "CUPY_ACCELERATORS=\"\""));
  // A program of one's own in a process with CuPy.
  EXPECT_TRUE(says(advice({"/home/me/extension.so", {cub}}, ImageKind::Fatbin, 86), "nvcc"));
  EXPECT_TRUE(says(advice({"/v/torch/lib/libtorch_cuda.so", {}}, ImageKind::Fatbin, 86),
                   "TORCH_CUDA_ARCH_LIST=\"8.6+PTX\""));
}

TEST(Advice, NobodyIsToldToRebuildNvidiasLibraries) {
  for (const char* file :
       {"/usr/lib/libcublas.so.13", "/v/nvidia/cufft/lib/libcufft.so.12", "libcudnn_ops.so.9"}) {
    const std::string text = advice({file, {file}}, ImageKind::Fatbin, 86);
    EXPECT_TRUE(says(text, "a library of NVIDIA's")) << text;
    EXPECT_FALSE(says(text, "rebuild")) << text;
  }
}

}  // namespace
}  // namespace doppel::driver
