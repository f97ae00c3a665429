// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/opaque_initializer.h"

#include <cstring>

#include "frontend/ptx/constant.h"
#include "ir/opaque_handle.h"

namespace doppel::ptx {
namespace {

using ir::PtxAddressMode;
using ir::PtxSampler;

constexpr std::string_view kModes[] = {"wrap", "mirror", "clamp_ogl", "clamp_to_edge", "clamp_to_border"};

PtxAddressMode address_mode(ParserState& state) {
  const TextLocation where = state.here();
  const std::string_view word = state.expect_identifier("an address mode");
  for (std::size_t i = 0; i < std::size(kModes); ++i) {
    if (kModes[i] != word) continue;
    const auto mode = static_cast<PtxAddressMode>(i);
    // Mixed with a border that nothing gives.
    if (mode == PtxAddressMode::ClampOgl) fail_unsupported(where, "address mode clamp_ogl is not supported");
    return mode;
  }
  fail_malformed(where, fmt::format("'{}' is no address mode", word));
}

void field(ParserState& state, PtxSampler& sampler) {
  const TextLocation where = state.here();
  const std::string_view name = state.expect_identifier("a field");
  state.expect('=');
  if (name == "addr_mode_0") {
    sampler.modes[0] = address_mode(state);
  } else if (name == "addr_mode_1") {
    sampler.modes[1] = address_mode(state);
  } else if (name == "addr_mode_2") {
    sampler.modes[2] = address_mode(state);
  } else if (name == "filter_mode") {
    const TextLocation at = state.here();
    const std::string_view word = state.expect_identifier("a filter");
    if (word != "nearest" && word != "linear") fail_malformed(at, fmt::format("'{}' is no filter", word));
    sampler.linear = word == "linear";
  } else if (name == "force_unnormalized_coords") {
    sampler.force_unnormalized = parse_unsigned(state.lexer, 1, "force_unnormalized_coords") != 0;
  } else {
    fail_malformed(where, fmt::format("'{}' is no field of a sampler", name));
  }
}

void keep(Variable& variable, const PtxSampler& sampler) {
  const std::uint64_t handle = ir::handle_of(sampler);
  variable.initializer.resize(sizeof(handle));
  std::memcpy(variable.initializer.data(), &handle, sizeof(handle));
}

}  // namespace

void parse_opaque_initializer(ParserState& state, Variable& variable) {
  if (variable.opaque != ir::OpaqueType::Sampler || variable.size != 8)
    fail_unsupported(state.here(), "initial contents of .texref, .surfref and arrays are not supported");
  PtxSampler sampler;
  state.expect('{');
  if (!state.token().is('}')) {
    do {
      field(state, sampler);
    } while (state.accept(','));
  }
  state.expect('}');
  keep(variable, sampler);
}

void keep_default_sampler(Variable& variable) { keep(variable, {}); }

std::string opaque_initializer_text(const Variable& variable) {
  std::uint64_t handle = 0;
  std::memcpy(&handle, variable.initializer.data(), sizeof(handle));
  const PtxSampler sampler = ir::sampler_of(handle);
  std::string text = "{ ";
  for (std::size_t i = 0; i < sampler.modes.size(); ++i)
    text += fmt::format("addr_mode_{} = {}, ", i, kModes[static_cast<std::size_t>(sampler.modes[i])]);
  return text + fmt::format("filter_mode = {}, force_unnormalized_coords = {} }}",
                            sampler.linear ? "linear" : "nearest", sampler.force_unnormalized ? 1 : 0);
}

}  // namespace doppel::ptx
