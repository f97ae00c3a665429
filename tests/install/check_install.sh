#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the build into a folder of its own, and uses it from there: the command, the manual, the completions, a
# program on libcuda.so.1, and the library's example compiled against the installed headers alone.
#   check_install.sh BUILD SOURCE COMPILER
set -euo pipefail
build=$1 source=$2 compiler=$3
prefix=$build/tests/install/prefix
rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" >/dev/null
unset LD_LIBRARY_PATH DOPPEL_CARD_PATH

say() { echo "check_install: $*" >&2; exit 1; }
expect() { grep -q -e "$1" <<<"$2" || say "expected '$1' in: $2"; }

expect rtx-pro-5000-blackwell "$("$prefix/bin/doppel" cards)"
printf '.version 8.0\n.target sm_86\n.address_size 64\n.visible .entry nothing() { ret; }\n' >"$prefix/nothing.ptx"
expect 'registers "nothing"' "$("$prefix/bin/doppel" ptx "$prefix/nothing.ptx" --show registers)"  # loads the library
expect "573 us" "$("$prefix/bin/doppel" run -- "$build/bin/example-nbody" 2>&1)"

# Nothing of the build is needed: neither its headers nor its libraries.
"$compiler" -std=c++20 -Wall -Wextra -Werror "$source/examples/predict.cpp" -I "$prefix/include" -L "$prefix/lib" \
  -ldoppel -Wl,-rpath,"$prefix/lib" -o "$prefix/predict"
printed=$("$prefix/predict")
expect "rtx-a6000 .* us  bound by DRAM" "$printed"
expect "memory.clock_mhz" "$printed"
for library in "$prefix/lib/libdoppel.so" "$prefix/lib/doppel/libcuda.so.1" "$prefix/lib/doppel/libnvidia-ml.so.1"; do
  if readelf -d "$library" | grep -E 'R(UN)?PATH' | grep -q "$build"; then say "$library looks for the build"; fi
done

# A CMake project finds it.
mkdir -p "$prefix/project"
cat >"$prefix/project/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(Doppel 0.1 REQUIRED)
add_executable(predict $source/examples/predict.cpp)
target_link_libraries(predict PRIVATE doppel::doppel)
CMAKE
cmake -S "$prefix/project" -B "$prefix/project/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build "$prefix/project/build" >/dev/null
expect "bound by DRAM" "$("$prefix/project/build/predict")"

# The manual page has every command and flag; the completions are bash.
for word in 'doppel compare' 'predict' 'dump' 'fail'; do expect "$word" "$(cat "$prefix/share/man/man1/doppel.1")"; done
completions=$(bash -c "source '$prefix/share/bash-completion/completions/doppel'
  COMP_WORDS=(doppel run --ti); COMP_CWORD=2; _doppel; echo \"\${COMPREPLY[@]}\"
  COMP_WORDS=(doppel run --timing ''); COMP_CWORD=3; _doppel; echo \"\${COMPREPLY[@]}\"
  COMP_WORDS=(doppel com); COMP_CWORD=1; _doppel; echo \"\${COMPREPLY[@]}\"")
expect "--timing --timeout\|--timeout --timing\|--time-passes" "$completions"
expect "fast full off" "$completions"
expect "compare" "$completions"
