// SPDX-License-Identifier: Apache-2.0
#include "reference/layout.h"

#include <algorithm>

namespace doppel::reference {

using ptx::Space;

namespace {

std::uint64_t place(std::uint64_t& end, std::uint64_t size, std::uint64_t alignment) {
  const std::uint64_t a = std::max<std::uint64_t>(alignment, 1);
  end = (end + a - 1) / a * a;
  const std::uint64_t at = end;
  end += size;
  return at;
}

std::uint64_t place_variable(const ptx::Variable& v, Memory& memory, std::uint64_t& shared_end,
                             std::uint64_t& frame_end) {
  switch (v.space) {
    case Space::Shared:
      return v.size == 0 ? 0 : place(shared_end, v.size, v.alignment);
    case Space::Local:
    case Space::Param:
      return place(frame_end, v.size, v.alignment);
    default: {
      const std::uint64_t address = memory.allocate(v.size, v.alignment);
      if (!v.initializer.empty()) std::ranges::copy(v.initializer, memory.find(address, v.size).begin());
      return address;
    }
  }
}

void relocate(const ptx::Variable& v, std::uint64_t address, const ModuleLayout& layout, Memory& memory) {
  for (const ptx::Relocation& r : v.relocations) {
    const std::uint64_t target =
        r.is_function ? kFunctionBase + 16 * r.target : layout.variables.at(r.target);
    store_bits(memory.find(address + r.offset, r.size).data(), target + static_cast<std::uint64_t>(r.addend),
               r.size);
  }
}

// Dynamic shared memory (extern, unsized) begins where the static part ends.
void place_dynamic_shared(const std::vector<ptx::Variable>& variables, std::vector<std::uint64_t>& places,
                          std::uint64_t start) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].space == Space::Shared && variables[i].size == 0) places[i] = start;
  }
}

}  // namespace

std::vector<std::uint64_t> parameter_offsets(const std::vector<ptx::Variable>& parameters) {
  std::vector<std::uint64_t> offsets;
  std::uint64_t end = 0;
  for (const ptx::Variable& p : parameters) offsets.push_back(place(end, p.size, p.alignment));
  offsets.push_back(end);
  return offsets;
}

ModuleLayout lay_out(const ptx::Module& module, Memory& memory) {
  ModuleLayout layout;
  std::uint64_t unused_frame = 0;
  for (const ptx::Variable& v : module.variables) {
    layout.variables.push_back(place_variable(v, memory, layout.static_shared_size, unused_frame));
  }
  for (const ptx::Function& f : module.functions) {
    FunctionLayout& own = layout.functions.emplace_back();
    std::uint64_t end = 0;
    for (const ptx::Variable& v : f.variables) {
      own.variables.push_back(place_variable(v, memory, layout.static_shared_size, end));
    }
    if (f.is_kernel) {
      own.parameters = parameter_offsets(f.parameters);
    } else {
      for (const ptx::Variable& p : f.parameters) own.parameters.push_back(place(end, p.size, p.alignment));
    }
    for (const ptx::Variable& p : f.return_parameters) {
      own.return_parameters.push_back(place(end, p.size, p.alignment));
    }
    own.frame_size = (end + 15) / 16 * 16;
  }
  layout.static_shared_size = (layout.static_shared_size + 15) / 16 * 16;
  place_dynamic_shared(module.variables, layout.variables, layout.static_shared_size);
  for (std::size_t i = 0; i < module.functions.size(); ++i) {
    place_dynamic_shared(module.functions[i].variables, layout.functions[i].variables,
                         layout.static_shared_size);
  }
  for (std::size_t i = 0; i < module.variables.size(); ++i) {
    relocate(module.variables[i], layout.variables[i], layout, memory);
  }
  return layout;
}

}  // namespace doppel::reference
