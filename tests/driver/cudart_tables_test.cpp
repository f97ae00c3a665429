// SPDX-License-Identifier: Apache-2.0
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
#include "driver/digest.h"

// The little of the interface that the tables call.
extern "C" {
CUresult cuDriverGetVersion(int* version) { return *version = 13000, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int* count) { return *count = 1, CUDA_SUCCESS; }
CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice) {
  std::memset(uuid->bytes, 7, sizeof(uuid->bytes));
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  *value = attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID ? 1 : 0;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetId(CUcontext, unsigned long long* id) { return *id = 1, CUDA_SUCCESS; }
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

// Runtimes from 13.2 on call slots that older ones do not: none may be a jump to address 0.
TEST(CudartTables, EverySlotCanBeCalled) {
  struct Wanted {
    const void* const* table;
    std::size_t slots;
    std::vector<std::size_t> unknown;  // some of those that nobody knows
  };
  const Wanted all[] = {
      {table(
           {0x6B, 0xD5, 0xFB, 0x6C, 0x5B, 0xF4, 0xE7, 0x4A, 0x89, 0x87, 0xD9, 0x39, 0x12, 0xFD, 0x9D, 0xF9}),
       13,
       {3, 4, 5, 9, 10, 11}},
      {table(
           {0xA0, 0x94, 0x79, 0x8C, 0x2E, 0x74, 0x2E, 0x74, 0x93, 0xF2, 0x08, 0x00, 0x20, 0x0C, 0x0A, 0x66}),
       7,
       {1, 3, 4, 5}},
      {table(
           {0x42, 0xD8, 0x5A, 0x81, 0x23, 0xF6, 0xCB, 0x47, 0x82, 0x98, 0xF6, 0xE7, 0x8A, 0x3A, 0xEC, 0xDC}),
       4,
       {1, 3}},
      {table(
           {0xC6, 0x93, 0x33, 0x6E, 0x11, 0x21, 0xDF, 0x11, 0xA8, 0xC3, 0x68, 0xF3, 0x55, 0xD8, 0x95, 0x93}),
       4,
       {3}},
      {table(
           {0x26, 0x3E, 0x88, 0x60, 0x7C, 0xD2, 0x61, 0x43, 0x92, 0xF6, 0xBB, 0xD5, 0x00, 0x6D, 0xFA, 0x7E}),
       4,
       {1}},
      {table(
           {0xD4, 0x08, 0x20, 0x55, 0xBD, 0xE6, 0x70, 0x4B, 0x8D, 0x34, 0xBA, 0x12, 0x3C, 0x66, 0xE1, 0xF2}),
       3,
       {2}},
      {table(
           {0x21, 0x31, 0x8C, 0x60, 0x97, 0x14, 0x32, 0x48, 0x8C, 0xA6, 0x41, 0xFF, 0x73, 0x24, 0xC8, 0xF2}),
       96,
       {1, 39, 51, 95}},
  };
  for (const Wanted& wanted : all) {
    ASSERT_NE(wanted.table, nullptr);
    for (std::size_t slot = 1; slot < wanted.slots; ++slot) EXPECT_NE(wanted.table[slot], nullptr) << slot;
    for (const std::size_t slot : wanted.unknown) {
      const auto call = reinterpret_cast<CUresult (*)()>(const_cast<void*>(wanted.table[slot]));
      ::testing::internal::CaptureStderr();
      EXPECT_EQ(call(), CUDA_ERROR_NOT_SUPPORTED);
      EXPECT_EQ(call(), CUDA_ERROR_NOT_SUPPORTED);
      const std::string words = ::testing::internal::GetCapturedStderr();
      const std::size_t first = words.find("slot " + std::to_string(slot) + " ");
      EXPECT_NE(first, std::string::npos) << words;
      EXPECT_EQ(words.find("slot", first + 1), std::string::npos) << "named once: " << words;
    }
  }
}

TEST(CudartTables, RuntimesFrom13_2OnMayStart) {
  const auto* interface =
      table({0x6B, 0xD5, 0xFB, 0x6C, 0x5B, 0xF4, 0xE7, 0x4A, 0x89, 0x87, 0xD9, 0x39, 0x12, 0xFD, 0x9D, 0xF9});
  EXPECT_EQ(reinterpret_cast<CUresult (*)()>(const_cast<void*>(interface[12]))(), CUDA_SUCCESS);
}

TEST(CudartTables, ContextsAreToldApart) {
  const auto* identity =
      table({0x21, 0x31, 0x8C, 0x60, 0x97, 0x14, 0x32, 0x48, 0x8C, 0xA6, 0x41, 0xFF, 0x73, 0x24, 0xC8, 0xF2});
  unsigned long long id = 0;
  const auto get_id =
      reinterpret_cast<CUresult (*)(CUcontext, unsigned long long*)>(const_cast<void*>(identity[4]));
  EXPECT_EQ(get_id(nullptr, &id), CUDA_SUCCESS);
  EXPECT_EQ(id, 1U);
}

TEST(CudartTables, UnknownTablesAreNamedOnce) {
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(table({0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD,
                     0xEF}),
              nullptr);
  const std::string words = ::testing::internal::GetCapturedStderr();
  const std::size_t first = words.find("01234567-89AB-CDEF-0123-456789ABCDEF");
  EXPECT_NE(first, std::string::npos) << words;
  EXPECT_EQ(words.find("01234567", first + 1), std::string::npos) << words;
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
