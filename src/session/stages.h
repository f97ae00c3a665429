// SPDX-License-Identifier: Apache-2.0
// What becomes of a PTX file, stage by stage, without running it: of `doppel ptx`, which loads libdoppel.so
// for this alone, so that the other commands start without LLVM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "card/card.h"

namespace doppel::session {

struct StagesRequest {
  std::string file;    // PTX, or the text of the IR where it ends in .ir
  std::string kernel;  // only those with this in their name
  std::vector<std::string> show;
  std::vector<std::uint32_t> block;  // threads in x, y and z
  card::Card card;                   // whose operations
};

struct Stages {
  std::string text;
  std::vector<std::string> complaints;
  bool failed = false;  // why is the last complaint
};

}  // namespace doppel::session

// By its plain name, to be looked up.
extern "C" void doppel_show_stages(const doppel::session::StagesRequest& request,
                                   doppel::session::Stages& stages);
