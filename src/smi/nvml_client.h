// SPDX-License-Identifier: Apache-2.0
// The management library as `doppel smi` has it: opened as other clients do, its functions found by name.
#pragma once

#include <dlfcn.h>
#include <doppel/nvml/types.h>

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "smi/outcome.h"

namespace doppel::smi {

// What a function of the library answered. `value` holds where `code` is NVML_SUCCESS.
template <typename T>
struct Answer {
  nvmlReturn_t code = NVML_ERROR_UNKNOWN;
  T value{};
  explicit operator bool() const { return code == NVML_SUCCESS; }
  T value_or(const T& other) const { return code == NVML_SUCCESS ? value : other; }
};

class Nvml {
 public:
  // Opens the library and begins its use. Failures: LIBRARY_NOT_FOUND, or what nvmlInit_v2 answered.
  static Outcome<Nvml> open(const std::filesystem::path& file);
  ~Nvml();
  Nvml(Nvml&& other) noexcept : library_(std::exchange(other.library_, nullptr)) {}
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // FUNCTION_NOT_FOUND where the library has no such function. Arguments have the types of the interface, but
  // that whole numbers stand for its enumerations, as for clients in C.
  template <typename... Arguments>
#if defined(__clang__)
  __attribute__((no_sanitize("function")))
#endif
  nvmlReturn_t
  call(const char* name, Arguments... arguments) const {
    void* const function = dlsym(library_, name);
    if (function == nullptr) return NVML_ERROR_FUNCTION_NOT_FOUND;
    return reinterpret_cast<nvmlReturn_t (*)(Arguments...)>(function)(arguments...);
  }
  // Of a function whose last argument is the place for its answer.
  template <typename T, typename... Arguments>
  Answer<T> get(const char* name, Arguments... arguments) const {
    Answer<T> answer;
    answer.code = call(name, arguments..., &answer.value);
    return answer;
  }
  // Of a function whose last arguments are the place for a text, and its length.
  template <typename... Arguments>
  Answer<std::string> text(const char* name, Arguments... arguments) const {
    std::array<char, 256> buffer{};
    Answer<std::string> answer;
    answer.code = call(name, arguments..., buffer.data(), static_cast<unsigned>(buffer.size()));
    if (answer) answer.value = buffer.data();
    return answer;
  }

 private:
  explicit Nvml(void* library) : library_(library) {}
  void* library_;
};

// One card of the library.
class Gpu {
 public:
  Gpu(const Nvml& nvml, nvmlDevice_t handle, unsigned index) : nvml_(&nvml), handle_(handle), index_(index) {}
  const Nvml& nvml() const { return *nvml_; }
  nvmlDevice_t handle() const { return handle_; }
  unsigned index() const { return index_; }
  template <typename... Arguments>
  nvmlReturn_t call(const char* name, Arguments... arguments) const {
    return nvml_->call(name, handle_, arguments...);
  }
  template <typename T, typename... Arguments>
  Answer<T> get(const char* name, Arguments... arguments) const {
    return nvml_->get<T>(name, handle_, arguments...);
  }
  template <typename... Arguments>
  Answer<std::string> text(const char* name, Arguments... arguments) const {
    return nvml_->text(name, handle_, arguments...);
  }
  Answer<nvmlFieldValue_t> field(unsigned id, unsigned scope = 0) const;
  std::string name() const;
  std::string uuid() const;
  std::string bus_id() const;  // "00000000:01:00.0"

 private:
  const Nvml* nvml_;
  nvmlDevice_t handle_;
  unsigned index_;
};

Outcome<std::vector<Gpu>> all_gpus(const Nvml& nvml);
// Those that `-i` names, with commas between them: by index, UUID or PCI bus id. Empty: all. Failure
// NOT_FOUND names the one that is none.
Outcome<std::vector<Gpu>> chosen_gpus(const Nvml& nvml, const std::string& ids);

// Processes that compute on the card.
std::vector<nvmlProcessInfo_v2_t> processes(const Gpu& gpu);
// "[Not Found]" where the process has gone since, as the original has it.
std::string process_name(const Nvml& nvml, unsigned pid);

}  // namespace doppel::smi
