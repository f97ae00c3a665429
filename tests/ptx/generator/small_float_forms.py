# SPDX-License-Identifier: Apache-2.0
"""cvt from and to pairs of floats of 4, 6 and 8 bits (PTX ISA 5.2.3, 9.7.9.21)."""
from fractions import Fraction

from numbers_exact import BF16, EDGES, F16, F32, NAN, encode, is_inf, is_nan, negative, value
from template import form

# exponent bits, mantissa bits, magnitude of the largest number, what a NaN becomes
KINDS = {"e4m3": (4, 3, 0x7e, 0x7f), "e5m2": (5, 2, 0x7b, 0x7f), "e2m3": (2, 3, 0x1f, 0x1f), "e3m2": (3, 2, 0x1f, 0x1f), "e2m1": (2, 1, 7, 7)}


def number(kind, magnitude):
    e, m, _, _ = KINDS[kind]
    exponent, mantissa = magnitude >> m, magnitude & ((1 << m) - 1)
    if exponent:
        mantissa |= 1 << m
    return Fraction(mantissa) * Fraction(2) ** (max(exponent, 1) - ((1 << (e - 1)) - 1) - m)


def narrowed(kind, f, bits, relu=False):
    e, m, largest, nan = KINDS[kind]
    if is_nan(f, bits):
        return nan
    sign = (1 << (e + m)) if negative(f, bits) else 0
    if sign and relu:
        return 0
    if is_inf(f, bits):
        return sign | largest
    v = abs(value(f, bits))
    if v >= number(kind, largest):
        return sign | largest
    # The nearest of the list; of two as near the one with an even last bit.
    return sign | min(range(largest + 1), key=lambda code: (abs(number(kind, code) - v), code & 1))


def widened(kind, code, relu=False):
    e, m, largest, nan = KINDS[kind]
    sign, magnitude = code >> (e + m) & 1, code & ((1 << (e + m)) - 1)
    if kind == "e5m2" and magnitude == 0x7c:
        bits = F16.inf
    elif magnitude > largest:
        return NAN
    else:
        bits = encode(F16, number(kind, magnitude))
    if sign:
        bits = 0 if relu else bits | F16.sign
    return bits


def scale(f, bits, mode, satfinite):
    beyond = 0xfe if satfinite else 0xff
    if is_nan(f, bits):
        return 0xff
    if is_inf(f, bits):
        return beyond
    v = abs(value(f, bits))
    if v == 0:
        return 0
    code = 0
    while code < 300 and Fraction(2) ** (code + 1 - 127) <= v:
        code += 1
    if mode == "rp" and v > Fraction(2) ** (code - 127):
        code += 1
    return min(code, beyond if code > 0xfe else code)


def halves(values):
    return [0x7fff if v == NAN else v for v in values]


def texts(name, about, line, inputs, outputs, bytes_of=()):
    """Operands that are registers of 8 bits are moved from and to 16."""
    declare = ".reg .b8 %byte;" if bytes_of else ""
    if "a" in bytes_of:
        line = "mov.b16 {{%byte, _}}, {a};\n" + line.replace("{a}", "%byte")
    if "d" in bytes_of:
        line = line.replace("{d}", "%byte") + "\nmov.b16 {d}, {{%byte, 0}};"
    form(name.replace(".", "_"), f"{about} (PTX ISA 9.7.9.21)", line, inputs, outputs, target="sm_120a", version="8.6", declare=declare)


def generate():
    near = [encode(F32, Fraction(n)) for n in ("0.015625", "0.0009765625", "0.001953125", "0.0029296875", "-0.0029296875", "447.9", "448", "464", "-465",
                                               "0.25", "0.75", "1.25", "-1.75", "2.5", "3.5", "5", "-5.1", "6", "7", "7.3", "7.75", "28", "30", "57344", "61440",
                                               "1.0625", "1.1875", "0.03125", "0.09375", "0.0625", "6.1e-5", "7.6e-6")]
    singles = (near + EDGES["f32"])[:64]
    others = singles[11:] + singles[:11]
    pairs16 = [encode(F16, value(F32, v)) if not is_nan(F32, v) and not is_inf(F32, v) else (F16.inf | (0x200 if is_nan(F32, v) else 0)) for v in singles]
    others16 = pairs16[7:] + pairs16[:7]
    for kind, (e, m, _, _) in KINDS.items():
        width = 4 if kind == "e2m1" else 8
        bytes_of = ("d",) if kind == "e2m1" else ()
        for relu in (False, True):
            r = ".relu" if relu else ""
            name = f"cvt.rn.satfinite{r}.{kind}x2.f32"
            out = [narrowed(kind, F32, x, relu) << width | narrowed(kind, F32, y, relu) for x, y in zip(singles, others)]
            texts(name, f"{name}: a in the upper part, b in the lower", f"{name} {{d}}, {{a}}, {{b}};", [("f32", singles), ("f32", others)], [("b16", out)], bytes_of)
            codes = list(range(1 << (1 + e + m)))
            codes = codes if len(codes) <= 64 else codes[::5] + [0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0xfc, 0xfd, 0xff]
            turned = codes[3:] + codes[:3]
            packed = [x << width | y for x, y in zip(codes, turned)]
            name = f"cvt.rn{r}.f16x2.{kind}x2"
            out = [h << 16 | l for h, l in zip(halves(widened(kind, c, relu) for c in codes), halves(widened(kind, c, relu) for c in turned))]
            texts(name, f"{name} is exact; a NaN is canonical", f"{name} {{d}}, {{a}};", [("b16", packed)], [("b32", out)], ("a",) if kind == "e2m1" else ())
            if kind in ("e4m3", "e5m2", "e2m1"):
                name = f"cvt.rn.satfinite{r}.{kind}x2.f16x2"
                out = [narrowed(kind, F16, x, relu) << width | narrowed(kind, F16, y, relu) for x, y in zip(pairs16, others16)]
                texts(name, f"{name}: each half", f"{name} {{d}}, {{a}};", [("b32", [x << 16 | y for x, y in zip(pairs16, others16)])], [("b16", out)], bytes_of)
    powers = [0, 1, 0x3fffff, 0x400000, 0x400001, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0x3f800001, 0xbf800001, 0x7f000000, 0x7f000001, 0x7f7fffff, 0x7f800000,
              0xff800000, 0x7fc00000, 0xffc00001, 0xc0490fdb, 0x3f7fffff, 0x00c00000, 0x80400001, 0x7effffff, 0x40000000]
    brains = [v >> 16 for v in powers[:14]] + [0x7f80, 0xff80, 0x7fc0, 0x0040, 0x0041, 0x003f, 0x8041, 0x7f01, 0x0081, 0x3f81]
    for mode in ("rz", "rp"):
        for sat in (False, True):
            name = f"cvt.{mode}{'.satfinite' if sat else ''}.ue8m0x2"
            turned = powers[5:] + powers[:5]
            texts(name + ".f32", f"{name}.f32: the power of two of the magnitude", f"{name}.f32 {{d}}, {{a}}, {{b}};", [("f32", powers), ("f32", turned)],
                  [("b16", [scale(F32, x, mode, sat) << 8 | scale(F32, y, mode, sat) for x, y in zip(powers, turned)])])
            turned = brains[5:] + brains[:5]
            texts(name + ".bf16x2", f"{name}.bf16x2: the power of two of the magnitude", f"{name}.bf16x2 {{d}}, {{a}};",
                  [("b32", [x << 16 | y for x, y in zip(brains, turned)])], [("b16", [scale(BF16, x, mode, sat) << 8 | scale(BF16, y, mode, sat) for x, y in zip(brains, turned)])])
    codes = list(range(0, 256, 9)) + [1, 2, 254, 255]
    turned = codes[3:] + codes[:3]
    bits = lambda c: 0x7fff if c == 255 else encode(BF16, Fraction(2) ** (c - 127))
    texts("cvt.rn.bf16x2.ue8m0x2", "cvt.rn.bf16x2.ue8m0x2 is exact; 0xff is NaN", "cvt.rn.bf16x2.ue8m0x2 {d}, {a};", [("b16", [x << 8 | y for x, y in zip(codes, turned)])],
          [("b32", [bits(x) << 16 | bits(y) for x, y in zip(codes, turned)])])
