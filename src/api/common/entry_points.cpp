// SPDX-License-Identifier: Apache-2.0
#include "api/common/entry_points.h"

#include <algorithm>

namespace doppel::api {

EntryPointIndex::EntryPointIndex(std::span<const EntryPoint> table) {
  for (const EntryPoint& form : table) forms_[form.name].push_back(&form);
}

LookupResult EntryPointIndex::find(std::string_view name, int version, int served,
                                   bool per_thread_default_stream) const {
  const auto found = forms_.find(name);
  if (found == forms_.end() || found->second.front()->since > served) return {Lookup::UnknownName, nullptr};
  version = std::min(version, served);
  const EntryPoint* best = nullptr;
  for (const EntryPoint* form : found->second)
    if (form->since <= version) best = form;
  if (best == nullptr) return {Lookup::VersionTooOld, nullptr};
  const bool own_stream = per_thread_default_stream && best->per_thread != nullptr;
  return {Lookup::Found, own_stream ? best->per_thread : best->function};
}

}  // namespace doppel::api
