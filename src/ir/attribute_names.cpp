// SPDX-License-Identifier: Apache-2.0
#include "ir/attribute_names.h"

namespace doppel::ir {

std::optional<Type> find_type(std::string_view word) {
  for (auto type = Type::Pred; type <= Type::UE8M0x2; type = static_cast<Type>(static_cast<int>(type) + 1)) {
    if (name_of(type) == word) return type;
  }
  return std::nullopt;
}

std::optional<SpecialRegister> find_special(std::string_view name) {
  for (auto special = SpecialRegister::Tid; special <= SpecialRegister::WarpSize;
       special = static_cast<SpecialRegister>(static_cast<int>(special) + 1)) {
    if (name_of(special) == name) return special;
  }
  return std::nullopt;
}

bool has_components(SpecialRegister special) {
  switch (special) {
    case SpecialRegister::Tid:
    case SpecialRegister::Ntid:
    case SpecialRegister::Ctaid:
    case SpecialRegister::Nctaid:
    case SpecialRegister::Clusterid:
    case SpecialRegister::Nclusterid:
    case SpecialRegister::ClusterCtaid:
    case SpecialRegister::ClusterNctaid:
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::ir
