// SPDX-License-Identifier: Apache-2.0
#include "tensor_form.h"

#include <array>

namespace doppel::suite {

namespace {

constexpr const char* kAmpere = "sm_86";
constexpr const char* kBlackwell = "sm_120a";

// 1 in each element: of f8f6f4 fp6 stands in the low bits of its byte, fp4 in the middle ones.
constexpr unsigned kHalfOne = 0x3C003C00;
constexpr unsigned kBf16One = 0x3F803F80;
constexpr unsigned kTf32One = 0x3F800000;
constexpr unsigned kByteOne = 0x01010101;
constexpr unsigned kNibbleOne = 0x11111111;
constexpr unsigned kE4m3One = 0x38383838;
constexpr unsigned kE3m2One = 0x0C0C0C0C;
constexpr unsigned kE2m1InByteOne = 0x08080808;
constexpr unsigned kE2m1One = 0x22222222;
constexpr unsigned kUe8m0One = 0x7F7F7F7F;
constexpr unsigned kUe4m3One = 0x38383838;

using enum Accumulator;
constexpr std::array kForms{
    TensorForm{"tensor-f16", "matrix operations, fp16 into fp16",
               "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", kAmpere, 86, 16, 8, 16, 4, 2, F16x2,
               kHalfOne},
    TensorForm{"tensor-f16-f32", "matrix operations, fp16 into fp32",
               "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", kAmpere, 86, 16, 8, 16, 4, 2, F32,
               kHalfOne},
    TensorForm{"tensor-bf16", "matrix operations, bf16 into fp32",
               "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", kAmpere, 86, 16, 8, 16, 4, 2, F32,
               kBf16One},
    TensorForm{"tensor-tf32", "matrix operations, tf32 into fp32",
               "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", kAmpere, 86, 16, 8, 8, 4, 2, F32,
               kTf32One},
    TensorForm{"tensor-f64", "matrix operations, fp64", "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64",
               kAmpere, 86, 8, 8, 4, 1, 1, F64, 0, false, 0, "GFLOP/s"},
    TensorForm{"tensor-s8", "matrix operations, int8", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32",
               kAmpere, 86, 16, 8, 32, 4, 2, S32, kByteOne, false, 0, "TOP/s"},
    TensorForm{"tensor-s4", "matrix operations, int4", "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32",
               kAmpere, 86, 16, 8, 64, 4, 2, S32, kNibbleOne, false, 0, "TOP/s"},
    TensorForm{"tensor-e4m3", "matrix operations, fp8 (e4m3) into fp32",
               "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e4m3.e4m3.f32", kBlackwell, 120, 16, 8, 32,
               4, 2, F32, kE4m3One},
    TensorForm{"tensor-e3m2", "matrix operations, fp6 (e3m2) into fp32",
               "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e3m2.e3m2.f32", kBlackwell, 120, 16, 8, 32,
               4, 2, F32, kE3m2One},
    TensorForm{"tensor-e2m1", "matrix operations, fp4 (e2m1) without scales",
               "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e2m1.e2m1.f32", kBlackwell, 120, 16, 8, 32,
               4, 2, F32, kE2m1InByteOne},
    TensorForm{"tensor-mxf8", "matrix operations, fp8 in scaled blocks",
               "mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.f32.e4m3.e4m3.f32.ue8m0",
               kBlackwell, 120, 16, 8, 32, 4, 2, F32, kE4m3One, false, kUe8m0One},
    TensorForm{"tensor-mxf4", "matrix operations, mxfp4",
               "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0", kBlackwell,
               120, 16, 8, 64, 4, 2, F32, kE2m1One, false, kUe8m0One},
    TensorForm{
        "tensor-nvf4", "matrix operations, nvfp4",
        "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3",
        kBlackwell, 120, 16, 8, 64, 4, 2, F32, kE2m1One, false, kUe4m3One},
    TensorForm{"tensor-sparse-f16", "sparse matrix operations, fp16 into fp16",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f16.f16.f16.f16", kAmpere, 86, 16, 8,
               32, 4, 4, F16x2, kHalfOne, true},
    TensorForm{"tensor-sparse-f16-f32", "sparse matrix operations, fp16 into fp32",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32", kAmpere, 86, 16, 8,
               32, 4, 4, F32, kHalfOne, true},
    TensorForm{"tensor-sparse-bf16", "sparse matrix operations, bf16 into fp32",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32", kAmpere, 86, 16, 8,
               32, 4, 4, F32, kBf16One, true},
    TensorForm{"tensor-sparse-tf32", "sparse matrix operations, tf32 into fp32",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k16.row.col.f32.tf32.tf32.f32", kAmpere, 86, 16, 8,
               16, 4, 4, F32, kTf32One, true},
    TensorForm{"tensor-sparse-s8", "sparse matrix operations, int8",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32", kAmpere, 86, 16, 8, 64,
               4, 4, S32, kByteOne, true, 0, "TOP/s"},
    TensorForm{"tensor-sparse-s4", "sparse matrix operations, int4",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k128.row.col.s32.s4.s4.s32", kAmpere, 86, 16, 8,
               128, 4, 4, S32, kNibbleOne, true, 0, "TOP/s"},
    TensorForm{"tensor-sparse-e4m3", "sparse matrix operations, fp8 (e4m3) into fp32",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.kind::f8f6f4.f32.e4m3.e4m3.f32",
               kBlackwell, 120, 16, 8, 64, 4, 4, F32, kE4m3One, true},
    TensorForm{"tensor-sparse-e3m2", "sparse matrix operations, fp6 (e3m2) into fp32",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.kind::f8f6f4.f32.e3m2.e3m2.f32",
               kBlackwell, 120, 16, 8, 64, 4, 4, F32, kE3m2One, true},
    TensorForm{"tensor-sparse-e2m1", "sparse matrix operations, fp4 (e2m1) without scales",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.kind::f8f6f4.f32.e2m1.e2m1.f32",
               kBlackwell, 120, 16, 8, 64, 4, 4, F32, kE2m1InByteOne, true},
    TensorForm{"tensor-sparse-mxf8", "sparse matrix operations, fp8 in scaled blocks",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.kind::mxf8f6f4.block_scale.f32.e4m3."
               "e4m3.f32.ue8m0",
               kBlackwell, 120, 16, 8, 64, 4, 4, F32, kE4m3One, true, kUe8m0One},
    TensorForm{"tensor-sparse-mxf4", "sparse matrix operations, mxfp4",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k128.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1."
               "f32.ue8m0",
               kBlackwell, 120, 16, 8, 128, 4, 4, F32, kE2m1One, true, kUe8m0One},
    TensorForm{"tensor-sparse-nvf4", "sparse matrix operations, nvfp4",
               "mma.sp::ordered_metadata.sync.aligned.m16n8k128.row.col.kind::mxf4nvf4.block_scale.scale_vec:"
               ":4X.f32."
               "e2m1.e2m1.f32.ue4m3",
               kBlackwell, 120, 16, 8, 128, 4, 4, F32, kE2m1One, true, kUe4m3One},
};

}  // namespace

std::span<const TensorForm> tensor_forms() { return kForms; }

}  // namespace doppel::suite
