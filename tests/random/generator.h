// SPDX-License-Identifier: Apache-2.0
// Makes a valid kernel from a seed: the same one on every host and in every build.
//
// What the ISA leaves open is left out: division by zero, values of lanes that take no part, races, the
// payload and sign of a NaN (they are made the same wherever a float's bits could be seen), results of
// '.approx' (they go to a buffer of their own, compared within the ISA's bound, and nowhere else).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "random/kernel_tree.h"
#include "random/registers.h"
#include "random/rng.h"

namespace doppel::random {

// recent: with forms that only sm_120a has.
Kernel generate(std::uint64_t seed, bool recent = false);
// The input buffer that goes with it.
std::vector<std::byte> generate_input(const Kernel& kernel);

class Generator {
 public:
  Generator(std::uint64_t seed, bool recent);
  Kernel make();

 private:
  using Lines = std::vector<std::string>;
  // Where code is being made: what may stand there.
  struct Place {
    int depth = 0;
    std::vector<int> loops;  // around it, innermost last
    bool may_exit = false;
    bool may_call = true;       // false where a carry has to live: calls do not preserve it (9.7.2)
    std::string shared_atomic;  // the one operation that this phase does on the shared cells
  };

  // generator.cpp: the kernel and its control flow
  void phase();
  void converged_loop();
  std::vector<Statement> block(const Place& place, int statements);
  Statement statement(const Place& place);
  Statement code(const Place& place);
  int label() { return ++labels_; }

  // integer_code.cpp
  Lines integer_code();
  Lines wide_code();
  Lines short_code();
  Lines logic_code();
  Lines bit_code();
  Lines division();
  Lines predicate_code();

  // carry_code.cpp
  // An instruction of a chain: one that needs no carry (a chain's first), or any, and one that gives a carry
  // (all but a chain's last), or any.
  std::string carry_operation(bool first, bool gives, bool wide);
  Lines carry_chain();
  // A chain whose carry lives through other statements.
  void carry_around(std::vector<Statement>& list, const Place& place);

  // float_code.cpp
  Lines single_code();
  Lines double_code();
  Lines half_code();
  Lines brain_code();
  Lines fresh_float();
  Lines approximation();
  // The register's value in a scratch register, with any NaN made canonical: safe to look at as bits.
  Lines canonical(Kind kind, const std::string& from, const std::string& to);

  // conversion_code.cpp
  Lines conversion();
  Lines reinterpretation();
  Lines selection();

  // memory_code.cpp
  Lines local_memory();
  Lines own_cell();
  Lines global_atomic();
  Lines shared_atomic(const std::string& operation);
  Lines input_load();
  Lines special_register();
  // %t0 becomes a number below that of the block's threads, by one of the patterns that real kernels index
  // with.
  Lines pattern_index();
  Statement call();
  void add_function();

  // recent_code.cpp
  Lines recent_code();

  // warp_code.cpp: only where the whole warp or block stands together
  Statement exchange();
  Statement warp_operation();
  Statement masked_warp_operation();
  Statement barrier_reduction();

  // Operands.
  std::string reg(Kind kind);
  std::string predicate();             // maybe negated
  std::string int_operand(Kind kind);  // a register or an immediate
  std::string field_operand();         // a bit position or length
  std::string float_operand(Kind kind);
  std::string immediate(int bits);
  std::string guard();  // "@%p1 " now and then
  template <typename... A>
  static Lines one(A&&... parts) {
    std::string all;
    (all.append(parts), ...);
    return {all};
  }

  Rng rng_;
  Kernel kernel_;
  int labels_ = 0;
  bool full_warps_ = false;
  struct Function {
    std::string name;
    std::vector<Kind> parameters;
    Kind result;
  };
  std::vector<Function> functions_;
};

}  // namespace doppel::random
