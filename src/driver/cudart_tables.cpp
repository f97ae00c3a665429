// SPDX-License-Identifier: Apache-2.0
// The tables' UUIDs and names, their slots, and the key and constants of the integrity check were learned
// from ZLUDA (https://github.com/vosen/ZLUDA, MIT or Apache-2.0); the check turns out to be HMAC-MD2. Which
// slots the runtime calls, and what it does with the answers, was observed from outside.
#include "driver/cudart_tables.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver/api.h"
#include "driver/context_storage.h"
#include "driver/digest.h"
#include "support/log.h"

namespace doppel::driver {

namespace {

// A slot holds a function, or, the first, the table's own size in bytes.
template <std::size_t Slots>
using Table = std::array<const void*, Slots>;

template <typename Function>
const void* slot(Function* function) {
  return reinterpret_cast<const void*>(function);
}

template <std::size_t Slots>
const void* size_slot() {
  return reinterpret_cast<const void*>(Slots * sizeof(void*));
}

// CUDART_INTERFACE: the runtime's way to primary contexts and, up to 11.8, to modules.
CUresult primary_context(CUcontext* context, CUdevice device) {
  return primary_context_handle(context, device);
}
CUresult load_fatbin(CUmodule* module, const void* wrapper, void*, void*, unsigned int) {
  return cuModuleLoadData(module, wrapper);
}
CUresult load_fatbin_plain(CUmodule* module, const void* wrapper) {
  return cuModuleLoadData(module, wrapper);
}
CUresult load_fatbin_image(const void* image, CUmodule* module, void*, void*, unsigned int) {
  return cuModuleLoadData(module, image);
}
// Told when the program unregisters a fatbin; the context's end frees its modules.
void unregister_fatbin(const void*) {}

// Runtimes from 13.2 on ask it, without arguments, when they start: anything but success is theirs to answer
// for ever after.
CUresult start_of_runtime() { return CUDA_SUCCESS; }

// TOOLS_RUNTIME_CALLBACK_HOOKS: two buffers that the runtime writes to; their sizes are those of a driver's.
void first_buffer(void** buffer, std::size_t* bytes) {
  static std::array<std::uint64_t, 1024> words;
  *buffer = words.data();
  *bytes = sizeof(words);
}
void second_buffer(void** buffer, std::size_t* bytes) {
  static std::array<std::uint64_t, 14> words;
  *buffer = words.data();
  *bytes = sizeof(words);
}

// TOOLS_TLS: the copy of the runtime inside cuBLAS asks slot 2 for the current context.
CUresult current_context(CUcontext* context) {
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *context = current_context_handle();
  return CUDA_SUCCESS;
}

// CONTEXT_LOCAL_STORAGE. Context 0 means the calling thread's current one.
CUcontext or_current(CUcontext context) { return context != nullptr ? context : current_context_handle(); }
CUresult put_value(CUcontext context, void* key, void* value, StorageDestructor destructor) {
  context = or_current(context);
  if (context == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  put_context_value(context, key, value, destructor);
  return CUDA_SUCCESS;
}
CUresult remove_value(CUcontext context, void* key) {
  return remove_context_value(or_current(context), key) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
CUresult get_value(void** value, CUcontext context, void* key) {
  const auto found = get_context_value(or_current(context), key);
  if (!found) return CUDA_ERROR_INVALID_HANDLE;
  *value = *found;
  return CUDA_SUCCESS;
}

// CONTEXT_CHECKS: conditions of which a driver never reports one.
CUresult check_context(CUcontext, std::uint32_t* condition, const void**) {
  *condition = 0;
  return CUDA_SUCCESS;
}
std::uint32_t check_process() { return 0; }

CUresult check_integrity(std::uint32_t version, std::uint64_t unix_seconds, std::uint64_t* result);

// A slot that nobody here knows: named once, and an error for who called it. Filled into every slot, so that
// none is a jump to address 0.
template <const char* Name, std::size_t Slot>
CUresult unknown_slot() {
  static std::once_flag once;
  std::call_once(once, [] {
    log().error("slot {} of the driver's table {} was called: what it does is not known", Slot, Name);
  });
  return CUDA_ERROR_NOT_SUPPORTED;
}

struct Known {
  std::size_t slot;
  const void* function;
};

template <const char* Name, std::size_t Slots>
Table<Slots> table(std::initializer_list<Known> known) {
  Table<Slots> made = []<std::size_t... Slot>(std::index_sequence<Slot...>) {
    return Table<Slots>{slot(unknown_slot<Name, Slot>)...};
  }(std::make_index_sequence<Slots>());
  made[0] = size_slot<Slots>();
  for (const Known& each : known) made[each.slot] = each.function;
  return made;
}

constexpr char kCudartInterfaceName[] = "CUDART_INTERFACE";
constexpr char kCallbackHooksName[] = "TOOLS_RUNTIME_CALLBACK_HOOKS";
constexpr char kToolsTlsName[] = "TOOLS_TLS";
constexpr char kContextStorageName[] = "CONTEXT_LOCAL_STORAGE";
constexpr char kContextChecksName[] = "CONTEXT_CHECKS";
constexpr char kIntegrityCheckName[] = "INTEGRITY_CHECK";
constexpr char kContextIdentityName[] = "21318C60-9714-3248-8CA6-41FF7324C8F2";

const auto kCudartInterface = table<kCudartInterfaceName, 13>({{1, slot(load_fatbin_plain)},
                                                               {2, slot(primary_context)},
                                                               {6, slot(load_fatbin)},
                                                               {7, slot(unregister_fatbin)},
                                                               {8, slot(load_fatbin_image)},
                                                               {12, slot(start_of_runtime)}});
const auto kCallbackHooks = table<kCallbackHooksName, 7>({{2, slot(first_buffer)}, {6, slot(second_buffer)}});
const auto kToolsTls = table<kToolsTlsName, 4>({{2, slot(current_context)}});
// This one does not begin with its size.
const auto kContextStorage =
    table<kContextStorageName, 4>({{0, slot(put_value)}, {1, slot(remove_value)}, {2, slot(get_value)}});
const auto kContextChecks =
    table<kContextChecksName, 4>({{2, slot(check_context)}, {3, slot(check_process)}});
const auto kIntegrityCheck = table<kIntegrityCheckName, 3>({{1, slot(check_integrity)}});
// Runtimes from 13.4 on do not start without it, and call none of its slots; the libraries of cuBLAS tell
// contexts apart by slot 4.
const auto kContextIdentity = table<kContextIdentityName, 96>({{4, slot(cuCtxGetId)}});

// Libcupti does not start without it, and calls none of its slots to tell its version.
constexpr char kProfilerName[] = "9B3FB67C-A49C-428E-A484-BEB66E6AED7F";
const auto kProfiler = table<kProfilerName, 64>({});

// What the digest covers, in this order and without padding; the cards follow.
struct CheckedProcess {
  std::uint32_t driver_version;
  std::uint32_t version;
  std::uint32_t process;
  std::uint32_t thread;
  const void* cudart_interface;
  const void* integrity_check;
  const void* check_function;
  std::uint64_t unix_seconds;
};
struct CheckedCard {
  CUuuid uuid;
  std::int32_t pci_domain;
  std::int32_t pci_bus;
  std::int32_t pci_device;
};

template <typename T>
void append(std::vector<std::uint8_t>& message, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  message.insert(message.end(), bytes, bytes + sizeof(T));
}

// `version` is ten times the runtime's version plus the step: two ask for constants, the third for the keyed
// digest.
CUresult check_integrity(std::uint32_t version, std::uint64_t unix_seconds, std::uint64_t* result) {
  constexpr std::uint64_t kCommonWord = 0x8ED383AA1F4CD1E8;
  constexpr Digest kKey = {0x14, 0x6A, 0xDD, 0xAE, 0x53, 0xA9, 0xA7, 0x52,
                           0xAA, 0x08, 0x41, 0x36, 0x0B, 0xF5, 0x5A, 0x9F};
  const std::uint32_t step = version % 10;
  if (step < 2) {
    result[0] = step == 0 ? 0x3341181C03CB675C : 0x1841181C03CB675C;
    result[1] = kCommonWord;
    return CUDA_SUCCESS;
  }
  int driver_version = 0;
  int cards = 0;
  cuDriverGetVersion(&driver_version);
  cuDeviceGetCount(&cards);
  std::vector<std::uint8_t> message;
  append(message,
         CheckedProcess{static_cast<std::uint32_t>(driver_version), version,
                        static_cast<std::uint32_t>(getpid()), static_cast<std::uint32_t>(pthread_self()),
                        kCudartInterface.data(), kIntegrityCheck.data(), kIntegrityCheck[1], unix_seconds});
  for (CUdevice device = 0; device < cards; ++device) {
    CheckedCard card{};
    // The card's, also of a MIG device: runtimes from 11.8 to 13.5 ask by the first form.
    cuDeviceGetUuid(&card.uuid, device);
    cuDeviceGetAttribute(&card.pci_domain, CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, device);
    cuDeviceGetAttribute(&card.pci_bus, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, device);
    cuDeviceGetAttribute(&card.pci_device, CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, device);
    append(message, card);
  }
  const Digest digest = hmac_md2(kKey, message);
  std::memcpy(result, digest.data(), digest.size());
  return CUDA_SUCCESS;
}

struct Named {
  std::array<std::uint8_t, 16> id;
  const void* table;
};

const Named kTables[] = {
    {{0x6B, 0xD5, 0xFB, 0x6C, 0x5B, 0xF4, 0xE7, 0x4A, 0x89, 0x87, 0xD9, 0x39, 0x12, 0xFD, 0x9D, 0xF9},
     kCudartInterface.data()},
    {{0xA0, 0x94, 0x79, 0x8C, 0x2E, 0x74, 0x2E, 0x74, 0x93, 0xF2, 0x08, 0x00, 0x20, 0x0C, 0x0A, 0x66},
     kCallbackHooks.data()},
    {{0x42, 0xD8, 0x5A, 0x81, 0x23, 0xF6, 0xCB, 0x47, 0x82, 0x98, 0xF6, 0xE7, 0x8A, 0x3A, 0xEC, 0xDC},
     kToolsTls.data()},
    {{0xC6, 0x93, 0x33, 0x6E, 0x11, 0x21, 0xDF, 0x11, 0xA8, 0xC3, 0x68, 0xF3, 0x55, 0xD8, 0x95, 0x93},
     kContextStorage.data()},
    {{0x26, 0x3E, 0x88, 0x60, 0x7C, 0xD2, 0x61, 0x43, 0x92, 0xF6, 0xBB, 0xD5, 0x00, 0x6D, 0xFA, 0x7E},
     kContextChecks.data()},
    {{0xD4, 0x08, 0x20, 0x55, 0xBD, 0xE6, 0x70, 0x4B, 0x8D, 0x34, 0xBA, 0x12, 0x3C, 0x66, 0xE1, 0xF2},
     kIntegrityCheck.data()},
    {{0x21, 0x31, 0x8C, 0x60, 0x97, 0x14, 0x32, 0x48, 0x8C, 0xA6, 0x41, 0xFF, 0x73, 0x24, 0xC8, 0xF2},
     kContextIdentity.data()},
    {{0x7C, 0xB6, 0x3F, 0x9B, 0x9C, 0xA4, 0x8E, 0x42, 0xA4, 0x84, 0xBE, 0xB6, 0x6E, 0x6A, 0xED, 0x7F},
     kProfiler.data()},
};

// Asked for, and meant to be refused: with it NVRTC would hand its compilation over to the driver.
constexpr std::array<std::uint8_t, 16> kCompilerTable = {0xDA, 0x91, 0x51, 0xD3, 0x3A, 0xE6, 0xCC, 0x41,
                                                         0xA5, 0xC0, 0x4F, 0x26, 0xD5, 0x33, 0xE3, 0x28};
// Asked for by every runtime before cuInit, and not needed by any.
constexpr std::array<std::uint8_t, 16> kOptionalTable = {0xF8, 0xCF, 0xF9, 0x51, 0x21, 0x46, 0x8B, 0x4E,
                                                         0xB9, 0xE2, 0xFB, 0x46, 0x9E, 0x7C, 0x0D, 0xD9};

bool is(const std::array<std::uint8_t, 16>& id, const CUuuid& asked) {
  return std::memcmp(id.data(), asked.bytes, sizeof(asked.bytes)) == 0;
}

// As UUIDs are written: their bytes in order.
std::string written(const CUuuid& id) {
  std::string text;
  for (std::size_t i = 0; i < sizeof(id.bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02X}", static_cast<std::uint8_t>(id.bytes[i]));
  }
  return text;
}

void name_once(const CUuuid& id) {
  static std::mutex mutex;
  static auto* const named = new std::set<std::string>;
  const std::lock_guard lock(mutex);
  if (const auto [at, first] = named->insert(written(id)); first)
    log().warn("a library asked for the driver's table {}, which is not known: it may refuse to work", *at);
}

}  // namespace

const void* export_table(const CUuuid& id) {
  for (const Named& named : kTables)
    if (is(named.id, id)) return named.table;
  if (!is(kCompilerTable, id) && !is(kOptionalTable, id)) name_once(id);
  return nullptr;
}

}  // namespace doppel::driver
