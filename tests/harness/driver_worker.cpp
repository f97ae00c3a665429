// SPDX-License-Identifier: Apache-2.0
#include "harness/driver_worker.h"

#include <dlfcn.h>
#include <doppel/cuda.h>
#include <doppel/cuda/context.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/message.h"

namespace doppel::harness {

namespace {

// The functions of one libcuda.so.1, by the names of their revisions.
class Api {
 public:
  explicit Api(const std::string& path) {
    library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) throw std::runtime_error(dlerror());
    find(init, "cuInit");
    find(driver_version, "cuDriverGetVersion");
    find(error_name, "cuGetErrorName");
    find(error_text, "cuGetErrorString");
    find(device, "cuDeviceGet");
    find(device_name, "cuDeviceGetName");
    find(device_attribute, "cuDeviceGetAttribute");
    find(retain_context, "cuDevicePrimaryCtxRetain");
    find(set_context, "cuCtxSetCurrent");
    find(set_limit, "cuCtxSetLimit");
    find(synchronize, "cuCtxSynchronize");
    find(load, "cuModuleLoadDataEx");
    find(unload, "cuModuleUnload");
    find(function, "cuModuleGetFunction");
    find(set_function_attribute, "cuFuncSetAttribute");
    find(allocate, "cuMemAlloc_v2");
    find(free, "cuMemFree_v2");
    find(upload, "cuMemcpyHtoD_v2");
    find(download, "cuMemcpyDtoH_v2");
    find(launch, "cuLaunchKernel");
  }

  decltype(&cuInit) init;
  decltype(&cuDriverGetVersion) driver_version;
  decltype(&cuGetErrorName) error_name;
  decltype(&cuGetErrorString) error_text;
  decltype(&cuDeviceGet) device;
  decltype(&cuDeviceGetName) device_name;
  decltype(&cuDeviceGetAttribute) device_attribute;
  decltype(&cuDevicePrimaryCtxRetain) retain_context;
  decltype(&cuCtxSetCurrent) set_context;
  CUresult (*set_limit)(CUlimit, std::size_t);
  decltype(&cuCtxSynchronize) synchronize;
  decltype(&cuModuleLoadDataEx) load;
  decltype(&cuModuleUnload) unload;
  decltype(&cuModuleGetFunction) function;
  decltype(&cuFuncSetAttribute) set_function_attribute;
  decltype(&cuMemAlloc) allocate;
  decltype(&cuMemFree) free;
  decltype(&cuMemcpyHtoD) upload;
  decltype(&cuMemcpyDtoH) download;
  decltype(&cuLaunchKernel) launch;

 private:
  template <class Function>
  void find(Function& entry, const char* name) {
    entry = reinterpret_cast<Function>(dlsym(library_, name));
    if (entry == nullptr) throw std::runtime_error(fmt::format("the library has no {}", name));
  }

  void* library_ = nullptr;
};

struct Failure {
  DriverAnswer answer = DriverAnswer::Failed;
  std::string what;
};

class Worker {
 public:
  explicit Worker(const std::string& library) : api_(library) {
    check(api_.init(0), "cuInit");
    check(api_.device(&device_, 0), "cuDeviceGet");
    CUcontext context = nullptr;
    check(api_.retain_context(&context, device_), "cuDevicePrimaryCtxRetain");
    check(api_.set_context(context), "cuCtxSetCurrent");
    // Recursion has a depth that a compiler cannot know; the default of 1 KiB a thread is short for it.
    check(api_.set_limit(CU_LIMIT_STACK_SIZE, 4096), "cuCtxSetLimit");
  }

  Message answer(Message& request) {
    Message done;
    done.put(DriverAnswer::Done);
    switch (static_cast<DriverRequest>(request.number())) {
      case DriverRequest::Describe:
        describe(done);
        break;
      case DriverRequest::Load:
        load(request.text());
        break;
      case DriverRequest::Launch:
        launch(request, done);
        break;
    }
    return done;
  }

 private:
  void check(CUresult result, const std::string& call, DriverAnswer answer = DriverAnswer::Failed) {
    if (result == CUDA_SUCCESS) return;
    const char* name = nullptr;
    const char* text = nullptr;
    if (api_.error_name(result, &name) != CUDA_SUCCESS || name == nullptr) name = "an unknown error";
    if (api_.error_text(result, &text) != CUDA_SUCCESS || text == nullptr) text = "no description";
    throw Failure{answer, fmt::format("{}: {} ({})", call, name, text)};
  }

  // -> name, compute capability (10 x major + minor), version of the driver
  void describe(Message& done) {
    std::array<char, 256> name{};
    check(api_.device_name(name.data(), static_cast<int>(name.size()), device_), "cuDeviceGetName");
    int major = 0, minor = 0, version = 0;
    check(api_.device_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device_),
          "cuDeviceGetAttribute");
    check(api_.device_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device_),
          "cuDeviceGetAttribute");
    check(api_.driver_version(&version), "cuDriverGetVersion");
    done.put(std::string_view(name.data()));
    done.put(static_cast<std::uint64_t>(10 * major + minor));
    done.put(static_cast<std::uint64_t>(version));
  }

  // Text of a module. That of the last one is not compiled again, whether it went well or not.
  void load(std::string text) {
    if (text_ == text) {
      if (refusal_) throw Failure(*refusal_);
      return;
    }
    if (module_ != nullptr) check(api_.unload(std::exchange(module_, nullptr)), "cuModuleUnload");
    text_ = std::move(text);
    refusal_.reset();
    std::string log(std::size_t{16} << 10, '\0');
    std::array<CUjit_option, 2> options{CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    std::array<void*, 2> values{log.data(), reinterpret_cast<void*>(log.size() - 1)};
    const CUresult result = api_.load(&module_, text_.c_str(), static_cast<unsigned>(options.size()),
                                      options.data(), values.data());
    try {
      check(result, "cuModuleLoadDataEx",
            result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION ? DriverAnswer::TooNew : DriverAnswer::Failed);
    } catch (Failure& failure) {
      module_ = nullptr;
      failure.what += fmt::format("\n{}", log.c_str());
      refusal_ = failure;
      throw;
    }
  }

  // text, kernel, grid, block, dynamic shared bytes,
  // buffers: their number, the bytes of each,
  // arguments: their number; of each 1 and the number of a buffer, or 0 and bytes
  // -> the bytes of each buffer
  void launch(Message& request, Message& done) {
    load(request.text());
    CUfunction function = nullptr;
    const std::string name = request.text();
    check(api_.function(&function, module_, name.c_str()), "cuModuleGetFunction " + name);
    std::array<unsigned, 6> extents{};
    for (unsigned& extent : extents) extent = static_cast<unsigned>(request.number());
    const auto shared = static_cast<unsigned>(request.number());
    constexpr unsigned kWithoutAsking = 48U << 10;  // CUDA C++ Programming Guide, Shared Memory
    if (shared > kWithoutAsking) {
      check(api_.set_function_attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                        static_cast<int>(shared)),
            "cuFuncSetAttribute");
    }
    std::vector<CUdeviceptr> addresses(request.number());
    std::vector<std::size_t> sizes;
    for (CUdeviceptr& address : addresses) {
      const std::vector<std::byte> bytes = request.bytes();
      sizes.push_back(bytes.size());
      check(api_.allocate(&address, std::max<std::size_t>(bytes.size(), 1)), "cuMemAlloc");
      if (!bytes.empty()) check(api_.upload(address, bytes.data(), bytes.size()), "cuMemcpyHtoD");
    }
    std::vector<std::vector<std::byte>> arguments(request.number());
    std::vector<void*> pointers;
    for (auto& argument : arguments) {
      if (request.number() == 1) {
        const auto* bytes = reinterpret_cast<const std::byte*>(&addresses.at(request.number()));
        argument.assign(bytes, bytes + sizeof(CUdeviceptr));
      } else {
        argument = request.bytes();
      }
      pointers.push_back(argument.data());
    }
    check(api_.launch(function, extents[0], extents[1], extents[2], extents[3], extents[4], extents[5],
                      shared, nullptr, pointers.data(), nullptr),
          "cuLaunchKernel", DriverAnswer::Lost);
    check(api_.synchronize(), "cuCtxSynchronize", DriverAnswer::Lost);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      std::vector<std::byte> bytes(sizes[i]);
      if (!bytes.empty()) check(api_.download(bytes.data(), addresses[i], bytes.size()), "cuMemcpyDtoH");
      done.put(std::span<const std::byte>(bytes));
      check(api_.free(addresses[i]), "cuMemFree");
    }
  }

  Api api_;
  CUdevice device_ = 0;
  CUmodule module_ = nullptr;
  std::string text_;
  std::optional<Failure> refusal_;  // of text_
};

Message failed(const Failure& failure) {
  Message answer;
  answer.put(failure.answer);
  answer.put(failure.what);
  return answer;
}

}  // namespace

void serve_driver(int socket, const std::string& library) {
  std::optional<Worker> worker;
  Message request;
  while (request.receive(socket, -1) == Message::Arrival::Whole) {
    Message answer;
    try {
      if (!worker) worker.emplace(library);
      answer = worker->answer(request);
    } catch (const Failure& failure) {
      answer = failed(failure);
    } catch (const std::exception& error) {
      answer = failed({DriverAnswer::Failed, error.what()});
    }
    if (!answer.send(socket)) break;
  }
  // Without the driver's own end: after a fault it may wait for a context that is lost.
  _exit(0);
}

}  // namespace doppel::harness
