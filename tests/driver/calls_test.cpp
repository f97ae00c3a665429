// SPDX-License-Identifier: Apache-2.0
// The library through its C interface, as a program sees it.
#include <doppel/cuda.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

extern "C" {
CUresult cuGetProcAddress_v2(const char* name, void** function, int version, cuuint64_t flags,
                             CUdriverProcAddressQueryResult* outcome);
CUresult cuGetExportTable(const void** table, const CUuuid* id);
CUresult cuMipmappedArrayGetSparseProperties();
CUresult cuCtxGetDevResource();
CUresult cuMemcpyDtoH_v2_ptds(void* destination, CUdeviceptr source, size_t bytes);
CUresult cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state);
CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t bytes, const char* name,
                          unsigned count, CUjit_option* options, void** values);
CUresult cuLinkComplete(CUlinkState state, void** image, size_t* bytes);
CUresult cuLinkDestroy(CUlinkState state);
CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters, void** extra);
CUresult cuGraphCreate(CUgraph* graph, unsigned flags);
CUresult cuGraphDestroy(CUgraph graph);
CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS* parameters, CUcontext context);
CUresult cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS* parameters);
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags);
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream);
CUresult cuGraphExecDestroy(CUgraphExec exec);
}

namespace {

const char* const kFill = R"(.version 7.1
.target sm_86
.address_size 64
.visible .entry fill(.param .u64 out, .param .u32 value)
{
  .reg .u64 %rd<4>;
  .reg .u32 %r<3>;
  ld.param.u64 %rd1, [out];
  ld.param.u32 %r1, [value];
  mov.u32 %r2, %tid.x;
  mul.wide.u32 %rd2, %r2, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r1;
  ret;
}
)";

// A current context for each test.
class DriverCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxCreate(&context_, 0, 0), CUDA_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(cuCtxDestroy(context_), CUDA_SUCCESS); }
  CUcontext context_ = nullptr;
};

void* entry_point(const char* name, int version, cuuint64_t flags = CU_GET_PROC_ADDRESS_DEFAULT) {
  void* function = nullptr;
  CUdriverProcAddressQueryResult outcome{};
  const CUresult result = cuGetProcAddress_v2(name, &function, version, flags, &outcome);
  EXPECT_EQ(result == CUDA_SUCCESS, outcome == CU_GET_PROC_ADDRESS_SUCCESS) << name;
  return function;
}

TEST(EntryPoints, VersionChoosesTheForm) {
  EXPECT_EQ(entry_point("cuMemAlloc", 13000), reinterpret_cast<void*>(cuMemAlloc));
  EXPECT_NE(entry_point("cuMemAlloc", 2000), reinterpret_cast<void*>(cuMemAlloc));
  EXPECT_NE(entry_point("cuCtxGetDevice", 12000), entry_point("cuCtxGetDevice", 13000));
  EXPECT_NE(entry_point("cuGetProcAddress", 11030), entry_point("cuGetProcAddress", 12000));
  EXPECT_EQ(entry_point("cuLaunchKernel", 13000), entry_point("cuLaunchKernel", 4000));
}

TEST(EntryPoints, NewerInterfacesAreAnswered) {
  int version = 0;
  ASSERT_EQ(cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_EQ(version, 13050);
  EXPECT_NE(entry_point("cuGraphAddNode", 13040), entry_point("cuGraphAddNode", 13030));
  EXPECT_NE(entry_point("cuLaunchHostFunc", 13010), entry_point("cuLaunchHostFunc", 13000));
  EXPECT_NE(entry_point("cuFuncGetParamCount", 13050), nullptr);
  // What is not there is refused by name, and not missing.
  ::testing::internal::CaptureStderr();
  const auto refused = reinterpret_cast<CUresult (*)()>(entry_point("cuFabricCpyBatchAsync", 13050));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused(), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("cuFabricCpyBatchAsync"), std::string::npos);
}

TEST(EntryPoints, PerThreadDefaultStreamsHaveTheirOwnForms) {
  const auto flag = CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  EXPECT_EQ(entry_point("cuMemcpyDtoH", 13000, flag), reinterpret_cast<void*>(cuMemcpyDtoH_v2_ptds));
  EXPECT_EQ(entry_point("cuMemAlloc", 13000, flag), reinterpret_cast<void*>(cuMemAlloc));
}

TEST(EntryPoints, UnknownAndTooOldAreToldApart) {
  void* function = nullptr;
  CUdriverProcAddressQueryResult outcome{};
  EXPECT_EQ(cuGetProcAddress_v2("cuNoSuchFunction", &function, 13000, 0, &outcome), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(outcome, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  EXPECT_EQ(cuGetProcAddress_v2("cuLibraryLoadData", &function, 11000, 0, &outcome), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(outcome, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
  EXPECT_EQ(cuGetProcAddress_v2(nullptr, &function, 13000, 0, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST(EntryPoints, WhatIsNotThereYetSaysSo) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(cuMipmappedArrayGetSparseProperties(), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(cuMipmappedArrayGetSparseProperties(), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(cuCtxGetDevResource(), CUDA_ERROR_NOT_SUPPORTED);
  const std::string words = ::testing::internal::GetCapturedStderr();
  const std::size_t first = words.find("cuMipmappedArrayGetSparseProperties");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(words.find("cuMipmappedArrayGetSparseProperties", first + 1), std::string::npos) << "named once";
  EXPECT_NE(words.find("cuCtxGetDevResource"), std::string::npos);
}

TEST(EntryPoints, UnknownTablesAreNotFound) {
  const CUuuid id{};
  const void* table = nullptr;
  EXPECT_EQ(cuGetExportTable(&table, &id), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cuGetExportTable(nullptr, &id), CUDA_ERROR_INVALID_VALUE);
}

TEST(Errors, HaveNamesAndTexts) {
  const char* name = nullptr;
  EXPECT_EQ(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &name), CUDA_SUCCESS);
  EXPECT_STREQ(name, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(cuGetErrorName(static_cast<CUresult>(12345), &name), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(name, nullptr);
}

TEST_F(DriverCalls, InventedHandlesAreRefused) {
  for (const std::uintptr_t number :
       {std::uintptr_t{3}, std::uintptr_t{0xdeadbeef}, std::uintptr_t{0x7fffffffffff0}}) {
    const auto stream = reinterpret_cast<CUstream>(number);
    const auto event = reinterpret_cast<CUevent>(number);
    const auto module_handle = reinterpret_cast<CUmodule>(number);
    const auto function = reinterpret_cast<CUfunction>(number);
    const auto context = reinterpret_cast<CUcontext>(number);
    EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuStreamDestroy(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuEventRecord(event, nullptr), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuEventDestroy(event), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuModuleUnload(module_handle), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
              CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(cuCtxSetCurrent(context), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuCtxDestroy(context), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cuGraphDestroy(reinterpret_cast<CUgraph>(number)), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuLinkDestroy(reinterpret_cast<CUlinkState>(number)), CUDA_ERROR_INVALID_HANDLE);
  }
}

TEST_F(DriverCalls, HandlesOfADestroyedContextAreRefused) {
  CUcontext other = nullptr;
  CUstream stream = nullptr;
  CUmodule module_handle = nullptr;
  CUfunction function = nullptr;
  ASSERT_EQ(cuCtxCreate(&other, 0, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamCreate(&stream, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleLoadData(&module_handle, kFill), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&function, module_handle, "fill"), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxDestroy(other), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuModuleGetFunction(&function, module_handle, "fill"), CUDA_ERROR_INVALID_HANDLE);
  int registers = 0;
  EXPECT_EQ(cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, function), CUDA_ERROR_INVALID_HANDLE);
  CUcontext current = nullptr;
  EXPECT_EQ(cuCtxGetCurrent(&current), CUDA_SUCCESS);
  EXPECT_EQ(current, context_);
}

TEST_F(DriverCalls, NoCurrentContextIsItsOwnError) {
  ASSERT_EQ(cuCtxSetCurrent(nullptr), CUDA_SUCCESS);
  CUdeviceptr address = 0;
  EXPECT_EQ(cuMemAlloc(&address, 64), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_INVALID_CONTEXT);
  ASSERT_EQ(cuCtxSetCurrent(context_), CUDA_SUCCESS);
}

TEST_F(DriverCalls, KernelRunsFromALinkedImageAndAPackedBuffer) {
  CUlinkState linker = nullptr;
  void* image = nullptr;
  std::size_t bytes = 0;
  ASSERT_EQ(cuLinkCreate_v2(0, nullptr, nullptr, &linker), CUDA_SUCCESS);
  std::string text = kFill;
  ASSERT_EQ(
      cuLinkAddData_v2(linker, CU_JIT_INPUT_PTX, text.data(), text.size() + 1, "fill", 0, nullptr, nullptr),
      CUDA_SUCCESS);
  EXPECT_EQ(cuLinkAddData_v2(linker, CU_JIT_INPUT_OBJECT, text.data(), text.size(), "o", 0, nullptr, nullptr),
            CUDA_ERROR_NOT_SUPPORTED);
  ASSERT_EQ(cuLinkComplete(linker, &image, &bytes), CUDA_SUCCESS);
  const std::string kept(static_cast<const char*>(image), bytes);
  ASSERT_EQ(cuLinkDestroy(linker), CUDA_SUCCESS);
  CUmodule module_handle = nullptr;
  CUfunction function = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module_handle, kept.data()), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&function, module_handle, "fill"), CUDA_SUCCESS);
  struct {
    CUdeviceptr out = 0;
    unsigned value = 42;
  } arguments;
  ASSERT_EQ(cuMemAlloc(&arguments.out, 64 * sizeof(unsigned)), CUDA_SUCCESS);
  std::size_t size = 12;
  void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &arguments, CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
                   CU_LAUNCH_PARAM_END};
  ASSERT_EQ(cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, nullptr, nullptr, extra), CUDA_SUCCESS);
  std::vector<unsigned> host(64);
  ASSERT_EQ(cuMemcpyDtoH(host.data(), arguments.out, host.size() * sizeof(unsigned)), CUDA_SUCCESS);
  EXPECT_EQ(host, std::vector<unsigned>(64, 42));
  EXPECT_EQ(cuMemFree(arguments.out), CUDA_SUCCESS);
}

// 64 values that are all needed at the end: the last that is loaded is used first.
std::string kernel_of_many_registers(const std::string& bounds) {
  std::string text = ".version 7.1\n.target sm_86\n.address_size 64\n.visible .entry many(.param .u64 p) " +
                     bounds + " {\n.reg .u64 %rd<2>;\n.reg .u32 %r<66>;\nld.param.u64 %rd1, [p];\n";
  for (int i = 0; i < 64; ++i)
    text += "ld.volatile.global.u32 %r" + std::to_string(i) + ", [%rd1+" + std::to_string(4 * i) + "];\n";
  text += "mov.u32 %r65, 0;\n";
  for (int i = 63; i >= 0; --i) text += "mad.lo.u32 %r65, %r65, 3, %r" + std::to_string(i) + ";\n";
  return text + "st.global.u32 [%rd1], %r65;\nret;\n}\n";
}

int registers_of(CUmodule module_handle) {
  CUfunction function = nullptr;
  int registers = 0;
  EXPECT_EQ(cuModuleGetFunction(&function, module_handle, "many"), CUDA_SUCCESS);
  EXPECT_EQ(cuFuncGetAttribute(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, function), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleUnload(module_handle), CUDA_SUCCESS);
  return registers;
}

TEST_F(DriverCalls, LaunchAttributesAreTakenOrRefused) {
  CUmodule module = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, kFill), CUDA_SUCCESS);
  CUfunction fill = nullptr;
  ASSERT_EQ(cuModuleGetFunction(&fill, module, "fill"), CUDA_SUCCESS);
  CUdeviceptr out = 0;
  ASSERT_EQ(cuMemAlloc(&out, 256), CUDA_SUCCESS);
  unsigned value = 5;
  void* arguments[] = {&out, &value};
  CUlaunchAttribute attribute{};
  CUlaunchConfig config{};
  config.gridDimX = 2, config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = 32, config.blockDimY = config.blockDimZ = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  const auto launch = [&] { return cuLaunchKernelEx(&config, fill, arguments, nullptr); };
  attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  attribute.value.clusterDim = {1, 1, 1};
  EXPECT_EQ(launch(), CUDA_SUCCESS);
  attribute.value.clusterDim = {2, 1, 1};
  EXPECT_EQ(launch(), CUDA_ERROR_NOT_SUPPORTED);
  attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  attribute.value.cooperative = 1;
  EXPECT_EQ(launch(), CUDA_SUCCESS);
  config.gridDimX = 1 << 20;
  EXPECT_EQ(launch(), CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
}

TEST_F(DriverCalls, RegistersStayWithinWhatIsAsked) {
  CUmodule module_handle = nullptr;
  const std::string plain = kernel_of_many_registers("");
  ASSERT_EQ(cuModuleLoadData(&module_handle, plain.c_str()), CUDA_SUCCESS);
  EXPECT_GT(registers_of(module_handle), 64);
  ASSERT_EQ(cuModuleLoadData(&module_handle, kernel_of_many_registers(".maxnreg 40").c_str()), CUDA_SUCCESS);
  EXPECT_LE(registers_of(module_handle), 40);

  CUjit_option option = CU_JIT_MAX_REGISTERS;
  void* value = reinterpret_cast<void*>(std::uintptr_t{38});
  ASSERT_EQ(cuModuleLoadDataEx(&module_handle, plain.c_str(), 1, &option, &value), CUDA_SUCCESS);
  EXPECT_LE(registers_of(module_handle), 38);

  // Of the linker: the limit goes with the image.
  CUlinkState linker = nullptr;
  void* image = nullptr;
  std::size_t bytes = 0;
  ASSERT_EQ(cuLinkCreate_v2(1, &option, &value, &linker), CUDA_SUCCESS);
  std::string text = plain;
  ASSERT_EQ(
      cuLinkAddData_v2(linker, CU_JIT_INPUT_PTX, text.data(), text.size() + 1, "many", 0, nullptr, nullptr),
      CUDA_SUCCESS);
  ASSERT_EQ(cuLinkComplete(linker, &image, &bytes), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleLoadData(&module_handle, image), CUDA_SUCCESS);
  EXPECT_LE(registers_of(module_handle), 38);
  EXPECT_EQ(cuLinkDestroy(linker), CUDA_SUCCESS);
}

TEST_F(DriverCalls, MalformedPtxFillsTheErrorLog) {
  std::string log(512, '#');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void* values[] = {log.data(), reinterpret_cast<void*>(log.size())};
  CUmodule module_handle = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module_handle, ".version 7.1\n.target sm_86\n.address_size 64\nnonsense", 2,
                               options, values),
            CUDA_ERROR_INVALID_PTX);
  const auto written = reinterpret_cast<std::size_t>(values[1]);
  ASSERT_LT(written, log.size());
  EXPECT_NE(log.substr(0, written).find("4"), std::string::npos) << log.substr(0, written);
}

TEST_F(DriverCalls, GraphNodeGivesItsParametersBackAndRuns) {
  CUdeviceptr memory = 0;
  ASSERT_EQ(cuMemAlloc(&memory, 64), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  CUgraphNode node = nullptr;
  const CUDA_MEMSET_NODE_PARAMS wanted{memory, 0, 0x01020304, 4, 16, 1};
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemsetNode(&node, graph, nullptr, 0, &wanted, context_), CUDA_SUCCESS);
  CUDA_MEMSET_NODE_PARAMS read{};
  ASSERT_EQ(cuGraphMemsetNodeGetParams(node, &read), CUDA_SUCCESS);
  EXPECT_EQ(read.value, wanted.value);
  EXPECT_EQ(read.width, wanted.width);
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
  std::vector<unsigned> host(16);
  ASSERT_EQ(cuMemcpyDtoH(host.data(), memory, 64), CUDA_SUCCESS);
  EXPECT_EQ(host, std::vector<unsigned>(16, 0x01020304));
  EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphMemsetNodeGetParams(node, &read), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuMemFree(memory), CUDA_SUCCESS);
}

TEST_F(DriverCalls, EachThreadHasItsOwnCurrentContext) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(8);
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      CUcontext current = context_;
      if (cuCtxGetCurrent(&current) != CUDA_SUCCESS || current != nullptr) wrong[i] = 1;
      for (int round = 0; round < 50; ++round) {
        CUcontext own = nullptr;
        CUdeviceptr memory = 0;
        if (cuCtxCreate(&own, 0, 0) != CUDA_SUCCESS || cuMemAlloc(&memory, 4096) != CUDA_SUCCESS ||
            cuMemsetD8(memory, 1, 4096) != CUDA_SUCCESS || cuMemFree(memory) != CUDA_SUCCESS ||
            cuCtxDestroy(own) != CUDA_SUCCESS)
          wrong[i] = 2;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

}  // namespace
