// SPDX-License-Identifier: Apache-2.0
// Errors of the memory, by ECC.
#include <utility>

#include "smi/fields.h"

namespace doppel::smi {
namespace {

// NVML's numbers.
constexpr std::array<std::pair<const char*, int>, 2> kKinds = {{{"corrected", 0}, {"uncorrected", 1}}};
constexpr std::array<std::pair<const char*, int>, 2> kSince = {{{"volatile", 0}, {"aggregate", 1}}};
constexpr std::array<std::pair<const char*, int>, 8> kPlaces = {{{"device_memory", 2},
                                                                 {"dram", 2},
                                                                 {"register_file", 3},
                                                                 {"l1_cache", 0},
                                                                 {"l2_cache", 1},
                                                                 {"texture_memory", 4},
                                                                 {"cbu", 6},
                                                                 {"sram", 7}}};

enum class Rows { Corrected, Uncorrected, Pending, Failed };
Field rows(const char* name, const char* about, Rows which) {
  return {name, "", "", about, [which](const Gpu& gpu) {
            unsigned corrected = 0, uncorrected = 0, pending = 0, failed = 0;
            const nvmlReturn_t code =
                gpu.call("nvmlDeviceGetRemappedRows", &corrected, &uncorrected, &pending, &failed);
            if (code != NVML_SUCCESS) return no_value(code);
            if (which == Rows::Pending) return Value{pending != 0 ? "Yes" : "No"};
            if (which == Rows::Failed) return Value{failed != 0 ? "Yes" : "No"};
            return number(Answer<unsigned>{code, which == Rows::Corrected ? corrected : uncorrected});
          }};
}

Field retired(const char* name, const char* about, int cause) {
  return {name, "", "", about, [cause](const Gpu& gpu) {
            unsigned count = 0;
            const nvmlReturn_t code = gpu.call("nvmlDeviceGetRetiredPages", cause, &count,
                                               static_cast<unsigned long long*>(nullptr));
            return number(Answer<unsigned>{code, count});
          }};
}

}  // namespace

void add_error_fields(std::vector<Field>& to) {
  for (const auto& [kind, kind_number] : kKinds) {
    for (const auto& [since, since_number] : kSince) {
      const std::string head = std::string("ecc.errors.") + kind + "." + since + ".";
      const std::string what = std::string(kind) + (since_number == 0 ? " since the card's start" : " ever");
      for (const auto& [place, location] : kPlaces) {
        to.push_back({head + place, "", "", what + ", there",
                      [type = kind_number, counter = since_number, at = location](const Gpu& gpu) {
                        return number(gpu.get<unsigned long long>("nvmlDeviceGetMemoryErrorCounter", type,
                                                                  counter, at));
                      }});
      }
      to.push_back(
          {head + "total", "", "", what, [type = kind_number, counter = since_number](const Gpu& gpu) {
             return number(gpu.get<unsigned long long>("nvmlDeviceGetTotalEccErrors", type, counter));
           }});
    }
  }
  to.insert(to.end(),
            {
                retired("retired_pages.single_bit_ecc.count",
                        "pages of memory that are out of use for corrected errors", 0),
                retired("retired_pages.double_bit.count", "the same for uncorrectable ones", 1),
                {"retired_pages.pending", "", "", "whether pages wait for the next start",
                 [](const Gpu& gpu) {
                   const auto pending = gpu.get<int>("nvmlDeviceGetRetiredPagesPendingStatus");
                   return pending ? Value{pending.value != 0 ? "Yes" : "No"} : no_value(pending.code);
                 }},
                rows("remapped_rows.correctable", "rows of memory that are replaced for corrected errors",
                     Rows::Corrected),
                rows("remapped_rows.uncorrectable", "the same for uncorrectable ones", Rows::Uncorrected),
                rows("remapped_rows.pending", "whether rows wait for the next start", Rows::Pending),
                rows("remapped_rows.failure", "whether a row could not be replaced", Rows::Failed),
            });
}

}  // namespace doppel::smi
