// SPDX-License-Identifier: Apache-2.0
#include "card/load_host.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "card/field_reader.h"
#include "card/load_card.h"

namespace doppel::card {
namespace {

namespace fs = std::filesystem;

constexpr double kMostUs = 1e7;

Host read_host(const toml::table& root) {
  Host host;
  FieldReader reader(root);
  reader.read_sources();
  constexpr std::array<std::string_view, 2> kOther = {"id", "sources"};
  host.id = text_of(root, "id", "");
  const std::vector<Field> all = fields(host);
  reader.reject_unknown(all, kOther);
  for (const Field& field : all) {
    const std::string key(field.key);
    auto from = reader.read(field);
    if (!from) throw BadEntry{1, key, "expected this key, found nothing"};
    host.provenance[key] = *std::move(from);
  }
  return host;
}

Result<Host> load_host(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad() || text.fail())
    return fail(Error::Kind::Io, fmt::format("cannot read the host file {}", file.string()));
  return parse_host(text.str(), file.string());
}

}  // namespace

std::vector<Field> fields(Host& h) {
  return {
      {"calls.any_us", &h.calls.any_us, 0, kMostUs},
      {"calls.launch_us", &h.calls.launch_us, 0, kMostUs},
      {"calls.copy_us", &h.calls.copy_us, 0, kMostUs},
      {"calls.fill_us", &h.calls.fill_us, 0, kMostUs},
      {"calls.pageable_copy_us", &h.calls.pageable_copy_us, 0, kMostUs},
      {"calls.record_us", &h.calls.record_us, 0, kMostUs},
      {"calls.host_function_us", &h.calls.host_function_us, 0, kMostUs},
      {"calls.poll_us", &h.calls.poll_us, 0, kMostUs},
      {"calls.wait_us", &h.calls.wait_us, 0, kMostUs},
      {"calls.notice_us", &h.calls.notice_us, 0, kMostUs},
      {"calls.stream_create_us", &h.calls.stream_create_us, 0, kMostUs},
      {"calls.stream_destroy_us", &h.calls.stream_destroy_us, 0, kMostUs},
      {"calls.event_create_us", &h.calls.event_create_us, 0, kMostUs},
      {"calls.event_destroy_us", &h.calls.event_destroy_us, 0, kMostUs},
      {"calls.graph_instantiate_node_us", &h.calls.graph_instantiate_node_us, 0, kMostUs},
      {"calls.graph_launch_us", &h.calls.graph_launch_us, 0, kMostUs},
      {"calls.graph_launch_node_us", &h.calls.graph_launch_node_us, 0, kMostUs},
      {"memory.allocate_us", &h.memory.allocate_us, 0, kMostUs},
      {"memory.free_us", &h.memory.free_us, 0, kMostUs},
      {"memory.map_us_per_mib", &h.memory.map_us_per_mib, 0, kMostUs},
      {"memory.pool_allocate_us", &h.memory.pool_allocate_us, 0, kMostUs},
      {"memory.pool_free_us", &h.memory.pool_free_us, 0, kMostUs},
      {"memory.pin_us", &h.memory.pin_us, 0, kMostUs},
      {"memory.pin_us_per_page", &h.memory.pin_us_per_page, 0, kMostUs},
      {"memory.lock_us_per_page", &h.memory.lock_us_per_page, 0, kMostUs},
      {"memory.unpin_us_per_page", &h.memory.unpin_us_per_page, 0, kMostUs},
      {"memory.copy_bytes_per_second", &h.memory.copy_bytes_per_second, 1e6, 1e13},
      {"start.context_us", &h.start.context_us, 0, kMostUs},
      {"start.context_end_us", &h.start.context_end_us, 0, kMostUs},
      {"start.module_us", &h.start.module_us, 0, kMostUs},
      {"start.library_us", &h.start.library_us, 0, kMostUs},
      {"start.first_launch_us", &h.start.first_launch_us, 0, kMostUs},
      {"threads.create_us", &h.threads.create_us, 0, kMostUs},
      {"threads.host_function_us", &h.threads.host_function_us, 0, kMostUs},
      {"processor_factor", &h.processor_factor, 0.01, 100},
  };
}

Result<Host> parse_host(std::string_view text, const std::string& file) {
  try {
    return read_host(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return fail(Error::Kind::InvalidInput,
                fmt::format("{}:{}: not TOML: {}", file, error.source().begin.line, error.description()));
  } catch (const BadEntry& bad) {
    return fail(Error::Kind::InvalidInput,
                fmt::format("{}:{}: {}: {}", file, bad.line, bad.key, bad.expected));
  }
}

Result<Host> find_host(const std::string& file) {
  if (!file.empty()) return load_host(file);
  std::error_code ignored;
  for (const fs::path& cards : card_folders()) {
    const fs::path plain = cards.parent_path() / "hosts" / "workstation.toml";
    if (fs::is_regular_file(plain, ignored)) return load_host(plain);
  }
  return fail(Error::Kind::NotFound, "no host file: hosts/workstation.toml is not beside the cards' folder");
}

}  // namespace doppel::card
