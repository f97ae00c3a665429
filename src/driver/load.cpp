#include "driver/load.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "card/card.h"
#include "driver/call.h"
#include "driver/process.h"

namespace doppel::driver {
namespace {

tl::unexpected<CUresult> refuse_image(const Error& error, const JitOptions& options, CUresult code) {
  options.write_error(error.message);
  log().error("{}", error.message);
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
  auto program = device::Program::load(source->ptx, platform().options());
  if (!program) return refuse_image(program.error(), options, code_of_program(program.error().kind));
  options.write_info("");
  options.write_error("");
  return *std::move(program);
}

Loaded load_image(const void* image, const card::Card& card, const JitOptions& options) {
  return load_program(read_image(image, card.compute_capability.number()), options);
}

Loaded load_file(const char* path, const card::Card& card, const JitOptions& options) {
  const auto bytes = read_file(path);
  if (!bytes) return refuse_image(bytes.error(), options, CUDA_ERROR_FILE_NOT_FOUND);
  return load_program(read_image(std::as_bytes(std::span(*bytes)), card.compute_capability.number()),
                      options);
}

Result<std::string> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(Error::Kind::Io, fmt::format("cannot read {}", path));
  return bytes;
}

}  // namespace doppel::driver
