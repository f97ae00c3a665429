// Video instructions (PTX ISA 9.7.17). None is accepted yet: each is refused by name.
#include "ptx/form_builder.h"

namespace doppel::ptx {

std::span<const OpcodeForms> video_forms() { return {}; }

}  // namespace doppel::ptx
