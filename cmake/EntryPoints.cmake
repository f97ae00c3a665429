# doppel_entry_points(TABLE OUTPUT): writes a source file from the table of the driver's functions
# (src/driver/entry_points.txt): for every symbol a weak definition that refuses by name, which a real definition
# elsewhere replaces at link time, and the array that cuGetProcAddress searches.
function(doppel_entry_points table output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
  file(STRINGS ${table} lines REGEX "^cu")
  set(stubs "")
  set(rows "")
  foreach(line IN LISTS lines)
    separate_arguments(fields UNIX_COMMAND "${line}")
    list(POP_FRONT fields name version symbol per_thread)
    foreach(one IN ITEMS ${symbol} ${per_thread})
      string(APPEND stubs "[[gnu::weak]] int ${one}() { return doppel::driver::refuse(\"${one}\"); }\n")
    endforeach()
    set(second "nullptr")
    if(per_thread)
      set(second "erase(&${per_thread})")
    endif()
    string(APPEND rows "    {\"${name}\", ${version}, erase(&${symbol}), ${second}},\n")
  endforeach()
  file(WRITE ${output}.new "// Written from entry_points.txt by cmake/EntryPoints.cmake.
#include \"driver/entry_points.h\"

extern \"C\" {
${stubs}}

namespace doppel::driver {
namespace {
void* erase(int (*function)()) { return reinterpret_cast<void*>(function); }
}  // namespace

std::span<const EntryPoint> entry_points() {
  static const EntryPoint table[] = {
${rows}  };
  return table;
}

}  // namespace doppel::driver
")
  file(COPY_FILE ${output}.new ${output} ONLY_IF_DIFFERENT)
endfunction()
