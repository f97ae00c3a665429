// SPDX-License-Identifier: Apache-2.0
#include "random/reducer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "frontend/ptx/parse.h"
#include "harness/launch_case.h"
#include "random/differential.h"

namespace doppel::random {

namespace {

// Applies `edit` to each list of statements, outer ones first.
template <typename Edit>
void each_list(std::vector<Statement>& list, const Edit& edit) {
  edit(list);
  for (Statement& s : list) {
    each_list(s.body, edit);
    each_list(s.other, edit);
    for (auto& c : s.cases) each_list(c, edit);
  }
}

template <typename Edit>
void each_list(Kernel& kernel, const Edit& edit) {
  each_list(kernel.body, edit);
  each_list(kernel.tail, edit);
}

template <typename Test>
bool any_statement(Kernel& kernel, const Test& test) {
  bool found = false;
  each_list(kernel, [&](std::vector<Statement>& list) { found |= std::ranges::any_of(list, test); });
  return found;
}

// Whether what a kernel reads of shared memory it has written: on a card, unlike here, it is not zero.
bool reads_what_it_wrote(Kernel kernel) {
  const auto reads = [](const Statement& s) {
    return s.filling_threads == 0 && std::ranges::any_of(s.lines, [](const std::string& line) {
             return line.find("cells") != std::string::npos;
           });
  };
  const auto fills = [threads = kernel.block.count()](const Statement& s) {
    return s.filling_threads != 0 && s.filling_threads <= threads;
  };
  return !any_statement(kernel, reads) || any_statement(kernel, fills);
}

// The kernel without `count` statements from number `first` on, counted within each list in turn.
Kernel without(const Kernel& kernel, std::size_t first, std::size_t count) {
  Kernel smaller = kernel;
  std::size_t number = 0;
  each_list(smaller, [&](std::vector<Statement>& list) {
    std::vector<Statement> kept;
    for (Statement& s : list) {
      if (number < first || number >= first + count) kept.push_back(std::move(s));
      ++number;
    }
    list = std::move(kept);
  });
  return smaller;
}

// The kernel with structure number `which` replaced by what stands inside.
Kernel hoisted(const Kernel& kernel, std::size_t which, bool& found) {
  Kernel flat = kernel;
  std::size_t number = 0;
  found = false;
  each_list(flat, [&](std::vector<Statement>& list) {
    if (found) return;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto kind = list[i].kind;
      if (kind == Statement::Kind::Code || kind == Statement::Kind::Break ||
          kind == Statement::Kind::Continue || kind == Statement::Kind::Exit) {
        continue;
      }
      if (number++ != which) continue;
      found = true;
      std::vector<Statement> inside = std::move(list[i].body);
      std::ranges::move(list[i].other, std::back_inserter(inside));
      for (auto& c : list[i].cases) std::ranges::move(c, std::back_inserter(inside));
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(i), inside.begin(), inside.end());
      return;
    }
  });
  return flat;
}

bool drop_statements(Kernel& kernel, const Interesting& interesting) {
  bool changed = false;
  for (std::size_t chunk = std::max<std::size_t>(statement_count(kernel) / 2, 1); chunk > 0; chunk /= 2) {
    for (std::size_t first = 0; first < statement_count(kernel);) {
      Kernel smaller = without(kernel, first, chunk);
      if (statement_count(smaller) < statement_count(kernel) && interesting(smaller)) {
        kernel = std::move(smaller);
        changed = true;
      } else {
        first += chunk;
      }
    }
  }
  return changed;
}

bool hoist_structures(Kernel& kernel, const Interesting& interesting) {
  bool changed = false;
  for (std::size_t which = 0;;) {
    bool found = false;
    Kernel flat = hoisted(kernel, which, found);
    if (!found) return changed;
    if (interesting(flat)) {
      kernel = std::move(flat);
      changed = true;
    } else {
      ++which;
    }
  }
}

void shrink_launch(Kernel& kernel, const Interesting& interesting) {
  const auto attempt = [&](Dim3 grid, Dim3 block) {
    Kernel smaller = kernel;
    smaller.grid = grid;
    smaller.block = block;
    if (smaller.threads() >= kernel.threads() || !interesting(smaller)) return;
    kernel = std::move(smaller);
  };
  attempt({1, 1, 1}, kernel.block);
  for (const Dim3 block : {Dim3{1, 1, 1}, Dim3{2, 1, 1}, Dim3{4, 1, 1}, Dim3{8, 1, 1}, Dim3{32, 1, 1}})
    attempt(kernel.grid, block);
}

// "5, 0 x 12, 0xffffffff"
std::string list_words(const std::vector<std::byte>& bytes) {
  std::string text;
  std::string line = "//+ ";
  const auto word = [&](std::size_t i) {
    std::uint32_t v = 0;
    std::memcpy(&v, bytes.data() + 4 * i, 4);
    return v;
  };
  for (std::size_t i = 0; i < bytes.size() / 4;) {
    std::size_t run = 1;
    while (i + run < bytes.size() / 4 && word(i + run) == word(i)) ++run;
    const std::string value = word(i) < 10 ? fmt::format("{}", word(i)) : fmt::format("0x{:x}", word(i));
    line += (run > 1 ? fmt::format("{} x {}", value, run) : value) + (i + run < bytes.size() / 4 ? ", " : "");
    if (line.size() > 105) {
      text += line + "\n";
      line = "//+ ";
    }
    i += run;
  }
  return "b32\n" + text + line + "\n";
}

}  // namespace

Kernel reduce(Kernel kernel, const Interesting& shows_the_difference) {
  const Interesting interesting = [&](const Kernel& k) {
    return reads_what_it_wrote(k) && shows_the_difference(k);
  };
  shrink_launch(kernel, interesting);
  bool changed = true;
  while (changed) {
    changed = drop_statements(kernel, interesting);
    changed |= hoist_structures(kernel, interesting);
  }
  shrink_launch(kernel, interesting);
  return kernel;
}

Result<std::string> test_text(const Kernel& kernel, const std::string& about) {
  const std::string text = module_text({&kernel});
  auto parsed = ptx::parse(text);
  if (!parsed) return fail(Error::Kind::InvalidInput, to_string(parsed.error().diagnostics.front()));
  const harness::LaunchCase launch =
      make_case(kernel, std::make_shared<const ptx::Module>(std::move(*parsed)), text);
  const auto after = harness::run_on_reference(launch);
  if (!after) return tl::unexpected(after.error());
  std::string head = fmt::format("// {}\n// kernel: {}\n// grid: {} {} {}\n// block: {} {} {}\n", about,
                                 kernel.name, kernel.grid.x, kernel.grid.y, kernel.grid.z, kernel.block.x,
                                 kernel.block.y, kernel.block.z);
  for (std::size_t i = 0; i < launch.buffers.size(); ++i) {
    head += "// in: " + list_words(launch.buffers[i]);
    if (i == 1 || i == 2) head += "// after: " + list_words((*after)[i]);
  }
  return head + text;
}

}  // namespace doppel::random
