# SPDX-License-Identifier: Apache-2.0
"""mma (PTX ISA 9.7.14.5): whole numbers as matrices, small enough that every sum is exact in any order."""
import random
import struct

from numbers_exact import F64, fma
from template import form, listing, save, wrap

LANES = range(32)


def f16(x):
    return struct.unpack("<H", struct.pack("<e", x))[0]


def bf16(x):
    return f32(x) >> 16


def f32(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def f64(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def small_float(exponent_bits, fraction_bits, shift=0):
    """Encodes numbers that the format holds exactly."""
    bias = (1 << (exponent_bits - 1)) - 1
    codes = {}
    for code in range(1 << (exponent_bits + fraction_bits)):
        field, fraction = code >> fraction_bits, code & ((1 << fraction_bits) - 1)
        value = ((1 if field else 0) + fraction / (1 << fraction_bits)) * 2.0 ** (max(field, 1) - bias)
        codes.setdefault(value, code)

    def encode(x):
        code = codes[abs(x)] | (1 << (exponent_bits + fraction_bits) if x < 0 else 0)
        return code << shift
    return encode


def whole(x):
    return x


# Bits in a register, how a value is written, and which values A and B have.
ELEMENTS = {
    "f16": (16, f16, range(-9, 10)), "bf16": (16, bf16, range(-9, 10)), "tf32": (32, f32, range(-9, 10)), "f64": (64, f64, range(-99, 100)),
    "s8": (8, whole, range(-128, 128)), "u8": (8, whole, range(256)), "s4": (4, whole, range(-8, 8)), "u4": (4, whole, range(16)),
    "b1": (1, whole, range(2)), "e4m3": (8, small_float(4, 3), range(-9, 10)), "e5m2": (8, small_float(5, 2), range(-4, 5)),
    "e3m2": (8, small_float(3, 2), range(-4, 5)), "e2m3": (8, small_float(2, 3), range(-3, 4)), "e2m1": (8, small_float(2, 1, 2), range(-4, 5, 2)),
}
SUMS = {"f16": (16, f16, 2), "f32": (32, f32, 99), "f64": (64, f64, 999), "s32": (32, whole, 10**6)}


def fragment(count, bits, wide, place, encode):
    """Register r of lane l holds the elements that `place` says, the lowest first."""
    in_register = wide // bits
    registers = []
    for lane in LANES:
        for r in range(count):
            word = 0
            for e in range(in_register):
                word |= (encode(place(lane // 4, lane % 4, r * in_register + e)) & ((1 << bits) - 1)) << (e * bits)
            registers.append(word)
    return registers


def generate():
    chosen = [("m16n8k8", "f16", "f16", "f16"), ("m16n8k16", "f32", "f16", "f16"), ("m16n8k8", "f32", "bf16", "bf16"), ("m16n8k16", "f32", "bf16", "bf16"),
              ("m16n8k4", "f32", "tf32", "tf32"), ("m16n8k8", "f32", "tf32", "tf32"), ("m8n8k4", "f64", "f64", "f64"),
              ("m8n8k16", "s32", "s8", "u8"), ("m16n8k16", "s32", "u8", "s8"), ("m16n8k32", "s32", "s8", "s8"),
              ("m8n8k32", "s32", "s4", "u4"), ("m16n8k32", "s32", "u4", "s4"), ("m16n8k64", "s32", "s4", "s4"),
              ("m8n8k128", "s32", "b1", "b1"), ("m16n8k128", "s32", "b1", "b1"), ("m16n8k256", "s32", "b1", "b1")]
    for shape, d, a, b in chosen:
        product(shape, d, a, b)
    for shape, d, a, b in [("m16n8k16", "f64", "f64", "f64"), ("m16n8k32", "f32", "e4m3", "e5m2"), ("m16n8k16", "f16", "e4m3", "e4m3")]:
        product(shape, d, a, b, "sm_120", "8.7")
    for d, a, b in [("f32", "e3m2", "e2m1"), ("f16", "e2m3", "e4m3"), ("f32", "e2m1", "e2m3")]:
        product("m16n8k32", d, a, b, "sm_120a", "8.7", "kind::f8f6f4.")
    for mode in ("rn", "rz", "rm", "rp"):
        rounded(mode)


def rounded(mode):
    """Of each row of A one element is not 0, so that one product and one sum are rounded, whatever the order."""
    random.seed("rounded" + mode)

    def number():
        return f64(random.uniform(-2, 2))

    of_a = [[number() if k == i % 4 else 0 for k in range(4)] for i in range(8)]
    of_b = [[number() for _ in range(8)] for _ in range(4)]
    of_c = [[number() for _ in range(8)] for _ in range(8)]
    of_d = [[fma(F64, of_a[i][i % 4], of_b[i % 4][j], of_c[i][j], mode) for j in range(8)] for i in range(8)]
    name = f"mma.sync.aligned.m8n8k4.row.col.{mode}.f64.f64.f64.f64"
    low, high, low_d, high_d = [[matrix[i // 4][i % 4 * 2 + e] for i in LANES] for matrix in (of_c, of_d) for e in (0, 1)]
    # Either half of D is told: of one test the first element, of the other the second.
    for which, told in (("low", low_d), ("high", high_d)):
        targets = "{{{d}, %other}}" if which == "low" else "{{%other, {d}}}"
        form(f"{name}_{which}".replace(".", "_"), f"{name}: the product and the sum are rounded once (PTX ISA 9.7.14.5)",
             f"{name} {targets}, {{{{{{a}}}}}}, {{{{{{b}}}}}}, {{{{{{c}}, {{e}}}}}};",
             [("f64", [of_a[i // 4][i % 4] for i in LANES]), ("f64", [of_b[i % 4][i // 4] for i in LANES]), ("f64", low), ("f64", high)], [("f64", told)],
             target="sm_80", version="7.0", declare=".reg .f64 %other;")


def product(shape, d, a, b, target="sm_80", version="7.1", kind=""):
    m, n, k = (int(x) for x in shape.replace("m", " ").replace("n", " ").replace("k", " ").split())
    random.seed(f"{shape}{d}{a}{b}")
    (a_bits, a_code, a_values), (b_bits, b_code, b_values), (d_bits, d_code, most) = ELEMENTS[a], ELEMENTS[b], SUMS[d]
    wide = 64 if a == "f64" else 32
    if d == "f16":  # sums of up to 2048 are exact
        a_values = [x for x in a_values if abs(x) <= 4]
        b_values = [x for x in b_values if abs(x) <= 4]
    of_a = [[random.choice(list(a_values)) for _ in range(k)] for _ in range(m)]
    of_b = [[random.choice(list(b_values)) for _ in range(n)] for _ in range(k)]
    of_c = [[random.randint(-most, most) for _ in range(n)] for _ in range(m)]
    multiply = (lambda x, y: x & y) if a == "b1" else (lambda x, y: x * y)
    of_d = [[of_c[i][j] + sum(multiply(of_a[i][q], of_b[q][j]) for q in range(k)) for j in range(n)] for i in range(m)]
    run = wide // a_bits  # neighbours along k in a register
    halves = m // 8

    def in_a(group, thread, i):
        reg, e = divmod(i, run)
        return of_a[group + 8 * (reg % halves)][thread * run + e + reg // halves * 4 * run]

    def in_b(group, thread, i):
        reg, e = divmod(i, run)
        return of_b[thread * run + e + reg * 4 * run][group]

    def accumulator(matrix):
        return lambda group, thread, i: matrix[group + (8 if i >= 2 else 0)][thread * 2 + i % 2]

    counts = [m * n * d_bits // (32 * wide), m * k * a_bits // (32 * wide), n * k * b_bits // (32 * wide), m * n * d_bits // (32 * wide)]
    lists = [fragment(counts[1], a_bits, wide, in_a, a_code), fragment(counts[2], b_bits, wide, in_b, b_code),
             fragment(counts[3], d_bits, wide, accumulator(of_c), d_code), fragment(counts[0], d_bits, wide, accumulator(of_d), d_code)]
    word = "f64" if wide == 64 else "b32"
    sum_word = d if d in ("f32", "f64") else "b32"
    form = f"mma.sync.aligned.{kind}{shape}.row.col.{d}.{a}.{b}.{d}" + (".and.popc" if a == "b1" else "")
    text = f"// {form} (PTX ISA 9.7.14.5): whole numbers, whose sums are exact\n// block: 32\n"
    for values in lists[:3]:
        text += wrap("in", listing(f"b{wide}", values))
    text += wrap("out", listing(f"b{wide}", lists[3]))
    text += f".version {version}\n.target {target}\n.address_size 64\n\n"
    text += ".visible .entry test(.param .u64 in0, .param .u64 in1, .param .u64 in2, .param .u64 out0)\n{\n  .reg .u32 %i;\n  .reg .u64 %address;\n"
    text += f"  .reg .{word} %a<{counts[1]}>, %b<{counts[2]}>;\n  .reg .{sum_word} %c<{counts[3]}>, %d<{counts[0]}>;\n\n  mov.u32 %i, %tid.x;\n"
    for name, parameter, count, kind_of in (("a", "in0", counts[1], word), ("b", "in1", counts[2], word), ("c", "in2", counts[3], sum_word)):
        text += f"  ld.param.u64 %address, [{parameter}];\n  mad.wide.u32 %address, %i, {wide // 8 * count}, %address;\n"
        for i in range(count):
            text += f"  ld.global.{kind_of} %{name}{i}, [%address+{wide // 8 * i}];\n"
    lists_of = ["{" + ", ".join(f"%{name}{i}" for i in range(count)) + "}" for name, count in zip("dabc", counts)]
    text += f"  {form} {', '.join(lists_of)};\n"
    text += f"  ld.param.u64 %address, [out0];\n  mad.wide.u32 %address, %i, {wide // 8 * counts[0]}, %address;\n"
    for i in range(counts[0]):
        text += f"  st.global.{sum_word} [%address+{wide // 8 * i}], %d{i};\n"
    save(form.replace(".", "_").replace("::", "_"), text + "  ret;\n}\n")
