// SPDX-License-Identifier: Apache-2.0
// What --query-gpu and its like answer.
#include "smi/fields.h"

#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "fixture.h"
#include "smi/query.h"

namespace doppel::smi {
namespace {

using Fields = Smi;

std::string answer(const std::vector<Gpu>& gpus, const std::string& fields, const std::string& form = "csv") {
  const auto csv = csv_form(form);
  EXPECT_TRUE(csv);
  const auto text = query_gpu(gpus, fields, *csv);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

TEST_F(Fields, AreAskedByName) {
  start();
  EXPECT_EQ(answer(gpus, "index,name,memory.total,power.limit,pstate,compute_cap"),
            "index, name, memory.total [MiB], power.limit [W], pstate, compute_cap\n"
            "0, NVIDIA RTX A6000, 49140 MiB, 300.00 W, P8, 8.6\n"
            "1, NVIDIA RTX PRO 5000 Blackwell, 48935 MiB, 300.00 W, P8, 12.0\n");
  EXPECT_EQ(answer({gpus[0]}, "gpu_name, clocks.sm ,ecc.mode.current,mig.mode.current", "csv,noheader"),
            "NVIDIA RTX A6000, 210 MHz, Disabled, [N/A]\n");
  EXPECT_EQ(
      answer({gpus[1]}, "ecc.mode.current,mig.mode.current,ecc.errors.uncorrected.volatile.total,serial",
             "csv,noheader,nounits"),
      "Enabled, Disabled, 0, [N/A]\n");
  EXPECT_EQ(answer({gpus[0]}, "memory.used,temperature.gpu,utilization.gpu", "csv,nounits"),
            "memory.used [MiB], temperature.gpu, utilization.gpu [%]\n0, 25, 0\n");
  EXPECT_EQ(
      answer({gpus[0]}, "clocks_throttle_reasons.active,clocks_event_reasons.gpu_idle,driver_version,count",
             "csv,noheader"),
      "0x0000000000000001, Active, 550.00, 2\n");
}

// Each is answered, or said not to be there; its name is its own.
TEST_F(Fields, AreAllAnswered) {
  start();
  std::set<std::string> names;
  for (const Field& field : gpu_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    if (!field.other_name.empty()) {
      EXPECT_TRUE(names.insert(field.other_name).second) << field.other_name;
    }
    EXPECT_FALSE(field.about.empty()) << field.name;
    for (const Gpu& gpu : gpus) {
      const Value value = field.read(gpu);
      EXPECT_TRUE(value.code == NVML_SUCCESS ? !value.text.empty() : value.code == NVML_ERROR_NOT_SUPPORTED)
          << field.name << ": " << value.text << " " << value.code;
    }
    EXPECT_NE(help_query_gpu().find("\n  " + field.name), std::string::npos);
  }
  EXPECT_GT(names.size(), 150u);
}

TEST_F(Fields, ThatAreNoneAreNamed) {
  start();
  const auto unknown = query_gpu(gpus, "index,memory.totl", {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().status, kBadUsage);
  EXPECT_EQ(
      unknown.error().message,
      "Field \"memory.totl\" is not a valid field to query; did you mean \"memory.total\"? (see doppel smi "
      "--help-query-gpu)");
  EXPECT_FALSE(query_gpu(gpus, "", {}));
  EXPECT_FALSE(query_gpu(gpus, "index,,name", {}));
  EXPECT_FALSE(query_compute_apps(gpus, "index", {}));
  EXPECT_EQ(csv_form("").error().message, "--format=csv is missing: a query is answered as CSV");
  EXPECT_EQ(csv_form("noheader").error().message, "--format=noheader: csv is missing, the only form");
  EXPECT_EQ(csv_form("csv,xml").error().message, "--format=csv,xml: 'xml' is none of csv, noheader, nounits");
}

TEST_F(Fields, OfProcesses) {
  start();
  const CsvForm form;
  EXPECT_EQ(*query_compute_apps(gpus, "pid,used_memory", form), "pid, used_gpu_memory [MiB]\n");
  const auto client = *node->join(1, node::wall_ns());
  std::uint64_t free = 0;
  ASSERT_TRUE(client->take(7U << 20, free, node::wall_ns()));
  EXPECT_EQ(*query_compute_apps(gpus, "gpu_name,pid,used_gpu_memory", form),
            fmt::format("gpu_name, pid, used_gpu_memory [MiB]\nNVIDIA RTX PRO 5000 Blackwell, {}, 7 MiB\n",
                        getpid()));
  EXPECT_NE(query_compute_apps(gpus, "process_name", form)->find("smi_tests\n"), std::string::npos);
}

TEST_F(Fields, OfClocksThatCanBeSet) {
  start();
  const auto pairs = query_supported_clocks({gpus[0]}, "mem,gr", {.header = true, .units = false});
  ASSERT_TRUE(pairs);
  EXPECT_TRUE(pairs->starts_with("memory [MHz], graphics [MHz]\n8001, 1800\n8001, 1785\n")) << *pairs;
  EXPECT_NE(pairs->find("\n405, 1800\n"), std::string::npos);
}

TEST_F(Fields, OfCardsThatAreChosen) {
  start();
  for (const std::string& id : {std::string("1"), gpus[1].uuid(), gpus[1].bus_id(), std::string("03:00.0")}) {
    const auto chosen = chosen_gpus(*nvml, id);
    if (id == "03:00.0") {
      ASSERT_FALSE(chosen);
      EXPECT_EQ(chosen.error().status, NVML_ERROR_NOT_FOUND);
      EXPECT_EQ(chosen.error().message,
                "no card '03:00.0': expected an index, a UUID or a PCI bus id of 'doppel smi -L'");
      continue;
    }
    ASSERT_TRUE(chosen) << id;
    ASSERT_EQ(chosen->size(), 1u);
    EXPECT_EQ(chosen->front().index(), 1u);
  }
  EXPECT_EQ(chosen_gpus(*nvml, "1,0")->size(), 2u);
  for (const char* wrong : {"2", "-1", "GPU-7", "1,", ",", "1,GPU-7", "x:y"})
    EXPECT_EQ(bool(chosen_gpus(*nvml, wrong)), std::string(wrong) == "1,") << wrong;
}

TEST_F(Fields, NeedTheLibrary) {
  const auto missing = Nvml::open(folder / "libnvidia-ml.so.1");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().status, NVML_ERROR_LIBRARY_NOT_FOUND);
  setenv("DOPPEL_CARDS", "rtx-a6001", 1);
  const auto unknown = Nvml::open(DOPPEL_NVML_LIBRARY);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "the cards cannot be shown: No GPUs were found");
}

}  // namespace
}  // namespace doppel::smi
