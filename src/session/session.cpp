// SPDX-License-Identifier: Apache-2.0
#include "doppel/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "device/context.h"
#include "device/device.h"
#include "device/engine_launch.h"
#include "device/module.h"
#include "device/platform.h"
#include "device/validate.h"
#include "session/failure.h"
#include "session/trace.h"

namespace doppel {

using session::raise;
using session::value_of;

struct Module::Implementation {
  std::shared_ptr<device::Module> module;
};

Module::Module(std::shared_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}

std::vector<std::string> Module::kernels() const {
  std::vector<std::string> names;
  for (const auto& kernel : implementation_->module->kernels()) names.push_back(kernel->name());
  return names;
}

struct Session::Implementation {
  Card card;
  std::unique_ptr<device::Platform> platform;
  std::shared_ptr<device::Context> context;
  bool timed = true;

  device::Device& device() const { return platform->device(0); }

  // The part of a buffer from `offset` on, as the host reaches it.
  std::byte* at(const Buffer& buffer, std::size_t bytes, std::size_t offset) const {
    const auto allocation = device().memory().find(buffer.address);
    const bool inside = allocation &&
                        buffer.address + buffer.bytes <= allocation->address + allocation->size &&
                        offset <= buffer.bytes && bytes <= buffer.bytes - offset;
    if (!inside)
      throw Failure(
          Failure::Kind::InvalidArgument,
          fmt::format("{} bytes at {} of a buffer of {} bytes at {:#x}: not inside of it, or it was "
                      "freed",
                      bytes, offset, buffer.bytes, buffer.address));
    return reinterpret_cast<std::byte*>(buffer.address) + offset;
  }

  std::shared_ptr<device::Kernel> kernel_of(const Module& module, const std::string& name) const {
    const device::Module& code = *module.implementation()->module;
    if (&code.context() != context.get())
      throw Failure(Failure::Kind::InvalidArgument, "a module of another session");
    return value_of(code.kernel(name));
  }

  device::KernelWork work_of(const Module& module, const Launch& launch) const {
    device::KernelWork work;
    work.kernel = kernel_of(module, launch.kernel);
    work.config = {.grid = {launch.grid.x, launch.grid.y, launch.grid.z},
                   .block = {launch.block.x, launch.block.y, launch.block.z},
                   .dynamic_shared_bytes = launch.dynamic_shared_bytes};
    const auto& parameters = work.kernel->parameters();
    if (launch.arguments.size() != parameters.size()) {
      throw Failure(Failure::Kind::InvalidArgument,
                    fmt::format("kernel '{}' has {} parameters, {} are given", launch.kernel,
                                parameters.size(), launch.arguments.size()));
    }
    std::vector<void*> values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::vector<std::byte>& bytes = launch.arguments[i].bytes();
      if (bytes.size() != parameters[i].bytes) {
        throw Failure(Failure::Kind::InvalidArgument,
                      fmt::format("parameter {} of kernel '{}' has {} bytes, {} are given", i, launch.kernel,
                                  parameters[i].bytes, bytes.size()));
      }
      values.push_back(const_cast<std::byte*>(bytes.data()));  // pack() only reads
    }
    work.parameters = value_of(work.kernel->pack(values.data()));
    if (launch.dynamic_shared_bytes > work.kernel->max_dynamic_shared_bytes())
      value_of(work.kernel->set_max_dynamic_shared_bytes(launch.dynamic_shared_bytes));
    value_of(device::validate(work, device()));
    if (work.kernel->module()->program()->launches_kernels())
      throw Failure(Failure::Kind::NotSupported,
                    fmt::format("kernel '{}': its module launches kernels from kernels", launch.kernel));
    return work;
  }

  struct Run {
    std::shared_ptr<Trace::Implementation> trace;
    std::shared_ptr<const timing::KernelModel> model;
    timing::LaunchResources resources;
  };
  // samples_only: nothing but the blocks that the prediction needs, where the others may be left out.
  Run run(const Module& module, const Launch& launch, bool samples_only) {
    const device::KernelWork work = work_of(module, launch);
    device::Module& code = *module.implementation()->module;
    Run result{std::make_shared<Trace::Implementation>(), work.kernel->model(),
               work.kernel->resources(work.config)};
    Trace::Implementation& trace = *result.trace;
    trace.module = code.program()->analysed();
    trace.function = work.kernel->function();
    trace.config = work.config;

    engine::Launch request = device::engine_launch(*context, code, work, result.resources);
    std::vector<std::uint64_t> samples;
    if (timed) samples = timing::plan_samples(card.data(), result.resources, timing::Depth::Fast);
    request.traced_blocks = samples;
    request.measure_blocks = timed;
    request.traced_only = samples_only && !trace.module->kernel(trace.function).may_wait_for_others;
    std::atomic<bool> cancel{false};
    request.cancel = &cancel;
    device::Platform::Watch watch(*platform, cancel);
    request.starts = [&watch] { watch.starts(); };
    trace.outcome = value_of(platform->engine().run(request));
    context->flush_output();
    if (trace.outcome.fault) throw Failure(Failure::Kind::Fault, engine::describe(*trace.outcome.fault));
    if (request.traced_only) {
      trace.outcome.counts = timing::counts_of_grid(*result.model, trace.config.grid.count(),
                                                    trace.outcome.traces, trace.outcome.counts);
    }
    return result;
  }
};

Session::Session(const Card& card, const SessionOptions& options) {
  device::Options all;
  all.check = options.check;
  all.cache_directory = options.cache_directory;
  all.host_threads = options.host_threads;
  all.timeout_s = options.timeout_s;
  auto platform = value_of(device::Platform::create(std::move(all), {card.data()}));
  auto context = value_of(platform->device(0).retain_primary());
  implementation_ = std::make_unique<Implementation>(
      Implementation{card, std::move(platform), std::move(context), options.timing && !options.check});
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const Card& Session::card() const { return implementation_->card; }

Module Session::load(std::string_view ptx) {
  device::Platform& platform = *implementation_->platform;
  const std::string text(ptx);
  auto program =
      value_of(device::Program::load(std::span(&text, 1), platform.options(), 0, &platform.compilations()));
  auto made = std::make_shared<Module::Implementation>();
  made->module = value_of(implementation_->context->load(std::move(program)));
  return Module(std::move(made));
}

Buffer Session::allocate(std::size_t bytes) {
  return {value_of(implementation_->context->allocate(bytes)), bytes};
}

void Session::free(const Buffer& buffer) { value_of(implementation_->context->free(buffer.address)); }

void Session::write(const Buffer& buffer, const void* from, std::size_t bytes, std::size_t offset) {
  std::memcpy(implementation_->at(buffer, bytes, offset), from, bytes);
}

void Session::read(const Buffer& buffer, void* to, std::size_t bytes, std::size_t offset) const {
  std::memcpy(to, implementation_->at(buffer, bytes, offset), bytes);
}

Buffer Session::variable(const Module& module, const std::string& name) const {
  const device::Global found = value_of(module.implementation()->module->global(name));
  return {found.address, found.bytes};
}

Resources Session::resources(const Module& module, const std::string& kernel, Extent block,
                             std::uint32_t dynamic_shared_bytes) const {
  const timing::LaunchResources known =
      implementation_->kernel_of(module, kernel)
          ->resources({.block = {block.x, block.y, block.z}, .dynamic_shared_bytes = dynamic_shared_bytes});
  return {known.registers,          known.spilled_bytes,
          known.shared_bytes,       static_cast<std::uint32_t>(known.occupancy.blocks_per_sm),
          known.occupancy.fraction, std::string(card::name_of(known.occupancy.limit))};
}

Prediction Session::launch(const Module& module, const Launch& launch) {
  const Implementation::Run run = implementation_->run(module, launch, false);
  if (!implementation_->timed) return {};
  return session::predict(*run.trace, *run.model, run.resources, implementation_->card.data(),
                          implementation_->device().l2());
}

Trace Session::trace(const Module& module, const Launch& launch) {
  if (!implementation_->timed)
    throw Failure(Failure::Kind::InvalidArgument, "the session's options say that nothing is timed");
  return Trace(implementation_->run(module, launch, true).trace);
}

Prediction Session::predict(const Module& module, const Launch& launch, bool cold) {
  return trace(module, launch).predict(implementation_->card, cold);
}

}  // namespace doppel
