// SPDX-License-Identifier: Apache-2.0
// The sets of measurements, each with the kernels that repeat it.
#pragma once

#include <string>
#include <vector>

namespace doppel::truth {

struct Row {
  std::string what;
  double measured = 0;
  double predicted = 0;
  std::string unit;
  std::string note;  // of the model: what bound it, …
};

// Each throws std::runtime_error where a file cannot be read or a launch fails.
std::vector<Row> run_sgemm();          // sgemm-a6000.csv
std::vector<Row> run_convolution();    // conv-a6000.csv, every fifth row
std::vector<Row> run_stream();         // a40/stream.txt
std::vector<Row> run_read();           // kernels.csv: the read stream of the RTX PRO 5000 Blackwell
std::vector<Row> run_latency();        // a40/latency.txt
std::vector<Row> run_cache();          // a40/cache.txt
std::vector<Row> run_strides();        // a40/strides.txt
std::vector<Row> run_l2_stream();      // a40/l2-stream.txt
std::vector<Row> run_small_kernels();  // a40/small-kernels.txt
std::vector<Row> run_small_graph();    // a40/small-kernels-graph.txt

// Those that judge: no parameter was read from them.
std::vector<Row> run_roofline();           // a40/roofline-power.csv, at the measured clocks
std::vector<Row> run_matrix_vector();      // kernels.csv
std::vector<Row> run_gather_rows();        // kernels.csv
std::vector<Row> run_lattice_boltzmann();  // kernels.csv
std::vector<Row> run_rowwise();            // kernels.csv: softmax, GeGLU

}  // namespace doppel::truth
