// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <tuple>

#include "device/run_record.h"

namespace doppel::device {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Utilisation, unit, share)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CodeRecord, function, line, source, instruction, share,
                                                issued, stall, stalled, transfers, least_transfers,
                                                shared_memory)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BlockRecord, function, block, first_line, last_line, share,
                                                warps)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ExplanationRecord, simulated, achieved_occupancy, working_sms,
                                                slots, candidates, instructions, lines, blocks)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(KernelRecord, name, grid, block, calls, time_us, min_us,
                                                max_us, bound, explanation, advice, registers, spilled_bytes,
                                                shared_bytes, occupancy, occupancy_limit, thread_instructions,
                                                warp_instructions, flops, dram_bytes, l1_hit, l2_hit, waves,
                                                clock_mhz, power_bound, energy_j, utilisation, detail,
                                                simulated_calls)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CopyRecord, kind, bytes, calls, time_us, energy_j)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TimelineSlice, track, label, start_us, duration_us, category,
                                                kernel, bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PowerRecord, time_us, watts, clock_mhz)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SmRoomRecord, time_us, label, sms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Diagnostic, kind, text, count)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PassRecord, pass, seconds, runs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunRecord, card, partition, device_ordinal, process_id,
                                                program, timing_depth, time_us, busy_us, host_us, context_us,
                                                energy_j, waiting_energy_j, peak_memory_bytes, kernels,
                                                copies, timeline, timeline_dropped, power, sm_room,
                                                diagnostics, predict_only, passes)

std::string to_json(const std::vector<RunRecord>& records) {
  // Names come from programs and may hold any bytes.
  return nlohmann::json(records).dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::vector<RunRecord>> run_records_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<std::vector<RunRecord>>();
  } catch (const nlohmann::json::exception& error) {
    return fail(Error::Kind::InvalidInput, fmt::format("not a run record: {}", error.what()));
  }
}

Result<void> write_run_records(const std::filesystem::path& folder, const std::vector<RunRecord>& records) {
  const std::filesystem::path file = folder / fmt::format("{}.json", getpid());
  std::filesystem::path partial = file;
  partial += ".partial";
  {
    std::ofstream out(partial, std::ios::binary);
    out << to_json(records);
    out.flush();
    if (!out) return fail(Error::Kind::Io, fmt::format("cannot write the run record {}", partial.string()));
  }
  std::error_code error;
  std::filesystem::rename(partial, file, error);
  if (error) return fail(Error::Kind::Io, fmt::format("cannot write {}: {}", file.string(), error.message()));
  return {};
}

Result<std::vector<RunRecord>> read_run_records(const std::filesystem::path& folder) {
  std::vector<RunRecord> all;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".json") continue;
    std::ifstream in(entry->path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    Result<std::vector<RunRecord>> records = run_records_from_json(text.str());
    if (!records) {
      return fail(Error::Kind::InvalidInput,
                  fmt::format("{}: {}", entry->path().string(), records.error().message));
    }
    std::ranges::move(*records, std::back_inserter(all));
  }
  if (error)
    return fail(Error::Kind::Io, fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::ranges::sort(all, [](const RunRecord& a, const RunRecord& b) {
    return std::tie(a.process_id, a.device_ordinal) < std::tie(b.process_id, b.device_ordinal);
  });
  return all;
}

}  // namespace doppel::device
