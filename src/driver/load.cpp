// SPDX-License-Identifier: Apache-2.0
#include "driver/load.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "card/card.h"
#include "driver/call.h"
#include "driver/process.h"
#include "driver/refusals.h"
#include "frontend/ptx/target.h"

namespace doppel::driver {
namespace {

// A fatbin says its size in 64 bits, but no image of code comes near this.
constexpr std::uintmax_t kLargestFile = std::uintmax_t{2} << 30;

tl::unexpected<CUresult> refuse_image(const Error& error, const JitOptions& options, CUresult code) {
  options.write_error(error.message);
  log().error("{}", error.message);
  note_refused_module(error);
  return tl::unexpected(code);
}

CUresult code_of_image(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::NotFound:
      return CUDA_ERROR_NO_BINARY_FOR_GPU;
    case Error::Kind::Io:
      return CUDA_ERROR_FILE_NOT_FOUND;
    case Error::Kind::NotSupported:
      return CUDA_ERROR_NOT_SUPPORTED;
    default:
      return CUDA_ERROR_INVALID_IMAGE;
  }
}

CUresult code_of_program(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::NotSupported:
      return CUDA_ERROR_NOT_SUPPORTED;
    case Error::Kind::UnsupportedVersion:
      return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    case Error::Kind::OutOfMemory:
      return CUDA_ERROR_OUT_OF_MEMORY;
    default:
      return CUDA_ERROR_INVALID_PTX;
  }
}

}  // namespace

Loaded load_program(const Result<ModuleSource>& source, const JitOptions& options) {
  if (!source) return refuse_image(source.error(), options, code_of_image(source.error().kind));
  const unsigned max_registers =
      options.max_registers() != 0 ? options.max_registers() : source->max_registers;
  auto program =
      device::Program::load(source->ptx, platform().options(), max_registers, &platform().compilations());
  if (!program) return refuse_image(program.error(), options, code_of_program(program.error().kind));
  options.write_info("");
  options.write_error("");
  return *std::move(program);
}

namespace {

// A text for a later card, or for another family: as the driver's own compiler, which takes no such .target.
Loaded for_card(Loaded loaded, const card::Card& card, const JitOptions& options) {
  if (!loaded) return loaded;
  const std::string& name = (*loaded)->ir().target;
  ptx::Target target;
  const auto capability = static_cast<std::uint32_t>(card.compute_capability.number());
  if (!ptx::read_target(name, target) || ptx::runs_on(target, capability)) return loaded;
  return refuse_image({Error::Kind::InvalidInput,
                       fmt::format(".target {} is not for this card, which is sm_{}", name, capability)},
                      options, CUDA_ERROR_INVALID_PTX);
}

}  // namespace

Loaded load_image(const void* image, const card::Card& card, const JitOptions& options) {
  return for_card(load_program(read_image(image, card.compute_capability.number()), options), card, options);
}

Loaded load_file(const char* path, const card::Card& card, const JitOptions& options) {
  const auto bytes = read_file(path);
  if (!bytes) return refuse_image(bytes.error(), options, CUDA_ERROR_FILE_NOT_FOUND);
  const int capability = card.compute_capability.number();
  return for_card(load_program(read_image(std::as_bytes(std::span(*bytes)), capability), options), card,
                  options);
}

Result<std::string> read_file(const char* path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return fail(Error::Kind::Io, fmt::format("{} is no regular file", path));
  if (const auto bytes = std::filesystem::file_size(path, error); !error && bytes > kLargestFile)
    return fail(Error::Kind::Io, fmt::format("{} of {} bytes is too large for an image", path, bytes));
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(Error::Kind::Io, fmt::format("cannot read {}", path));
  return bytes;
}

}  // namespace doppel::driver
