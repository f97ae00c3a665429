# SPDX-License-Identifier: Apache-2.0
"""Writes the .ptx tests whose values are computed rather than thought out. Run by hand: python3 tests/ptx/generator/make_forms.py"""
import integer_forms
import logic_forms
import float_forms
import special_forms
import conversion_forms
import selection_forms
import warp_forms
import matrix_forms
import selected_matrix_forms
import matrix_memory_forms
import wmma_forms
import asynchronous_forms
import bulk_forms
import tensor_forms
import cluster_forms
import atomic_forms
import program_forms
import memory_forms
import card_forms
import operand_forms
import video_forms
import small_float_forms
import wide_forms

for part in (integer_forms, logic_forms, float_forms, special_forms, conversion_forms, selection_forms, warp_forms, matrix_forms, selected_matrix_forms, matrix_memory_forms, wmma_forms, asynchronous_forms, bulk_forms, tensor_forms, cluster_forms, atomic_forms, program_forms, memory_forms, card_forms, operand_forms, video_forms, small_float_forms, wide_forms):
    part.generate()
