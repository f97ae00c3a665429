// SPDX-License-Identifier: Apache-2.0
#include "ir/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>
#include <unordered_map>

#include "ir/attribute_names.h"

namespace doppel::ir {
namespace {

// Small numbers are written as such, others as bits.
constexpr std::int64_t kMostDecimal = 65535;

bool is_plain_name(std::string_view name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
  };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, fits);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

class Printer {
 public:
  Printer(const Module& module, const PrintOptions& options) : module_(module), options_(options) {}

  void head() {
    add("module {} {} {}\n", quoted(module_.front_end), quoted(module_.target), module_.address_size);
    for (std::size_t i = 0; i < module_.files.size(); ++i) {
      if (!module_.files[i].empty()) add("file {} {}\n", i, quoted(module_.files[i]));
    }
    for (const Variable& each : module_.variables) variable("variable", each);
  }

  void whole_module() {
    head();
    for (const Function& each : module_.functions) function(each);
  }

  void function(const Function& f) {
    function_ = &f;
    head(f);
    if (f.is_declaration) return;
    registers(f);
    BlockId id = 0;
    for (const Block& block : f.blocks) {
      add("b{}:\n", id++);
      for (std::uint32_t i = block.first; i < block.last; ++i) {
        add("  ");
        operation(f.operations[i]);
        if (options_.origins) origin(f.operations[i]);
        add("\n");
      }
    }
    add("end\n");
  }

  void operation(const Operation& o) {
    if (o.guard) add("@{}%{} ", o.guard->negated ? "!" : "", o.guard->predicate);
    for (std::size_t i = 0; i < o.results.size(); ++i) {
      if (i > 0) add(", ");
      const Operand& result = o.results[i];
      operand(result);
      if (result.is_register()) add(":{}", function_->width(result.reg));
    }
    if (!o.results.empty()) add(" = ");
    name(o);
    if (o.callee) callee(*o.callee);
    for (std::size_t i = 0; i < o.sources.size(); ++i) {
      add("{}", i == 0 ? " " : ", ");
      operand(o.sources[i]);
    }
    for (const Access& each : o.accesses) access(each);
    if (!o.targets.empty()) add(" ->");
    for (const BlockId target : o.targets) add(" b{}", target);
  }

  void set_function(const Function& f) { function_ = &f; }
  std::string take() { return std::move(text_); }

 private:
  using NameCounts = std::unordered_map<std::string_view, int>;

  // Counted when the first name is asked for: most functions name none.
  template <typename Items>
  static bool is_unique(const Items& items, NameCounts& counts, std::string_view name) {
    if (counts.empty()) {
      for (const auto& item : items) ++counts[item.name];
    }
    return counts[name] == 1;
  }

  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  void variable(std::string_view kind, const Variable& v) {
    add("{} {} {} {} align {} size {} {}", kind, quoted(v.name), word_of(kSpaceWords, v.space),
        name_of(v.type), v.alignment, v.size, word_of(kLinkageWords, v.linkage));
    if (v.managed) add(" managed");
    if (v.opaque != OpaqueType::None) add(" {}", word_of(Words(kOpaqueWords), v.opaque));
    if (!v.initializer.empty()) {
      add(" bytes ");
      for (const std::byte each : v.initializer) add("{:02x}", static_cast<unsigned>(each));
    }
    for (const Relocation& r : v.relocations) {
      add(" address {} {} {} ", r.offset, r.size, r.generic ? "generic" : "plain");
      if (r.is_function) {
        function_name(r.target);
      } else {
        symbol({SymbolRef::Scope::Module, r.target});
      }
      add(" {}", r.addend);
    }
    add("\n");
  }

  void head(const Function& f) {
    add("{} {} {}", f.is_kernel ? "kernel" : "function", quoted(f.name), word_of(kLinkageWords, f.linkage));
    if (f.is_declaration) add(" declared");
    const auto three = [&](std::string_view word, const std::uint32_t(&counts)[3]) {
      if (counts[0] != 0) add(" {} {} {} {}", word, counts[0], counts[1], counts[2]);
    };
    three("max_threads", f.bounds.max_threads);
    three("required_threads", f.bounds.required_threads);
    if (f.bounds.min_blocks_per_sm != 0) add(" min_blocks {}", f.bounds.min_blocks_per_sm);
    if (f.bounds.max_registers != 0) add(" max_registers {}", f.bounds.max_registers);
    three("required_cluster", f.bounds.required_cluster);
    if (f.bounds.max_cluster_blocks != 0) add(" max_cluster {}", f.bounds.max_cluster_blocks);
    if (f.bounds.explicit_cluster) add(" explicit_cluster");
    if (f.bounds.no_return) add(" no_return");
    add("\n");
    parameters("result", f.return_parameters, f.return_registers);
    parameters("parameter", f.parameters, f.parameter_registers);
    for (const Variable& each : f.variables) variable("local", each);
    for (const Prototype& each : f.prototypes) {
      add("prototype {}\n", quoted(each.name));
      parameters("result", each.return_parameters, {});
      parameters("parameter", each.parameters, {});
      add("end\n");
    }
  }

  void parameters(std::string_view kind, const std::vector<Variable>& all,
                  const std::vector<RegisterId>& registers) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      variable(kind, all[i]);
      if (all[i].space != Space::Reg || i >= registers.size()) continue;
      text_.pop_back();
      add(" in %{}\n", registers[i]);
    }
  }

  // Those whose width no definition tells.
  void registers(const Function& f) {
    std::vector<bool> defined(f.registers.size(), false);
    for (const Operation& each : f.operations)
      for_each_definition(each, [&](RegisterId reg) { defined[reg] = true; });
    for (RegisterId first = 0; first < f.registers.size();) {
      RegisterId last = first;
      if (!defined[first]) {
        while (last + 1 < f.registers.size() && !defined[last + 1] && f.width(last + 1) == f.width(first))
          ++last;
        add("register %{} %{}:{}\n", first, last, f.width(first));
      }
      first = last + 1;
    }
  }

  void name(const Operation& o) {
    add("{}", name_of(o.op));
    const AttributeSet has = row(o).attributes;
    for_each_attribute(o.attributes, [&](AttributeSet which, const auto& value, Words words) {
      if ((has & which) != 0 && !word_of(words, value).empty()) add(".{}", word_of(words, value));
    });
    if ((has & kLut) != 0) add(".lut{}", o.attributes.lut);
    if ((has & kMatrix) != 0) add(".{}", text_of(o.attributes.matrix));
    if ((has & kTexture) != 0) add(".{}", text_of(o.attributes.texture));
    if (o.type != Type::None) add(".{}", name_of(o.type));
    if (o.source_type != Type::None) add(".{}", name_of(o.source_type));
  }

  void operand(const Operand& o) {
    if (o.negated) add("!");
    switch (o.kind) {
      case Operand::Kind::Sink:
        add("_");
        break;
      case Operand::Kind::Register:
        add("%{}", o.reg);
        break;
      case Operand::Kind::Immediate:
        number(o.immediate);
        break;
      case Operand::Kind::Special:
        add("{}", name_of(o.special));
        if (has_components(o.special)) {
          add(".{}", "xyzw"[o.component & 3]);
        } else if (o.component != 0) {
          add(".{}", o.component);
        }
        break;
      case Operand::Kind::Symbol:
        symbol(o.symbol());
        if (o.offset != 0) add(" + {}", o.offset);
        break;
      case Operand::Kind::Function:
        function_name(o.function);
        break;
    }
  }

  void number(std::uint64_t bits) {
    const auto value = static_cast<std::int64_t>(bits);
    if (value >= -kMostDecimal && value <= kMostDecimal) {
      add("{}", value);
    } else {
      add("{:#x}", bits);
    }
  }

  void symbol(SymbolRef s) {
    switch (s.scope) {
      case SymbolRef::Scope::Module: {
        const std::string& name = module_.variables[s.index].name;
        if (is_plain_name(name) && is_unique(module_.variables, variable_names_, name)) {
          add("@{}", name);
        } else {
          add("@#{}", s.index);
        }
        break;
      }
      case SymbolRef::Scope::Function:
        add("local#{}", s.index);
        break;
      case SymbolRef::Scope::Parameter:
        add("parameter#{}", s.index);
        break;
      case SymbolRef::Scope::ReturnParameter:
        add("result#{}", s.index);
        break;
    }
  }

  void function_name(FunctionId id) {
    const std::string& name = module_.functions[id].name;
    if (is_plain_name(name) && is_unique(module_.functions, function_names_, name)) {
      add("&{}", name);
    } else {
      add("&#{}", id);
    }
  }

  void access(const Access& a) {
    add(" [{} {}", word_of(kSpaceWords, a.space), name_of(a.type));
    if (a.vector != 1) add(" x{}", a.vector);
    address(a.address);
    for (const std::string_view word : {word_of(kSemanticsWords, a.semantics), word_of(kScopeWords, a.scope),
                                        word_of(kCacheWords, a.cache)}) {
      if (!word.empty()) add(", {}", word);
    }
    if (a.completion != Completion::None) add(", async {}", word_of(kCompletionWords, a.completion));
    if (a.completion == Completion::Mbarrier) address(a.barrier);
    add("]");
  }

  void address(const Address& a) {
    switch (a.base) {
      case Address::Base::None:
        add(" {}", a.offset);
        return;
      case Address::Base::Register:
        add(" %{}", a.reg);
        break;
      case Address::Base::Symbol:
        add(" ");
        symbol(a.symbol);
        break;
    }
    if (a.offset != 0) add(" + {}", a.offset);
  }

  void callee(const Callee& c) {
    if (c.function) {
      add(" ");
      function_name(*c.function);
      add(" :");
      return;
    }
    add(" any");
    if (c.prototype) add(" prototype {}", *c.prototype);
    for (const FunctionId each : c.possible_targets) {
      add(" ");
      function_name(each);
    }
    add(" :");
  }

  void origin(const Operation& o) {
    if (o.origin.text.line == 0) return;
    add("  ; {}", o.origin.text.line);
    if (o.origin.form < function_->forms.size()) add(" {}", function_->form_of(o));
  }

  const Module& module_;
  PrintOptions options_;
  const Function* function_ = nullptr;
  NameCounts variable_names_, function_names_;
  std::string text_;
};

}  // namespace

std::string print(const Module& module, const PrintOptions& options) {
  Printer printer(module, options);
  printer.whole_module();
  return printer.take();
}

std::string print_head(const Module& module) {
  Printer printer(module, {});
  printer.head();
  return printer.take();
}

std::string print(const Module& module, const Function& function, const PrintOptions& options) {
  Printer printer(module, options);
  printer.function(function);
  return printer.take();
}

std::string print(const Module& module, const Function& function, const Operation& operation) {
  Printer printer(module, {});
  printer.set_function(function);
  printer.operation(operation);
  return printer.take();
}

}  // namespace doppel::ir
