// SPDX-License-Identifier: Apache-2.0
#include "form_lines.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace doppel::ptx::test {
namespace {

using Choices = std::vector<std::string>;

// "add (- rn) f32": the choices of each place.
std::vector<Choices> read_places(const std::string& text) {
  std::vector<Choices> places;
  std::istringstream words(text);
  bool grouped = false;
  for (std::string word; words >> word;) {
    const bool begins = word.front() == '(', ends = word.back() == ')';
    word = word.substr(begins ? 1 : 0, word.size() - (begins ? 1 : 0) - (ends ? 1 : 0));
    if (word == "-") word.clear();
    if (!grouped) places.emplace_back();
    places.back().push_back(word);
    grouped = (grouped || begins) && !ends;
  }
  return places;
}

void expand(const std::vector<Choices>& places, std::size_t at, const FormLine& so_far,
            std::vector<FormLine>& lines) {
  if (at == places.size()) {
    lines.push_back(so_far);
    return;
  }
  for (const std::string& word : places[at]) {
    FormLine longer = so_far;
    if (!word.empty()) longer.form += (at > 0 ? "." : "") + word;
    expand(places, at + 1, longer, lines);
  }
}

std::vector<FormLine> read_lines() {
  const std::string path = DOPPEL_SOURCE_DIR "/tests/ptx_frontend/data/form_lines.txt";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<FormLine> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t mark = line.find(' '), end = line.find(" ;");
    if (end == std::string::npos) throw std::runtime_error("no operands in: " + line);
    FormLine start;
    const std::string which = line.substr(0, mark);
    start.on_sm_86 = which == "both" || which == "sm_86";
    start.on_sm_120a = which == "both" || which == "sm_120a";
    if (line.size() > end + 3) start.operands = line.substr(end + 3);
    expand(read_places(line.substr(mark + 1, end - mark - 1)), 0, start, lines);
  }
  return lines;
}

}  // namespace

const std::vector<FormLine>& form_lines() {
  static const auto* const lines = new std::vector<FormLine>(read_lines());
  return *lines;
}

std::string line_module(std::string_view line, std::string_view target, std::string_view version) {
  return fmt::format(
      ".version {}\n.target {}\n.address_size 64\n.func f() {{ ret; }}\n"
      ".visible .entry k(.param .align 32 .b8 p[128]) {{\n"
      ".reg .pred %p<24>; .reg .b8 %b<24>; .reg .b16 %h<24>; .reg .b32 %r<24>; .reg .b64 %rd<24>;\n"
      ".reg .f32 %f<24>; .reg .f64 %d<24>; .reg .b128 %q<24>; .param .align 32 .b8 a[128];\n"
      "ts: .branchtargets L; fs: .calltargets f; proto: .callprototype _ ();\n"
      "{};\nL: ret;\n}}\n",
      version, target, line);
}

}  // namespace doppel::ptx::test
