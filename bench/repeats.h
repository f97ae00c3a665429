// How often a kernel is repeated, here and in its OpenCL twin, behind the first repeat that compiles it: a
// host takes many milliseconds to settle on a clock and on what its caches hold.
#pragma once

namespace bench {

inline constexpr int kRepeats = 3;     // at least
inline constexpr double kSeconds = 1;  // and for so long

}  // namespace bench
