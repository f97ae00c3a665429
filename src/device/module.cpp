// SPDX-License-Identifier: Apache-2.0
#include "device/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "analysis/memory_layout.h"
#include "analysis/shared_layout.h"
#include "device/context.h"
#include "device/device.h"
#include "device/managed_memory.h"
#include "device/platform.h"
#include "jit/warp_abi.h"
#include "support/nearest.h"

namespace doppel::device {
namespace {

std::string hint(std::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = nearest_name(name, known);
  return nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
}

}  // namespace

Result<std::shared_ptr<Module>> Module::create(Context& context, std::shared_ptr<Program> program,
                                               const std::shared_ptr<Library>& library) {
  std::shared_ptr<Module> module(new Module(context.shared_from_this(), std::move(program)));
  module->library_ = library;
  if (auto placed = module->place_variables(library); !placed) {
    module->release();
    return tl::unexpected(placed.error());
  }
  const ir::Module& ir = module->program_->ir();
  for (std::uint32_t index = 0; index < ir.functions.size(); ++index) {
    if (ir.functions[index].is_kernel && !ir.functions[index].is_declaration) {
      module->kernels_.push_back(std::make_shared<Kernel>(module, index));
    }
  }
  return module;
}

Module::~Module() { release(); }

bool Module::context_destroyed() const { return context_->destroyed(); }

Result<void> Module::place_variables(const std::shared_ptr<Library>& library) {
  memory::AddressSpace& memory = context_->device().memory();
  const ir::Module& ir = program_->ir();
  symbols_.assign(ir.variables.size(), 0);
  for (std::size_t index = 0; index < ir.variables.size(); ++index) {
    const ir::Variable& variable = ir.variables[index];
    if (!analysis::takes_device_memory(variable)) continue;
    if (variable.managed && library != nullptr) {
      const auto shared = library->managed(context_->device(), static_cast<std::uint32_t>(index));
      if (!shared) return tl::unexpected(shared.error());
      symbols_[index] = *shared;
      continue;
    }
    const auto kind = variable.managed ? memory::AllocationKind::Managed : memory::AllocationKind::Symbol;
    const auto address = memory.allocate(variable.size, variable.alignment, kind, variable.name);
    if (!address) return tl::unexpected(address.error());
    symbols_[index] = *address;
    allocations_.push_back(*address);
    if (variable.managed) context_->platform().managed().allocated(context_->device(), *address);
    if (!variable.initializer.empty())
      std::memcpy(reinterpret_cast<void*>(*address), variable.initializer.data(),
                  variable.initializer.size());
    place_opaque(static_cast<std::uint32_t>(index));
  }
  const bool relocates_shared = library != nullptr && library->take_relocation();
  for (std::size_t index = 0; index < ir.variables.size(); ++index) {
    const ir::Variable& variable = ir.variables[index];
    if (!analysis::takes_device_memory(variable)) continue;
    if (variable.managed && library != nullptr && !relocates_shared) continue;
    for (const ir::Relocation& relocation : variable.relocations) {
      const std::uint64_t target =
          relocation.is_function ? jit::function_address(relocation.target) : symbols_[relocation.target];
      const std::uint64_t value = target + static_cast<std::uint64_t>(relocation.addend);
      std::memcpy(reinterpret_cast<void*>(symbols_[index] + relocation.offset), &value, relocation.size);
    }
  }
  return {};
}

// A texture or surface that nothing is bound to yet stands behind the variable's handle.
void Module::place_opaque(std::uint32_t index) {
  const ir::Variable& variable = program_->ir().variables[index];
  const bool surface = variable.opaque == ir::OpaqueType::Surface;
  if (variable.size != sizeof(std::uint64_t) || (!surface && variable.opaque != ir::OpaqueType::Texture))
    return;
  texture::ObjectTable& table = context_->device().textures();
  texture::Image nothing;
  nothing.destroyed = std::make_shared<const std::atomic<bool>>(true);
  const std::uint64_t handle =
      surface ? table.add_surface(std::move(nothing)) : table.add_texture({std::move(nothing), {}, nullptr});
  std::memcpy(reinterpret_cast<void*>(symbols_[index]), &handle, sizeof(handle));
  opaque_[index] = handle;
}

Result<std::uint64_t> Module::opaque_variable(std::string_view name, ir::OpaqueType type) const {
  const ir::Module& ir = program_->ir();
  for (const auto& [index, handle] : opaque_) {
    if (ir.variables[index].name == name && ir.variables[index].opaque == type) return handle;
  }
  return fail(Error::Kind::NotFound,
              fmt::format("the module has no {} reference '{}'",
                          type == ir::OpaqueType::Surface ? "surface" : "texture", name));
}

void Module::release() {
  for (const auto& [variable, handle] : opaque_) context_->device().textures().remove(handle);
  opaque_.clear();
  references_.clear();
  for (const std::uint64_t address : allocations_) {
    context_->platform().managed().forget(address);
    (void)context_->device().memory().free(address);
  }
  allocations_.clear();
}

Result<std::shared_ptr<Kernel>> Module::kernel(std::string_view name) const {
  for (const auto& each : kernels_) {
    if (each->name() != name) continue;
    if (const Error* refused = each->refusal()) return tl::unexpected<Error>(*refused);
    return each;
  }
  std::vector<std::string> names;
  for (const auto& each : kernels_) names.push_back(each->name());
  return fail(Error::Kind::NotFound, fmt::format("the module has no kernel '{}'{}", name, hint(name, names)));
}

Result<Global> Module::global(std::string_view name) const {
  const ir::Module& ir = program_->ir();
  std::vector<std::string> names;
  for (std::size_t index = 0; index < ir.variables.size(); ++index) {
    const auto refused = program_->refused_variables().find(static_cast<std::uint32_t>(index));
    if (ir.variables[index].name == name && refused != program_->refused_variables().end())
      return fail(Error::Kind::NotSupported,
                  fmt::format("variable '{}' cannot be used: {}", name, refused->second));
    if (symbols_[index] == 0) continue;
    if (ir.variables[index].name == name) return Global{symbols_[index], ir.variables[index].size};
    names.push_back(ir.variables[index].name);
  }
  return fail(Error::Kind::NotFound,
              fmt::format("the module has no variable '{}'{}", name, hint(name, names)));
}

Result<std::shared_ptr<Module>> Library::module(Context& context) {
  const std::lock_guard lock(mutex_);
  auto& module = modules_[context.id()];
  if (module != nullptr) return module;
  auto loaded = context.load(program_, shared_from_this());
  if (!loaded) {
    modules_.erase(context.id());
    return loaded;
  }
  module = *loaded;
  return module;
}

void Library::unload() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, module] : modules_) {
    // A context that was destroyed has released it already.
    if (!module->context_destroyed()) (void)module->context().unload(module);
  }
  modules_.clear();
  release_managed();
}

Result<std::uint64_t> Library::managed(Device& device, std::uint32_t variable) {
  const std::lock_guard lock(managed_mutex_);
  if (const auto found = managed_.find(variable); found != managed_.end()) return found->second;
  if (managed_device_ == nullptr) managed_device_ = &device;
  const ir::Variable& described = program_->ir().variables[variable];
  auto address = managed_device_->memory().allocate(described.size, described.alignment,
                                                    memory::AllocationKind::Managed, described.name);
  if (!address) return address;
  managed_device_->platform().managed().allocated(*managed_device_, *address);
  if (!described.initializer.empty())
    std::memcpy(reinterpret_cast<void*>(*address), described.initializer.data(),
                described.initializer.size());
  managed_.emplace(variable, *address);
  return *address;
}

Result<Global> Library::managed(Device& device, std::string_view name) {
  const auto& variables = program_->ir().variables;
  for (std::uint32_t index = 0; index < variables.size(); ++index) {
    if (variables[index].managed && variables[index].name == name)
      return managed(device, index).map([&](std::uint64_t address) {
        return Global{address, variables[index].size};
      });
  }
  return fail(Error::Kind::NotFound, fmt::format("the library has no managed variable '{}'", name));
}

void Library::release_managed() {
  const std::lock_guard lock(managed_mutex_);
  for (const auto& [variable, address] : managed_) {
    managed_device_->platform().managed().forget(address);
    (void)managed_device_->memory().free(address);
  }
  managed_.clear();
}

}  // namespace doppel::device
