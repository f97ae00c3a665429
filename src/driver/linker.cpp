// SPDX-License-Identifier: Apache-2.0
// The linker of the interface: PTX texts and fatbins in, one image out that cuModuleLoadData takes.
#include <fmt/format.h>

#include <mutex>
#include <span>

#include "device/context.h"
#include "device/device.h"
#include "device/platform.h"
#include "driver/call.h"
#include "driver/elf.h"
#include "driver/image.h"
#include "driver/load.h"
#include "driver/objects.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

struct Linker {
  std::mutex mutex;
  JitOptions options;
  int compute_capability = 0;
  ModuleSource source;
  std::string output;  // of cuLinkComplete: lives as long as the linker
};

HandleTable<CUlinkState, Linker>& linkers() {
  static auto* const made = new HandleTable<CUlinkState, Linker>;
  return *made;
}

CUresult create(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
  if (state == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto context = current_context();
  if (!context) return to_result(context.error());
  const auto read = JitOptions::read(count, options, values);
  if (!read) return to_result(read.error());
  auto linker = std::make_shared<Linker>();
  linker->options = *read;
  linker->source.max_registers = read->max_registers();
  linker->compute_capability = (*context)->device().card().compute_capability.number();
  *state = linkers().add(std::move(linker));
  return CUDA_SUCCESS;
}

CUresult refuse(const Linker& linker, const std::string& message, CUresult code) {
  linker.options.write_error(message);
  log().error("{}", message);
  return code;
}

CUresult add(CUlinkState state, CUjitInputType type, std::span<const std::byte> image,
             const std::string& name) {
  const auto linker = linkers().find(state);
  if (!linker) return CUDA_ERROR_INVALID_HANDLE;
  const std::lock_guard lock(linker->mutex);
  const bool holds_fatbins = is_archive(image) || is_elf(image);
  const bool is_right_kind = type == CU_JIT_INPUT_PTX || type == CU_JIT_INPUT_FATBINARY ||
                             ((type == CU_JIT_INPUT_OBJECT || type == CU_JIT_INPUT_LIBRARY) && holds_fatbins);
  if (!is_right_kind)
    return refuse(
        *linker,
        fmt::format("{}: only PTX, fatbins, host objects and archives of them can be linked here, not "
                    "machine code or intermediate code",
                    name),
        CUDA_ERROR_NOT_SUPPORTED);
  const auto source = read_image(image, linker->compute_capability);
  if (!source)
    return refuse(*linker, fmt::format("{}: {}", name, source.error().message),
                  source.error().kind == Error::Kind::NotFound ? CUDA_ERROR_NO_BINARY_FOR_GPU
                                                               : CUDA_ERROR_INVALID_IMAGE);
  auto& texts = linker->source.ptx;
  texts.insert(texts.end(), source->ptx.begin(), source->ptx.end());
  return CUDA_SUCCESS;
}

CUresult add_data(CUlinkState state, CUjitInputType type, const void* data, std::size_t bytes,
                  const char* name) {
  if (data == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return add(state, type, {static_cast<const std::byte*>(data), bytes}, name != nullptr ? name : "<unnamed>");
}

CUresult add_file(CUlinkState state, CUjitInputType type, const char* path) {
  if (path == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto bytes = read_file(path);
  if (!bytes) {
    log().error("{}", bytes.error().message);
    return CUDA_ERROR_FILE_NOT_FOUND;
  }
  return add(state, type, std::as_bytes(std::span(*bytes)), path);
}

// Links once here, so that errors are told now and not when the image is loaded.
CUresult complete(CUlinkState state, void** image, std::size_t* bytes) {
  const auto linker = linkers().find(state);
  if (!linker) return CUDA_ERROR_INVALID_HANDLE;
  if (image == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const std::lock_guard lock(linker->mutex);
  const Loaded program = load_program(linker->source, linker->options);
  if (!program) return program.error();
  linker->output = pack_linked(linker->source);
  *image = linker->output.data();
  if (bytes != nullptr) *bytes = linker->output.size() + 1;  // with the closing zero
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace doppel::driver

extern "C" {
using namespace doppel::driver;

CUresult cuLinkCreate(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
  return call(__func__, std::tuple(count, options, values, state),
              [&] { return create(count, options, values, state); });
}
CUresult cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
  return call(__func__, std::tuple(count, options, values, state),
              [&] { return create(count, options, values, state); });
}

// Options of a single input would only steer an optimiser.
CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void* data, size_t bytes, const char* name,
                       unsigned count, CUjit_option* options, void** values) {
  return call(__func__, std::tuple(state, type, data, bytes, name, count, options, values),
              [&] { return add_data(state, type, data, bytes, name); });
}
CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t bytes, const char* name,
                          unsigned count, CUjit_option* options, void** values) {
  return call(__func__, std::tuple(state, type, data, bytes, name, count, options, values),
              [&] { return add_data(state, type, data, bytes, name); });
}

CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char* path, unsigned count,
                       CUjit_option* options, void** values) {
  return call(__func__, std::tuple(state, type, text(path), count, options, values),
              [&] { return add_file(state, type, path); });
}
CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char* path, unsigned count,
                          CUjit_option* options, void** values) {
  return call(__func__, std::tuple(state, type, text(path), count, options, values),
              [&] { return add_file(state, type, path); });
}

CUresult cuLinkComplete(CUlinkState state, void** image, size_t* bytes) {
  return call(__func__, std::tuple(state, image, bytes), [&] { return complete(state, image, bytes); });
}
CUresult cuLinkDestroy(CUlinkState state) {
  return call(__func__, std::tuple(state),
              [&] { return linkers().remove(state) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

}  // extern "C"
