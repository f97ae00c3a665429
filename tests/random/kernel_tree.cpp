// SPDX-License-Identifier: Apache-2.0
#include "random/kernel_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "random/registers.h"

namespace doppel::random {

const std::vector<RegisterName>& all_registers() {
  static const std::vector<RegisterName> names = [] {
    std::vector<RegisterName> list;
    for (const KindInfo& k : kKinds) {
      for (int i = 0; i < k.count; ++i) {
        list.push_back({k, fmt::format("%{}{}", k.letter, i), static_cast<int>(list.size())});
      }
    }
    return list;
  }();
  return names;
}

std::size_t input_bytes(const Kernel& kernel) {
  return kernel.threads() * static_cast<std::size_t>(thread_bytes());
}
std::size_t output_bytes(const Kernel& kernel) { return 2 * input_bytes(kernel); }
std::size_t approximate_bytes(const Kernel& kernel) {
  return std::max<std::size_t>(kernel.threads() * kernel.approximations.size() * 4, 16);
}

namespace {

class Writer {
 public:
  void statements(const std::vector<Statement>& list) {
    for (const Statement& s : list) statement(s);
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  template <typename... A>
  void line(fmt::format_string<A...> format, A&&... a) {
    lines_.push_back(fmt::format(format, std::forward<A>(a)...));
  }

  static std::string guard(const std::string& predicate) { return fmt::format("@{}", predicate); }
  static std::string inverse(const std::string& predicate) {
    return predicate.front() == '!' ? fmt::format("@{}", predicate.substr(1))
                                    : fmt::format("@!{}", predicate);
  }

  void part(const Statement& s, std::size_t index) {
    if (index < s.cases.size()) statements(s.cases[index]);
  }

  void statement(const Statement& s) {
    switch (s.kind) {
      case Statement::Kind::Code:
        lines_.insert(lines_.end(), s.lines.begin(), s.lines.end());
        break;
      case Statement::Kind::If:
        line("{} bra ELSE_{};", inverse(s.predicate), s.id);
        statements(s.body);
        if (!s.other.empty()) line("bra END_{};", s.id);
        line("ELSE_{}:", s.id);
        if (!s.other.empty()) {
          statements(s.other);
          line("END_{}:", s.id);
        }
        break;
      case Statement::Kind::Loop:
        if (s.selector.front() == '%')
          line("and.b32 %turns{}, {}, 7;", s.id, s.selector);
        else
          line("mov.u32 %turns{}, {};", s.id, s.selector);
        line("LOOP_{}:", s.id);
        line("setp.eq.u32 %done{}, %turns{}, 0;", s.id, s.id);
        line("@%done{} bra DONE_{};", s.id, s.id);
        line("sub.u32 %turns{}, %turns{}, 1;", s.id, s.id);
        loops_.insert(s.id);
        statements(s.body);
        loops_.erase(s.id);
        line("bra LOOP_{};", s.id);
        line("DONE_{}:", s.id);
        break;
      case Statement::Kind::Switch:
        line("and.b32 %case, {}, 3;", s.selector);
        line("CASES_{}: .branchtargets CASE_{}_0, CASE_{}_1, CASE_{}_2, CASE_{}_3;", s.id, s.id, s.id, s.id,
             s.id);
        line("brx.idx %case, CASES_{};", s.id);
        for (std::size_t i = 0; i < 4; ++i) {
          line("CASE_{}_{}:", s.id, i);
          if (i < s.cases.size()) statements(s.cases[i]);
          line("bra JOIN_{};", s.id);
        }
        line("JOIN_{}:", s.id);
        break;
      case Statement::Kind::Tangle:
        line("@%p0 bra MIDDLE_{};", s.id);
        part(s, 0);
        line("@%p1 bra LAST_{};", s.id);
        line("MIDDLE_{}:", s.id);
        part(s, 1);
        line("@%p2 bra AFTER_{};", s.id);
        line("LAST_{}:", s.id);
        part(s, 2);
        line("AFTER_{}:", s.id);
        break;
      case Statement::Kind::TwoEntries:
        line("and.b32 %turns{}, {}, 3;", s.id, s.selector);
        line("{} bra SECOND_{};", guard(s.predicate), s.id);
        line("FIRST_{}:", s.id);
        part(s, 0);
        line("SECOND_{}:", s.id);
        part(s, 1);
        line("sub.u32 %turns{}, %turns{}, 1;", s.id, s.id);
        line("setp.gt.s32 %done{}, %turns{}, 0;", s.id, s.id);
        line("@%done{} bra FIRST_{};", s.id, s.id);
        break;
      case Statement::Kind::Break:
        if (loops_.contains(s.id)) line("{} bra DONE_{};", guard(s.predicate), s.id);
        break;
      case Statement::Kind::Continue:
        if (loops_.contains(s.id)) line("{} bra LOOP_{};", guard(s.predicate), s.id);
        break;
      case Statement::Kind::Exit:
        line("{} {};", guard(s.predicate), s.uses_ret ? "ret" : "exit");
        break;
    }
  }

  std::vector<std::string> lines_;
  std::set<int> loops_;
};

bool names(const std::vector<std::string>& lines, const std::string& what) {
  for (const std::string& line : lines) {
    for (auto at = line.find(what); at != std::string::npos; at = line.find(what, at + 1)) {
      const std::size_t end = at + what.size();
      if (end >= line.size() || !(std::isalnum(static_cast<unsigned char>(line[end])) || line[end] == '_'))
        return true;
    }
  }
  return false;
}

std::vector<RegisterName> used_registers(const std::vector<std::string>& lines) {
  std::vector<RegisterName> used;
  for (const RegisterName& r : all_registers()) {
    if (names(lines, r.name)) used.push_back(r);
  }
  return used;
}

void load_registers(std::string& text, const std::vector<RegisterName>& used) {
  for (const RegisterName& r : used) {
    const int offset = r.slot * kSlotBytes;
    if (r.kind.kind == Kind::P) {
      text += fmt::format("  ld.global.u32 %io, [%in+{}];\n  setp.ne.u32 {}, %io, 0;\n", offset, r.name);
    } else {
      text += fmt::format("  ld.global.{} {}, [%in+{}];\n", r.kind.register_type, r.name, offset);
    }
  }
}

// A NaN becomes 0x7fff. By integers for bf16, whose comparisons came with sm_90.
std::string unify_half(bool brain, const char* name) {
  const std::string test =
      brain ? fmt::format("  and.b16 %ioh3, {}, 0x7FFF;\n  setp.gt.u16 %iop, %ioh3, 0x7F80;\n", name)
            : fmt::format("  setp.nan.f16 %iop, {0}, {0};\n", name);
  return test + fmt::format("  selp.b16 {0}, 0x7FFF, {0}, %iop;\n", name);
}

// Every NaN is written as one and the same.
void store_registers(std::string& text, const std::vector<RegisterName>& used, int base) {
  for (const RegisterName& r : used) {
    const int offset = base + r.slot * kSlotBytes;
    switch (r.kind.kind) {
      case Kind::P:
        text += fmt::format("  selp.u32 %io, 1, 0, {};\n  st.global.u32 [%out+{}], %io;\n", r.name, offset);
        break;
      case Kind::F:
        text += fmt::format(
            "  setp.nan.f32 %iop, {0}, {0};\n  selp.f32 %iof, 0f7FFFFFFF, {0}, %iop;\n  st.global.f32 "
            "[%out+{1}], %iof;\n",
            r.name, offset);
        break;
      case Kind::D:
        text += fmt::format(
            "  setp.nan.f64 %iop, {0}, {0};\n  selp.f64 %iod, 0d7FFFFFFFFFFFFFFF, {0}, %iop;\n  "
            "st.global.f64 [%out+{1}], %iod;\n",
            r.name, offset);
        break;
      case Kind::H:
      case Kind::B:
        text += fmt::format("  mov.b16 %ioh, {};\n", r.name) + unify_half(r.kind.kind == Kind::B, "%ioh");
        text += fmt::format("  st.global.b16 [%out+{}], %ioh;\n", offset);
        break;
      case Kind::G:
      case Kind::E:
        text += fmt::format("  mov.b32 {{%ioh, %ioh2}}, {};\n", r.name);
        text += unify_half(r.kind.kind == Kind::E, "%ioh") + unify_half(r.kind.kind == Kind::E, "%ioh2");
        text += fmt::format("  st.global.v2.b16 [%out+{}], {{%ioh, %ioh2}};\n", offset);
        break;
      default:
        text += fmt::format("  st.global.{} [%out+{}], {};\n", r.kind.register_type, offset, r.name);
        break;
    }
  }
}

void collect_loops(const std::vector<Statement>& list, std::set<int>& ids) {
  for (const Statement& s : list) {
    if (s.kind == Statement::Kind::Loop || s.kind == Statement::Kind::TwoEntries) ids.insert(s.id);
    collect_loops(s.body, ids);
    collect_loops(s.other, ids);
    for (const auto& c : s.cases) collect_loops(c, ids);
  }
}

std::string kernel_text(const Kernel& kernel) {
  Writer body;
  body.statements(kernel.body);
  Writer tail;
  tail.statements(kernel.tail);
  std::vector<std::string> all = body.lines();
  all.insert(all.end(), tail.lines().begin(), tail.lines().end());
  const std::vector<RegisterName> used = used_registers(all);
  const auto uses = [&](const char* what) { return names(all, what); };

  std::string text;
  text += fmt::format(
      ".visible .entry {}(.param .u64 in, .param .u64 out, .param .u64 atomics, .param .u64 "
      "approximate)\n{{\n",
      kernel.name);
  text +=
      "  .reg .b32 %gid, %linear, %threads, %t<6>, %case, %io;\n  .reg .b64 %in, %out, %atomics, %approx, "
      "%u<4>, %own, %slot;\n";
  text +=
      "  .reg .f32 %x<3>, %iof;\n  .reg .f64 %y<3>, %iod;\n  .reg .b16 %z<4>, %ioh, %ioh2, %ioh3;\n  .reg "
      ".pred %k<3>, %iop;\n";
  for (const KindInfo& k : kKinds)
    text += fmt::format("  .reg .{} %{}<{}>;\n", k.register_type, k.letter, k.count);
  std::set<int> loops;
  collect_loops(kernel.body, loops);
  collect_loops(kernel.tail, loops);
  for (const int id : loops) text += fmt::format("  .reg .u32 %turns{};\n  .reg .pred %done{};\n", id, id);
  if (uses("exchange"))
    text += fmt::format("  .shared .align 16 .b8 exchange[{}];\n", kernel.block.count() * 16);
  const int own_bytes = kernel.recent ? 16 : 8;
  if (uses("%own"))
    text += fmt::format("  .shared .align 16 .b8 own[{}];\n",
                        kernel.block.count() * static_cast<std::uint64_t>(own_bytes));
  if (kernel.recent) text += "  .reg .b8 %c0;\n  .reg .b128 %v<2>;\n";
  if (uses("cells")) text += "  .shared .align 16 .b8 cells[64];\n";
  if (uses("stack")) text += "  .local .align 16 .b8 stack[64];\n";
  text += R"(
  mov.u32 %linear, %tid.z;
  mov.u32 %t0, %ntid.y;
  mov.u32 %t1, %tid.y;
  mad.lo.u32 %linear, %linear, %t0, %t1;
  mov.u32 %t2, %ntid.x;
  mov.u32 %t1, %tid.x;
  mad.lo.u32 %linear, %linear, %t2, %t1;
  mul.lo.u32 %threads, %t0, %t2;
  mov.u32 %t0, %ntid.z;
  mul.lo.u32 %threads, %threads, %t0;
  mov.u32 %gid, %ctaid.y;
  mov.u32 %t0, %nctaid.x;
  mov.u32 %t1, %ctaid.x;
  mad.lo.u32 %gid, %gid, %t0, %t1;
  mad.lo.u32 %gid, %gid, %threads, %linear;
  ld.param.u64 %in, [in];
)";
  text += fmt::format(
      "  mad.wide.u32 %in, %gid, {}, %in;\n  ld.param.u64 %out, [out];\n  mad.wide.u32 %out, %gid, {}, "
      "%out;\n",
      thread_bytes(), 2 * thread_bytes());
  if (uses("%atomics")) text += "  ld.param.u64 %atomics, [atomics];\n";
  if (!kernel.approximations.empty()) {
    text +=
        fmt::format("  ld.param.u64 %approx, [approximate];\n  mad.wide.u32 %approx, %gid, {}, %approx;\n",
                    kernel.approximations.size() * 4);
  }
  load_registers(text, used);
  if (uses("%own")) {
    text += fmt::format(
        "  mov.u64 %own, own;\n  mad.wide.u32 %own, %linear, {}, %own;\n  st.shared.u64 [%own], "
        "0x1234567890;\n",
        own_bytes);
    if (kernel.recent) text += "  st.shared.u64 [%own+8], 0x9876543210;\n";
  }
  if (uses("stack")) {
    for (int i = 0; i < 64; i += 8)
      text += fmt::format("  st.local.u64 [stack+{}], {};\n", i, 0x0102030405060708 * (i + 1));
  }
  const auto append = [&](const std::vector<std::string>& lines) {
    for (const std::string& line : lines) text += (line.back() == ':' ? "" : "  ") + line + "\n";
  };
  append(body.lines());
  store_registers(text, used, 0);
  if (!tail.lines().empty()) {
    append(tail.lines());
    store_registers(text, used, thread_bytes());
  }
  return text + "  ret;\n}\n";
}

std::size_t count(const std::vector<Statement>& list) {
  std::size_t n = 0;
  for (const Statement& s : list) {
    n += 1 + count(s.body) + count(s.other);
    for (const auto& c : s.cases) n += count(c);
  }
  return n;
}

}  // namespace

std::size_t statement_count(const Kernel& kernel) { return count(kernel.body) + count(kernel.tail); }

std::string module_text(const std::vector<const Kernel*>& kernels) {
  const bool recent = std::ranges::any_of(kernels, [](const Kernel* each) { return each->recent; });
  std::string text = fmt::format(".version {}\n.target {}\n.address_size 64\n\n", recent ? "8.8" : "7.8",
                                 recent ? "sm_120a" : "sm_86");
  for (const Kernel* k : kernels) {
    const std::string own = kernel_text(*k);
    for (std::size_t i = 0; i < k->functions.size(); ++i) {
      if (own.find(fmt::format("f{}_{}", i, k->name)) != std::string::npos) text += k->functions[i] + "\n";
    }
    text += own + "\n";
  }
  return text;
}

}  // namespace doppel::random
