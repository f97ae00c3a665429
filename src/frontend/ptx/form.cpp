// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/form.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

using FormTable = std::unordered_map<std::string_view, const OpcodeForms*>;

const FormTable& form_table() {
  static const FormTable* const table = [] {
    auto* made = new FormTable();
    for (const auto forms :
         {integer_forms(), float_forms(),           arithmetic_forms(), comparison_forms(),
          logic_forms(),   memory_forms(),          move_forms(),       conversion_forms(),
          control_forms(), synchronisation_forms(), matrix_forms(),     matrix_memory_forms(),
          wmma_forms(),    asynchronous_forms(),    mbarrier_forms(),   tensor_forms(),
          atomic_forms(),  video_forms(),           texture_forms(),    cluster_forms()}) {
      for (const OpcodeForms& entry : forms) made->emplace(entry.word, &entry);
    }
    return made;
  }();
  return *table;
}

bool is_refused_opcode(std::string_view word) {
  static const auto* const words = new std::unordered_set<std::string_view>{
#define OPCODE(name, word)
#define REFUSED(word) word,
#include "frontend/ptx/opcodes.def"
#undef OPCODE
#undef REFUSED
  };
  return words->contains(word);
}

}  // namespace

FormResult decode_form(std::string_view text) {
  FormResult result;
  const std::size_t word_end = text.find('.');
  const std::string_view word = text.substr(0, word_end);
  const auto found = form_table().find(word);
  if (found == form_table().end()) {
    result.status = is_refused_opcode(word) ? FormResult::Status::Refused : FormResult::Status::UnknownOpcode;
    return result;
  }
  FormBuilder builder;
  builder.form.opcode = found->second->opcode;
  std::size_t at = word_end;
  while (at != std::string_view::npos) {
    const std::size_t next = text.find('.', at + 1);
    if (!builder.add_suffix(text.substr(at + 1, next == std::string_view::npos ? next : next - at - 1)))
      return result;
    at = next;
  }
  if (found->second->decode(builder) && builder.all_taken()) {
    result.status = FormResult::Status::Accepted;
    result.form = builder.form;
  }
  return result;
}

}  // namespace doppel::ptx
