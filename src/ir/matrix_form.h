// SPDX-License-Identifier: Apache-2.0
// Matrix products of a warp, D = A B + C (PTX ISA 9.7.14): the shape, the types of the elements, and which
// lane holds which of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doppel::ir {

enum class MatrixElement : std::uint8_t {
  None,
  F16,
  BF16,
  TF32,
  F32,
  F64,
  S8,
  U8,
  S4,
  U4,
  B1,
  S32,
  E4M3,
  E5M2,
  E3M2,
  E2M3,
  E2M1,
};
std::string_view name_of(MatrixElement element);  // "f16"
std::optional<MatrixElement> find_matrix_element(std::string_view name);

// Of the factors that blocks of a row of A and of a column of B have (PTX ISA 9.7.14.3).
enum class MatrixScale : std::uint8_t { None, Ue8m0, Ue4m3 };

// A is m by k, B k by n, C and D m by n.
struct MatrixForm {
  std::uint8_t m = 0, n = 0;
  std::uint16_t k = 0;
  MatrixElement d = MatrixElement::None, a = MatrixElement::None, b = MatrixElement::None,
                c = MatrixElement::None;
  // A is there with half of its columns, and metadata say with which (PTX ISA 9.7.14.6.1).
  bool sparse = false;
  MatrixScale scale = MatrixScale::None;
  std::uint8_t scales = 0;  // along k: as many blocks, of a factor each
  bool operator==(const MatrixForm&) const = default;

  // Columns of A that are there.
  int kept_k() const { return sparse ? k / 2 : k; }
  bool is_scaled() const { return scale != MatrixScale::None; }
  // e2m1 two in a byte, as .kind::mxf4 and .kind::mxf4nvf4 have them.
  bool is_narrow() const { return scales >= 2; }
  // Bits that an element takes in a register: those of fewer than 8 of .kind::f8f6f4 stand in bytes.
  int bits_of(MatrixElement element) const;
  // Registers of a lane: of 64 bits for f64, else of 32.
  int a_registers() const { return m * kept_k() * bits_of(a) / (32 * register_bits()); }
  int b_registers() const { return n * k * bits_of(b) / (32 * register_bits()); }
  int c_registers() const { return m * n * bits_of(c) / (32 * register_bits()); }
  int d_registers() const { return m * n * bits_of(d) / (32 * register_bits()); }
  // What is read behind A, B and C, of 32 bits a lane: metadata of a sparse A and their selector; then the
  // factors of A, which bytes and which threads have them; and those of B.
  int metadata_registers() const { return sparse ? 2 : 0; }
  int scale_registers() const { return is_scaled() ? 6 : 0; }
  int register_bits() const { return a == MatrixElement::F64 ? 64 : 32; }
};

// "m16n8k16_f32_f16_f16_f32": D, A, B, C; behind it "_sp" and "_4x_ue4m3".
std::string text_of(const MatrixForm& form);
std::optional<MatrixForm> find_matrix_form(std::string_view text);

// As 64 bits, for generated code.
std::uint64_t packed(const MatrixForm& form);
MatrixForm unpacked_matrix_form(std::uint64_t bits);

// Where an element is (the figures of PTX ISA 9.7.14.5). Of A, whose rows lie along the registers, four lanes
// hold a row, of B a column, each so many elements side by side as a register has; of C and D two of a row.
struct MatrixPlace {
  int lane = 0;
  int reg = 0;
  int element = 0;  // of the register, the lowest first
};
MatrixPlace place_in_a(const MatrixForm& form, int row, int k);
MatrixPlace place_in_b(const MatrixForm& form, int k, int column);
MatrixPlace place_in_c(const MatrixForm& form, MatrixElement element, int row, int column);

}  // namespace doppel::ir
