// SPDX-License-Identifier: Apache-2.0
// `--query-gpu`, `--query-compute-apps` and `--query-supported-clocks`: chosen values as CSV.
#pragma once

#include <string>
#include <vector>

#include "smi/nvml_client.h"
#include "smi/outcome.h"

namespace doppel::smi {

struct CsvForm {
  bool header = true;
  bool units = true;
};
// From "csv,noheader,nounits". Failure kBadUsage names the word that is none, or says that csv is missing.
Outcome<CsvForm> csv_form(const std::string& words);

// A header, and a line a card; of compute apps a line a process, of clocks a line for each pair.
// Failure kBadUsage names a field that is none, and the nearest that is one.
Outcome<std::string> query_gpu(const std::vector<Gpu>& gpus, const std::string& fields, CsvForm form);
Outcome<std::string> query_compute_apps(const std::vector<Gpu>& gpus, const std::string& fields,
                                        CsvForm form);
Outcome<std::string> query_supported_clocks(const std::vector<Gpu>& gpus, const std::string& fields,
                                            CsvForm form);

// The fields of each, with a line about each.
std::string help_query_gpu();
std::string help_query_compute_apps();
std::string help_query_supported_clocks();

}  // namespace doppel::smi
