# SPDX-License-Identifier: Apache-2.0
"""Exact floating point on fractions: shares nothing with the reference, which checks it and is checked by it."""
from fractions import Fraction
from math import isqrt


class Format:
    def __init__(self, name, exponent_bits, mantissa_bits):
        self.name, self.e, self.m = name, exponent_bits, mantissa_bits
        self.width = 1 + exponent_bits + mantissa_bits
        self.bias = (1 << (exponent_bits - 1)) - 1
        self.sign = 1 << (self.width - 1)
        self.inf = ((1 << exponent_bits) - 1) << mantissa_bits
        self.one = self.bias << mantissa_bits


F16, BF16, F32, F64 = Format("f16", 5, 10), Format("bf16", 8, 7), Format("f32", 8, 23), Format("f64", 11, 52)
TF32 = Format("tf32", 8, 10)
FORMATS = {"f16": F16, "bf16": BF16, "f32": F32, "f64": F64}
NAN = "nan"  # a result with no particular payload


def is_nan(f, bits):
    return bits == NAN or (bits & (f.sign - 1)) > f.inf


def is_inf(f, bits):
    return bits != NAN and (bits & (f.sign - 1)) == f.inf


def negative(f, bits):
    return bits & f.sign != 0


def value(f, bits):
    """The number behind finite bits."""
    exponent = (bits & f.inf) >> f.m
    mantissa = bits & ((1 << f.m) - 1)
    if exponent:
        mantissa |= 1 << f.m
    scale = max(exponent, 1) - f.bias - f.m
    v = Fraction(mantissa) * (Fraction(2) ** scale)
    return -v if negative(f, bits) else v


def round_integer(v, mode):
    """A fraction to an integer: rn, rz, rm, rp, rna."""
    low = v.numerator // v.denominator
    rest = v - low
    if rest == 0 or mode == "rm":
        return low
    if mode == "rp":
        return low + 1
    if mode == "rz":
        return low if v > 0 else low + 1
    if rest != Fraction(1, 2):
        return low + (rest > Fraction(1, 2))
    if mode == "rna":
        return low + 1 if v > 0 else low
    return low + (low & 1)


def encode(f, v, mode="rn", zero_negative=False):
    """The bits of a fraction, rounded once."""
    if v == 0:
        return f.sign if zero_negative else 0
    sign = f.sign if v < 0 else 0
    a = abs(v)
    exponent = a.numerator.bit_length() - a.denominator.bit_length()
    if Fraction(2) ** exponent > a:
        exponent -= 1
    last = max(exponent, 1 - f.bias) - f.m
    scaled = round_integer(v / Fraction(2) ** last, mode)
    mantissa = abs(scaled)
    if mantissa >> (f.m + 1):
        mantissa >>= 1
        last += 1
    if mantissa >> f.m == 0:
        return sign | mantissa
    biased = last + f.m + f.bias
    if biased >= (1 << f.e) - 1:
        up = {"rn": True, "rna": True, "rz": False, "rm": v < 0, "rp": v > 0}[mode]
        return sign | (f.inf if up else f.inf - 1)
    return sign | biased << f.m | (mantissa & ((1 << f.m) - 1))


def flush(f, bits):
    if bits != NAN and bits & f.inf == 0:
        return bits & f.sign
    return bits


def finish(f, bits, ftz=False, sat=False, relu=False):
    if ftz:
        bits = flush(f, bits)
    if sat:
        if is_nan(f, bits) or negative(f, bits):
            return 0
        return min(bits, f.one)
    if relu and not is_nan(f, bits) and negative(f, bits):
        return 0
    return bits


def add(f, a, b, mode="rn", **k):
    if k.get("ftz"):
        a, b = flush(f, a), flush(f, b)
    if is_nan(f, a) or is_nan(f, b) or (is_inf(f, a) and is_inf(f, b) and a != b):
        return finish(f, NAN, **k)
    if is_inf(f, a) or is_inf(f, b):
        return finish(f, a if is_inf(f, a) else b, **k)
    v = value(f, a) + value(f, b)
    both = negative(f, a) and negative(f, b)
    opposite = negative(f, a) != negative(f, b)
    return finish(f, encode(f, v, mode, both or ((opposite or value(f, a) != 0) and mode == "rm")), **k)


def neg(f, a):
    return a if a == NAN else a ^ f.sign


def sub(f, a, b, mode="rn", **k):
    return add(f, a, neg(f, b), mode, **k)


def mul(f, a, b, mode="rn", **k):
    if k.get("ftz"):
        a, b = flush(f, a), flush(f, b)
    if is_nan(f, a) or is_nan(f, b):
        return finish(f, NAN, **k)
    sign = (a ^ b) & f.sign
    if is_inf(f, a) or is_inf(f, b):
        zero = (a | f.sign) == f.sign or (b | f.sign) == f.sign
        return finish(f, NAN if zero else sign | f.inf, **k)
    return finish(f, encode(f, value(f, a) * value(f, b), mode, sign != 0), **k)


def fma(f, a, b, c, mode="rn", **k):
    if k.get("ftz"):
        a, b, c = flush(f, a), flush(f, b), flush(f, c)
    if is_nan(f, a) or is_nan(f, b) or is_nan(f, c):
        return finish(f, NAN, **k)
    product = mul(f, a, b, mode)
    if is_inf(f, a) or is_inf(f, b):
        return finish(f, NAN if product == NAN or (is_inf(f, c) and c != product) else product, **k)
    if is_inf(f, c):
        return finish(f, c, **k)
    p = value(f, a) * value(f, b)
    v = p + value(f, c)
    product_negative = ((a ^ b) & f.sign) != 0
    same = product_negative == negative(f, c)
    return finish(f, encode(f, v, mode, product_negative if same else mode == "rm"), **k)


def div(f, a, b, mode="rn", **k):
    if k.get("ftz"):
        a, b = flush(f, a), flush(f, b)
    if is_nan(f, a) or is_nan(f, b) or (is_inf(f, a) and is_inf(f, b)):
        return finish(f, NAN, **k)
    sign = (a ^ b) & f.sign
    if is_inf(f, a):
        return finish(f, sign | f.inf, **k)
    if is_inf(f, b):
        return finish(f, sign, **k)
    if value(f, b) == 0:
        return finish(f, NAN if value(f, a) == 0 else sign | f.inf, **k)
    return finish(f, encode(f, value(f, a) / value(f, b), mode, sign != 0), **k)


def sqrt(f, a, mode="rn", **k):
    if k.get("ftz"):
        a = flush(f, a)
    if is_nan(f, a):
        return NAN
    if value(f, a) == 0 and not is_inf(f, a):
        return a
    if negative(f, a):
        return NAN
    if is_inf(f, a):
        return a
    v = value(f, a)
    # 200 bits below the point, and one more for what is left over: no rounding point can hide there.
    scaled = v * (1 << 4400)
    root = isqrt(scaled.numerator // scaled.denominator)
    exact = root * root == scaled
    r = Fraction(root, 1 << 2200) + (0 if exact else Fraction(1, 1 << 2300))
    return finish(f, encode(f, r, mode), **k)


def order(f, a, b):
    """-1, 0, 1, or None with a NaN."""
    if is_nan(f, a) or is_nan(f, b):
        return None
    def key(x):
        return (-1 if negative(f, x) else 1) * (x & (f.sign - 1))
    x, y = key(a), key(b)
    return (x > y) - (x < y)


def compare(f, op, a, b, ftz=False):
    if ftz:
        a, b = flush(f, a), flush(f, b)
    o = order(f, a, b)
    if op == "num":
        return o is not None
    if op == "nan":
        return o is None
    if o is None:
        return op.endswith("u")
    return {"eq": o == 0, "ne": o != 0, "lt": o < 0, "le": o <= 0, "gt": o > 0, "ge": o >= 0}[op.removesuffix("u")]


def min_max(f, a, b, maximum, ftz=False, nan=False, xorsign=False):
    if ftz:
        a, b = flush(f, a), flush(f, b)
    sign = (a ^ b) & f.sign
    if xorsign:
        a, b = a & ~f.sign, b & ~f.sign
    if (is_nan(f, a) and is_nan(f, b)) or (nan and (is_nan(f, a) or is_nan(f, b))):
        return NAN
    if is_nan(f, a):
        d = b
    elif is_nan(f, b):
        d = a
    else:
        o = order(f, a, b) or (negative(f, b) - negative(f, a))
        d = a if (o > 0) == maximum else b
    return (d & ~f.sign) | sign if xorsign else d


EDGES = {}
for _f in (F16, BF16, F32, F64):
    _one = _f.one
    _u = 1 << _f.m
    EDGES[_f.name] = [
        0, _f.sign, _one, _one | _f.sign, _one + 1, _one - 1, _one + _u, _one - _u, (_one + _u // 2), _f.inf, _f.inf | _f.sign,
        _f.inf | (_u >> 1), _f.inf - 1, (_f.inf - 1) | _f.sign, 1, 1 | _f.sign, _u, _u - 1, _u | _f.sign, (_u - 1) | _f.sign,
        _u + 1, _one // 3 * 2 + 5, encode(_f, Fraction(1, 3)), encode(_f, Fraction(-22, 7)), encode(_f, Fraction(1001, 10)),
        encode(_f, Fraction(-1, 1000)), encode(_f, Fraction(5, 2)), encode(_f, Fraction(-7, 2)), encode(_f, Fraction(1, 2)),
        (_f.inf - _u) | (_u // 2), (2 * _u), encode(_f, Fraction(-1, 2))]


def pairs(f, count=32):
    e = EDGES[f.name]
    n = len(e)
    return [(e[i % n], e[(i * 7 + 3) % n]) for i in range(count)]


def triples(f, count=32):
    e = EDGES[f.name]
    n = len(e)
    return [(e[i % n], e[(i * 7 + 3) % n], e[(i * 11 + 5 + i // 2) % n]) for i in range(count)]
