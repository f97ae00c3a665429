// SPDX-License-Identifier: Apache-2.0
// What the command or the environment asks of a run. A flag of the command arrives here as its variable.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "device/driver_version.h"
#include "support/result.h"
#include "timing/launch_timing.h"

namespace doppel::device {

struct Options {
  std::vector<std::string> cards{
      "rtx-a6000"};         // DOPPEL_CARDS=a,b, else DOPPEL_CARD: one device an entry, by ordinal
  bool names_cards = true;  // false: the environment names none, and they are the node's, where it has any
  timing::Depth depth = timing::Depth::Fast;  // DOPPEL_TIMING=off|fast|full
  bool check = false;                         // DOPPEL_CHECK=1
  bool predict_only = false;   // DOPPEL_PREDICT_ONLY=1: launches run only the blocks that predictions need
  bool virtual_clock = false;  // DOPPEL_CLOCK=virtual
  std::string host;     // DOPPEL_HOST: the file of the host that calls are timed on; empty: workstation
  bool nvlink = false;  // DOPPEL_NVLINK=1: bridges join the cards two by two (card/nvlink_pairs.h)
  // CUDA_VISIBLE_DEVICES (visible_devices.h); none: it is not set, and all are visible
  std::optional<std::string> visible_devices;
  std::optional<bool> ecc;  // DOPPEL_ECC=0|1: of all cards; none: as the node, or the card's file, has it
  std::optional<double> power_limit_w;  // DOPPEL_POWER_LIMIT: of all cards, in watts
  std::string node;       // DOPPEL_NODE: what the processes of a machine share (src/node); empty: nothing
  std::string host_part;  // DOPPEL_HOST_PART=record:FOLDER|replay:FOLDER (host_part.h); empty: its own
  double timeout_s = 0;   // DOPPEL_TIMEOUT_S: a launch may run so long on this host; 0: no limit
  std::string
      cache_directory;         // DOPPEL_CACHE, else $XDG_CACHE_HOME/doppel, else ~/.cache/doppel; "off": none
  std::string record_folder;   // DOPPEL_RECORD: the folder for this process's record; empty: none is written
  bool keep_timeline = false;  // DOPPEL_TIMELINE=1: the record lists every kernel and copy, for a trace
  int driver_version = kNewestDriverVersion;  // DOPPEL_DRIVER_VERSION=13.5 (driver_version.h)
  unsigned host_threads = 0;                  // DOPPEL_THREADS; 0: as many as the process may use
  std::string dump_after;      // DOPPEL_DUMP_AFTER=PASS[:KERNEL],... (support/pass_log.h); empty: nothing
  std::string dump_directory;  // DOPPEL_DUMP_DIR; empty: doppel-dump
  bool time_passes = false;    // DOPPEL_TIME_PASSES=1: the record holds what the passes took

  // InvalidArgument names the variable, its value and what is expected.
  static Result<Options> from_environment();
  static Result<Options> from(const std::map<std::string, std::string>& variables);
};

}  // namespace doppel::device
