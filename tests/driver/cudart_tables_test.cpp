#include "driver/cudart_tables.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "driver/api.h"
#include "driver/context_storage.h"

// The little of the interface that the tables call.
extern "C" {
CUresult cuDriverGetVersion(int* version) { return *version = 13000, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int* count) { return *count = 1, CUDA_SUCCESS; }
CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice) {
  std::memset(uuid->bytes, 7, sizeof(uuid->bytes));
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  *value = attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID ? 1 : 0;
  return CUDA_SUCCESS;
}
CUresult cuModuleLoadData(CUmodule*, const void*) { return CUDA_ERROR_INVALID_IMAGE; }
}

namespace doppel::driver {

CUresult primary_context_handle(CUcontext* context, CUdevice) {
  *context = reinterpret_cast<CUcontext>(0x1000);
  return CUDA_SUCCESS;
}
CUcontext current_context_handle() { return reinterpret_cast<CUcontext>(0x1000); }

namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", byte);
    text += two;
  }
  return text;
}

Digest md2_of(const std::string& text) { return md2(std::vector<std::uint8_t>(text.begin(), text.end())); }

// RFC 1319, appendix A.5.
TEST(CudartTables, DigestIsThatOfTheRfc) {
  EXPECT_EQ(hex(md2_of("")), "8350e5a3e24c153df2275c9f80692773");
  EXPECT_EQ(hex(md2_of("a")), "32ec01ec4a6dac72c0ab96fb34c0b5d1");
  EXPECT_EQ(hex(md2_of("abc")), "da853b0d3f88d99b30283a69e6ded6bb");
  EXPECT_EQ(hex(md2_of("message digest")), "ab4f496bfb2a530b219ff33031fe06b0");
  EXPECT_EQ(hex(md2_of("abcdefghijklmnopqrstuvwxyz")), "4e8ddff3650292ab5a4108c3aa47940b");
}

const void* const* table(std::initializer_list<int> bytes) {
  CUuuid id{};
  int i = 0;
  for (const int byte : bytes) id.bytes[i++] = static_cast<char>(byte);
  return static_cast<const void* const*>(export_table(id));
}

TEST(CudartTables, TablesSayTheirSize) {
  const auto* interface =
      table({0x6B, 0xD5, 0xFB, 0x6C, 0x5B, 0xF4, 0xE7, 0x4A, 0x89, 0x87, 0xD9, 0x39, 0x12, 0xFD, 0x9D, 0xF9});
  ASSERT_NE(interface, nullptr);
  EXPECT_EQ(reinterpret_cast<std::size_t>(interface[0]), 13 * sizeof(void*));
  CUcontext context = nullptr;
  const auto primary = reinterpret_cast<CUresult (*)(CUcontext*, CUdevice)>(const_cast<void*>(interface[2]));
  EXPECT_EQ(primary(&context, 0), CUDA_SUCCESS);
  EXPECT_EQ(context, current_context_handle());
}

TEST(CudartTables, UnknownTablesAreRefused) {
  // NVRTC hands its compilation over to this one where it is served.
  EXPECT_EQ(
      table({0xDA, 0x91, 0x51, 0xD3, 0x3A, 0xE6, 0xCC, 0x41, 0xA5, 0xC0, 0x4F, 0x26, 0xD5, 0x33, 0xE3, 0x28}),
      nullptr);
}

TEST(CudartTables, IntegrityCheckCoversTheProcess) {
  const auto* check =
      table({0xD4, 0x08, 0x20, 0x55, 0xBD, 0xE6, 0x70, 0x4B, 0x8D, 0x34, 0xBA, 0x12, 0x3C, 0x66, 0xE1, 0xF2});
  ASSERT_NE(check, nullptr);
  const auto run = reinterpret_cast<CUresult (*)(std::uint32_t, std::uint64_t, std::uint64_t*)>(
      const_cast<void*>(check[1]));
  std::uint64_t first[2];
  std::uint64_t again[2];
  std::uint64_t later[2];
  EXPECT_EQ(run(13002, 1000, first), CUDA_SUCCESS);
  EXPECT_EQ(run(13002, 1000, again), CUDA_SUCCESS);
  EXPECT_EQ(run(13002, 1001, later), CUDA_SUCCESS);
  EXPECT_EQ(first[0], again[0]);
  EXPECT_NE(first[0], later[0]);
  EXPECT_EQ(run(13000, 1000, first), CUDA_SUCCESS);
  EXPECT_EQ(first[0], 0x3341181C03CB675CU);
}

TEST(ContextStorage, KeepsReplacesAndDestroys) {
  static std::vector<void*> destroyed;
  const auto destructor = [](CUcontext, void*, void* value) { destroyed.push_back(value); };
  int key = 0;
  int other_key = 0;
  int values[3];
  const auto context = reinterpret_cast<CUcontext>(0x2000);
  EXPECT_FALSE(get_context_value(context, &key).has_value());
  put_context_value(context, &key, &values[0], destructor);
  put_context_value(context, &key, &values[1], destructor);
  put_context_value(context, &other_key, &values[2], destructor);
  EXPECT_EQ(get_context_value(context, &key), &values[1]);
  EXPECT_TRUE(remove_context_value(context, &other_key));
  EXPECT_FALSE(remove_context_value(context, &other_key));
  drop_context_values(context);
  EXPECT_EQ(destroyed, std::vector<void*>{&values[1]});
  EXPECT_FALSE(get_context_value(context, &key).has_value());
}

}  // namespace
}  // namespace doppel::driver
