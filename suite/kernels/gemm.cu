// SPDX-License-Identifier: Apache-2.0
// Products of matrices on the tensor cores in the types that both cards have.
#include "gemm_device.h"

GEMM_FLOAT_OP(F16, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
GEMM_FLOAT_OP(Bf16, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
GEMM_FLOAT_OP(Tf32, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
GEMM_INT_OP(S8, "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32")
GEMM_INT_OP(S4, "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32")

GEMM_KERNEL(gemm_f16_f32, F16, float)
GEMM_KERNEL(gemm_bf16, Bf16, float)
GEMM_KERNEL(gemm_tf32, Tf32, float)
GEMM_KERNEL(gemm_s8, S8, int)
GEMM_KERNEL(gemm_s4, S4, int)
