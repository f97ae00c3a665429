// SPDX-License-Identifier: Apache-2.0
// The way in: initialisation, functions by name, the profiler's switches.
#include <doppel/cuda/types.h>

#include "api/common/entry_points.h"
#include "driver/call.h"
#include "driver/process.h"
#include "driver/runtime_launch.h"
#ifdef DOPPEL_CUDART_TABLES
#include "driver/cudart_tables.h"
#endif

namespace doppel::driver {
namespace {

// A runtime looks all its functions up at once, on one thread: it begins with the empty name, and asks for a
// table when it has them.
thread_local bool runtime_looks_up = false;

const api::EntryPointIndex& index() {
  static const api::EntryPointIndex made(DriverApi::entry_points());
  return made;
}

CUresult get_entry_point(const char* name, void** function, int version, cuuint64_t flags,
                         CUdriverProcAddressQueryResult* outcome) {
  if (name == nullptr || function == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const bool per_thread = (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) != 0;
  const api::LookupResult found = index().find(name, version, driver_version(), per_thread);
  if (*name == '\0') runtime_looks_up = true;
  *function = runtime_looks_up ? runtime_form(found.function) : found.function;
  if (outcome != nullptr) {
    *outcome = found.outcome == api::Lookup::Found         ? CU_GET_PROC_ADDRESS_SUCCESS
               : found.outcome == api::Lookup::UnknownName ? CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
                                                           : CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
  }
  return found.outcome == api::Lookup::Found ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuInit(unsigned flags) {
  return call_always(__func__, std::tuple(flags),
                     [&] { return flags != 0 ? CUDA_ERROR_INVALID_VALUE : initialize(); });
}

CUresult cuDriverGetVersion(int* version) {
  return call_always(__func__, std::tuple(version), [&] {
    if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
    *version = driver_version();
    return CUDA_SUCCESS;
  });
}

CUresult cuGetProcAddress(const char* name, void** function, int version, cuuint64_t flags) {
  return call_always(__func__, std::tuple(text(name), function, version, flags),
                     [&] { return get_entry_point(name, function, version, flags, nullptr); });
}

CUresult cuGetProcAddress_v2(const char* name, void** function, int version, cuuint64_t flags,
                             CUdriverProcAddressQueryResult* outcome) {
  return call_always(__func__, std::tuple(text(name), function, version, flags),
                     [&] { return get_entry_point(name, function, version, flags, outcome); });
}

CUresult cuGetExportTable(const void** table, const CUuuid* id) {
  return call_always(__func__, std::tuple(table, id), [&] {
    runtime_looks_up = false;
    if (table == nullptr || id == nullptr) return CUDA_ERROR_INVALID_VALUE;
#ifdef DOPPEL_CUDART_TABLES
    *table = export_table(*id);
#else
    *table = nullptr;
#endif
    return *table != nullptr ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
  });
}

// Doppel's own reports need no switch; a program that marks the part of interest works unchanged.
CUresult cuProfilerInitialize(const char*, const char*, int) {
  return call(__func__, std::tuple(), [] { return CUDA_ERROR_NOT_SUPPORTED; });
}
CUresult cuProfilerStart() {
  return call(__func__, std::tuple(), [] { return CUDA_SUCCESS; });
}
CUresult cuProfilerStop() {
  return call(__func__, std::tuple(), [] { return CUDA_SUCCESS; });
}

}  // extern "C"
