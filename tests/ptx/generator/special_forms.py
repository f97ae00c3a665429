# SPDX-License-Identifier: Apache-2.0
"""The approximations, each within the ISA's bound (PTX ISA 9.7.3.8, 9.7.3.13-9.7.3.22, 9.7.4.9, 9.7.4.10)."""
import math

from numbers_exact import BF16, EDGES, F16, F32, F64, NAN, div, encode, flush, is_inf, is_nan, value
from template import form
from fractions import Fraction

INF = float("inf")


def true(f, bits, function, special, ftz):
    """What to expect: special values as the ISA lists them, else the true value as a decimal."""
    if ftz:
        bits = flush(f, bits)
    if is_nan(f, bits):
        return NAN
    sign = -1 if bits & f.sign else 1
    if is_inf(f, bits):
        return special["inf" if sign > 0 else "-inf"]
    if bits & ~f.sign == 0:
        return special["0" if sign > 0 else "-0"]
    v = float(value(f, bits))
    if sign < 0 and "negative" in special:
        return special["negative"]
    r = function(v)
    tiny = float(value(f, 1 << f.m))
    largest = float(value(f, f.inf - 1))
    if abs(r) > largest * (1 + 2.0 ** -(f.m + 2)):
        return "inf" if r > 0 else "-inf"
    if ftz and abs(r) < tiny:
        return 0 if r >= 0 else f.sign
    return repr(r)


ODD = {"0": 0, "-0": None}


def unary(op, f, function, special, values, bound, about):
    for ftz in (False, True):
        if f is not F32 and ftz != op.endswith(".ftz"):
            continue
        name = op + (".ftz" if ftz and f is F32 else "")
        out = [true(f, v, function, special, ftz) for v in values]
        form(f"{name}.{f.name}".replace(".", "_"), f"{name}.{f.name}: {about}", f"{name}.{f.name} {{d}}, {{a}};", [(f.name, values)],
             [(f.name, out)], tolerance=bound)


def f32s(*numbers):
    return [encode(F32, Fraction(n)) for n in numbers]


def generate():
    z, mz, one, mone = 0, F32.sign, F32.one, F32.one | F32.sign
    edges = EDGES["f32"]
    unary("rcp.approx", F32, lambda x: 1 / x, {"inf": z, "-inf": mz, "0": "inf", "-0": "-inf"}, edges, "1 ulp",
          "the largest error is 1 ulp (PTX ISA 9.7.3.13)")
    unary("sqrt.approx", F32, math.sqrt, {"inf": "inf", "-inf": NAN, "negative": NAN, "0": z, "-0": mz}, edges, "2^-23 relative",
          "the largest relative error is 2^-23 (PTX ISA 9.7.3.15)")
    unary("rsqrt.approx", F32, lambda x: 1 / math.sqrt(x), {"inf": z, "-inf": NAN, "negative": NAN, "0": "inf", "-0": "-inf"}, edges,
          "2^-22.9 relative", "the largest relative error is 2^-22.9 (PTX ISA 9.7.3.16)")
    angles = edges[:2] + [F32.inf, F32.inf | F32.sign, F32.inf | 1 << 22] + f32s(0.5, -0.5, 1, 1.5, 2, -2, 3, 3.14159274, -3.14159274, 4.7,
                                                                                   6.25, -6.25, 0.001, 1e-10, 1e-38)
    unary("sin.approx", F32, math.sin, {"inf": NAN, "-inf": NAN, "0": z, "-0": mz}, angles, "2^-20.5 absolute",
          "the largest absolute error in [-2pi, 2pi] is 2^-20.5 (PTX ISA 9.7.3.18)")
    unary("cos.approx", F32, math.cos, {"inf": NAN, "-inf": NAN, "0": one, "-0": one}, angles, "2^-20.5 absolute",
          "the largest absolute error in [-2pi, 2pi] is 2^-20.5 (PTX ISA 9.7.3.19)")
    log = {"inf": "inf", "-inf": NAN, "negative": NAN, "0": "-inf", "-0": "-inf"}
    outside = [v for v in edges if is_nan(F32, v) or is_inf(F32, v) or not 0.5 < float(value(F32, v)) < 2]
    unary("lg2.approx", F32, math.log2, log, outside, "2^-22 relative", "outside of (0.5, 2) the relative error is at most 2^-22 (PTX ISA 9.7.3.20)")
    near = f32s(0.500001, 0.6, 0.75, 0.9, 0.99999994, 1, 1.00000012, 1.1, 1.25, 1.5, 1.75, 1.9999)
    form("lg2_approx_f32_near_one", "lg2.approx.f32: inside of (0.5, 2) the absolute error is at most 2^-22 (PTX ISA 9.7.3.20)",
         "lg2.approx.f32 {d}, {a};", [("f32", near)], [("f32", [repr(math.log2(float(value(F32, v)))) if v != one else "*" for v in near])],
         tolerance="2^-22 absolute")
    powers = [0, mz, F32.inf, F32.inf | F32.sign, F32.inf | 1 << 22] + f32s(1, -1, 0.5, -0.5, 10, -10, 127, -126, 127.99, -125.5, 128, 200, 1e-6,
                                                                           -1e-6, 3.7, -3.7, 64.25)
    unary("ex2.approx", F32, lambda x: math.pow(2, x), {"inf": "inf", "-inf": z, "0": one, "-0": one}, powers, "2 ulp",
          "the largest error is 2 ulp (PTX ISA 9.7.3.21)")
    reals = [v for v in edges if is_nan(F32, v) or v & F32.inf]
    form("tanh_approx_f32", "tanh.approx.f32: the largest relative error is 2^-11 (PTX ISA 9.7.3.22)", "tanh.approx.f32 {d}, {a};",
         [("f32", reals)], [("f32", [true(F32, v, math.tanh, {"inf": one, "-inf": mone, "0": z, "-0": mz}, False) for v in reals])],
         tolerance="2^-11 relative")
    halves(z)
    divisions()
    doubles()


def halves(z):
    small = [v for v in EDGES["f16"] if is_nan(F16, v) or v & F16.inf]
    exp = lambda x: math.pow(2, x) if x < 1000 else INF
    values = [0, F16.sign, F16.inf, F16.inf | F16.sign, F16.inf | 1 << 9] + [encode(F16, Fraction(n)) for n in (1, -1, 0.5, 3, -3, 10, -10, 15, 2.25, 20)]
    f16 = {"inf": "inf", "-inf": z, "0": F16.one, "-0": F16.one}
    form("ex2_approx_f16", "ex2.approx.f16: the largest relative error is 2^-9.9 (PTX ISA 9.7.4.10)", "ex2.approx.f16 {d}, {a};",
         [("f16", values)], [("f16", [true(F16, v, exp, f16, False) for v in values])], tolerance="2^-9.9 relative")
    form("tanh_approx_f16", "tanh.approx.f16: the largest absolute error is 2^-10.987 (PTX ISA 9.7.4.9)", "tanh.approx.f16 {d}, {a};",
         [("f16", small)], [("f16", [true(F16, v, math.tanh, {"inf": F16.one, "-inf": F16.one | F16.sign, "0": 0, "-0": F16.sign}, False)
                                     for v in small])], tolerance="2^-10.987 absolute")
    brain = [0, BF16.sign, BF16.inf, BF16.inf | BF16.sign, BF16.inf | 1 << 6, 1] + [encode(BF16, Fraction(n)) for n in (1, -1, 0.5, 3, -3, 10, 64, 2.25)]
    form("ex2_approx_ftz_bf16", "ex2.approx.ftz.bf16: the largest relative error is 2^-7 (PTX ISA 9.7.4.10)", "ex2.approx.ftz.bf16 {d}, {a};",
         [("bf16", brain)], [("bf16", [true(BF16, v, exp, {"inf": "inf", "-inf": z, "0": BF16.one, "-0": BF16.one}, True) for v in brain])],
         target="sm_90", tolerance="2^-7 relative")


def divisions():
    a = f32s(1, 2, 3, -7, 1e10, 1e-10, 22, 355, 0.1, -0.3) + [0, F32.sign, F32.inf, F32.one, F32.inf, F32.inf | F32.sign, F32.inf | 1 << 22]
    b = f32s(3, 7, -11, 3, 1e5, 1e-5, 7, 113, 0.7, 0.9) + [F32.one, F32.one, F32.one, F32.inf, F32.inf, F32.one, F32.one]
    out = []
    for x, y in zip(a, b):
        exact = div(F32, x, y)
        finite = exact != NAN and not is_inf(F32, exact) and exact & ~F32.sign
        out.append(repr(float(value(F32, x) / value(F32, y))) if finite else exact)
    for name in ("div.full", "div.approx"):
        for ftz in ("", ".ftz"):
            form(f"{name}{ftz}.f32".replace(".", "_"), f"{name}{ftz}.f32: the largest error is 2 ulp (PTX ISA 9.7.3.8)",
                 f"{name}{ftz}.f32 {{d}}, {{a}}, {{b}};", [("f32", a), ("f32", b)], [("f32", out)], tolerance="2 ulp")
    big = [encode(F32, Fraction(2) ** 127), encode(F32, Fraction(-3) * 2 ** 126), F32.inf - 1]
    form("div_approx_f32_huge_divisor", "div.approx.f32: a divisor over 2^126 gives zero, or NaN under infinity (PTX ISA 9.7.3.8)",
         "div.approx.f32 {d}, {a}, {b};", [("f32", f32s(1, 5, -2) + [F32.inf] * 3), ("f32", big * 2)],
         [("f32", [0, F32.sign, F32.sign] + [NAN] * 3)])


def reciprocal_root(v):
    """1 / sqrt(x) to 300 bits, then rounded once."""
    if is_nan(F64, v) or (v >> 63 and v != F64.sign):
        return NAN
    if v & ~F64.sign in (0, F64.inf):
        return v & F64.sign | F64.inf if v & ~F64.sign == 0 else 0
    x = value(F64, v)
    return encode(F64, Fraction(math.isqrt((x.denominator << 2800) // x.numerator), 1 << 1400))


def doubles():
    values = [0, F64.sign, F64.inf, F64.inf | F64.sign, 1, 1 | F64.sign, F64.one, F64.one + (3 << 50), encode(F64, Fraction(3)),
              encode(F64, Fraction(10) ** 100), encode(F64, Fraction(1, 7)), F64.inf | 1 << 51]
    rcp = {"inf": 0, "-inf": F64.sign, "0": "inf", "-0": "-inf"}
    cut = lambda v: v & 0xffffffff00000000 if not is_nan(F64, v) else v
    canonical = lambda r: 0x7fffffff00000000 if r == NAN else r
    form("rcp_approx_ftz_f64", "rcp.approx.ftz.f64: the upper word only; NaN is 0x7fffffff00000000 (PTX ISA 9.7.3.14)",
         "rcp.approx.ftz.f64 {d}, {a};", [("f64", values)], [("f64", [canonical(true(F64, cut(v), lambda x: 1 / x, rcp, True)) for v in values])],
         tolerance="2^-19 relative")
    reals = [0x40d092f366659e80 + i * 0x123456789abcd for i in range(24)] + [1, 0x8000000000123, 0x7fefffffffffffff, 0x3ff0000000000000,
                                                                               0, F64.sign, F64.inf, F64.inf | F64.sign, F64.inf | 1 << 51, 0xbff0000000000000]
    reals[0] = encode(F64, Fraction(16971.803123616148))
    form("rsqrt_approx_f64", "rsqrt.approx.f64: rsqrt() of the CUDA guide has 1 ulp; here the number nearest to the true value (PTX ISA 9.7.3.16)",
         "rsqrt.approx.f64 {d}, {a};", [("f64", reals)], [("f64", [reciprocal_root(v) for v in reals])], tolerance="0.5 ulp")
    rsqrt = {"inf": 0, "-inf": NAN, "0": "inf", "-0": "-inf", "negative": NAN}
    form("rsqrt_approx_ftz_f64", "rsqrt.approx.ftz.f64: the upper word only; NaN is 0x7fffffff00000000 (PTX ISA 9.7.3.17)",
         "rsqrt.approx.ftz.f64 {d}, {a};", [("f64", values)],
         [("f64", [canonical(true(F64, cut(v), lambda x: 1 / math.sqrt(x), rsqrt, True)) for v in values])], tolerance="2^-19 relative")
