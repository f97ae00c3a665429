#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a compiler through ccache: `cached_compile.sh CCACHE COMPILER ARGUMENTS...`. Files that begin with precompiled
# headers are kept only with these settings (none of ours uses __DATE__ and the like). Beside precompiled headers it leaves
# a checksum, or ccache would read their 100 megabytes again for each file that begins with them.
export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1
output=
for argument in "$@"; do
  [ "$output" = next ] && output=$argument && break
  [ "$argument" = -o ] && output=next
done
case $output in
  *.gch)
    # The compiler would begin with the old ones, and ccache find that nothing has changed.
    rm -f "$output" "$output.sum"
    "$@" && sha256sum < "$output" > "$output.sum"
    ;;
  *) exec "$@" ;;
esac
