// SPDX-License-Identifier: Apache-2.0
// Writes a comparison and a failed single run as JSON, for the test against the schema.
#include <cstdio>

#include "report/write_report.h"
#include "sample_report.h"

int main(int argc, char** argv) {
  using namespace doppel::report;
  if (argc != 3) return 2;
  Report failed;
  failed.program = {"./program"};
  failed.runs = {merge("a40", "A40", {})};
  failed.runs[0].exit = 139;
  judge(failed);
  const bool written = write_report(sample_comparison(), argv[1]) && write_report(failed, argv[2]);
  return written ? 0 : 1;
}
