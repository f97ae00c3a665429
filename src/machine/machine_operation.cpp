#include "machine/machine_operation.h"

namespace doppel::machine {

std::string_view name_of(Pipe pipe) {
  switch (pipe) {
    case Pipe::Fp32:
      return "fp32";
    case Pipe::Alu:
      return "alu";
    case Pipe::IntegerMultiply:
      return "integer multiply";
    case Pipe::Fp16:
      return "fp16";
    case Pipe::Fp64:
      return "fp64";
    case Pipe::Special:
      return "special";
    case Pipe::Convert:
      return "convert";
    case Pipe::Convert64:
      return "convert64";
    case Pipe::BitCount:
      return "bit count";
    case Pipe::Shuffle:
      return "shuffle";
    case Pipe::Vote:
      return "vote";
    case Pipe::WarpReduce:
      return "warp reduce";
    case Pipe::SpecialRegister:
      return "special register";
    case Pipe::Branch:
      return "branch";
    case Pipe::Barrier:
      return "barrier";
    case Pipe::Fence:
      return "fence";
    case Pipe::Memory:
      return "memory";
    case Pipe::ConstantLoad:
      return "constant load";
    case Pipe::Nop:
      return "nop";
  }
  return "unknown";
}

}  // namespace doppel::machine
