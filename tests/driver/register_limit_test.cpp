// SPDX-License-Identifier: Apache-2.0
// Kernels whose estimated registers, times the threads of a block, are more than an SM has: they run, with
// fewer registers, as the driver says of them beforehand.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

extern "C" CUresult cuOccupancyMaxPotentialBlockSize(int* min_grid, int* block, CUfunction function,
                                                     CUoccupancyB2DSize shared_of_block,
                                                     size_t dynamic_shared, int limit);

namespace {

constexpr int kValues = 300;

// out[thread] = the sum of `kValues` values, of which each needs the one before; the last one comes first, so
// that all are alive at once.
std::string kernel(const std::string& name, const std::string& bounds) {
  std::string text = ".visible .entry " + name + "(.param .u64 out)\n" + bounds +
                     "{ .reg .f32 %f<400>; .reg .b32 %r<4>; .reg .b64 %rd<4>;\nld.param.u64 %rd1, [out]; "
                     "mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.u64 %rd3, %rd1, %rd2;\n"
                     "cvt.rn.f32.u32 %f0, %r1;\n";
  const auto f = [](int i) { return "%f" + std::to_string(i); };
  for (int i = 1; i < kValues; ++i)
    text += "fma.rn.f32 " + f(i) + ", " + f(i - 1) + ", 0f3F000000, 0f3F800000;\n";
  text += "mov.f32 %f399, " + f(kValues - 1) + ";\n";
  for (int i = 0; i < kValues; ++i) text += "fma.rn.f32 %f399, %f399, 0f3F000000, " + f(i) + ";\n";
  return text + "st.global.f32 [%rd3], %f399; ret; }\n";
}

float expected(unsigned thread) {
  std::vector<float> values{static_cast<float>(thread)};
  for (int i = 1; i < kValues; ++i) values.push_back(std::fma(values.back(), 0.5F, 1.0F));
  float sum = values.back();
  for (float value : values) sum = std::fma(sum, 0.5F, value);
  return sum;
}

class RegisterLimit : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
    const std::string text = ".version 7.4\n.target sm_86\n.address_size 64\n" + kernel("open", "") +
                             kernel("narrow", ".maxnreg 32\n") +
                             kernel("promised", ".maxntid 256, 1, 1\n.minnctapersm 4\n");
    CUmodule module = nullptr;
    ASSERT_EQ(cuModuleLoadData(&module, text.c_str()), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&open_, module, "open"), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&narrow_, module, "narrow"), CUDA_SUCCESS);
    ASSERT_EQ(cuModuleGetFunction(&promised_, module, "promised"), CUDA_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }

  static int attribute(CUfunction function, CUfunction_attribute which) {
    int value = -1;
    EXPECT_EQ(cuFuncGetAttribute(&value, which, function), CUDA_SUCCESS);
    return value;
  }
  static int blocks_of(CUfunction function, int threads) {
    int blocks = -1;
    EXPECT_EQ(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, threads, 0), CUDA_SUCCESS);
    return blocks;
  }

  CUcontext context_ = nullptr;
  CUfunction open_ = nullptr, narrow_ = nullptr, promised_ = nullptr;
};

TEST_F(RegisterLimit, AKernelOfManyRegistersRunsInTheLargestBlock) {
  for (CUfunction function : {open_, narrow_}) {
    CUdeviceptr out = 0;
    ASSERT_EQ(cuMemAlloc(&out, 1024 * sizeof(float)), CUDA_SUCCESS);
    void* parameters[] = {&out};
    ASSERT_EQ(cuLaunchKernel(function, 1, 1, 1, 1024, 1, 1, 0, nullptr, parameters, nullptr), CUDA_SUCCESS);
    std::vector<float> results(1024);
    ASSERT_EQ(cuMemcpyDtoH(results.data(), out, results.size() * sizeof(float)), CUDA_SUCCESS);
    for (unsigned thread : {0u, 31u, 1023u}) EXPECT_EQ(results[thread], expected(thread));
  }
}

TEST_F(RegisterLimit, AttributesSayWhatAnAssemblerWouldGive) {
  EXPECT_GT(attribute(open_, CU_FUNC_ATTRIBUTE_NUM_REGS), 200);
  EXPECT_LE(attribute(open_, CU_FUNC_ATTRIBUTE_NUM_REGS), 255);
  EXPECT_EQ(attribute(open_, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
  EXPECT_GE(attribute(open_, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES), 4 * (kValues - 255));
  EXPECT_LE(attribute(narrow_, CU_FUNC_ATTRIBUTE_NUM_REGS), 32);
  EXPECT_GE(attribute(narrow_, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES), 4 * (kValues - 32));
  EXPECT_LE(attribute(promised_, CU_FUNC_ATTRIBUTE_NUM_REGS), 64);
  EXPECT_EQ(attribute(promised_, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 256);
}

TEST_F(RegisterLimit, OccupancyFollowsWhatABlockGets) {
  EXPECT_EQ(blocks_of(open_, 1024), 1);
  EXPECT_EQ(blocks_of(open_, 256), 1);
  EXPECT_EQ(blocks_of(open_, 32), 8);
  EXPECT_GE(blocks_of(promised_, 256), 4);
  EXPECT_EQ(blocks_of(promised_, 512), 0);
  // The best block is one that finds its registers.
  int grid = 0, block = 0;
  ASSERT_EQ(cuOccupancyMaxPotentialBlockSize(&grid, &block, open_, nullptr, 0, 0), CUDA_SUCCESS);
  EXPECT_EQ(block, 256);
}

}  // namespace
