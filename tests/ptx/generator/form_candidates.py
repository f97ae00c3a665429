# SPDX-License-Identifier: Apache-2.0
# Candidates for forms: every opcode of the PTX ISA with every type and modifier that its page, or that of its
# neighbours, has, and more combinations than the text allows. Textures, surfaces, matrices and other asynchronous copies
# have lists of their own. A candidate is (positions, operands): a choice for each position, then the
# operands as text, or a function that makes them of the choices.
from itertools import product

BITS = ("b8", "b16", "b32", "b64", "b128")
INTS = ("u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64")
PACKED = ("u16x2", "s16x2", "f16x2", "bf16x2", "f32x2")
FLOATS = ("f16", "bf16", "tf32", "f32", "f64")
TYPES = ("pred",) + BITS + INTS + FLOATS + PACKED
SMALL = ("e4m3x2", "e5m2x2", "e2m1x2", "e2m3x2", "e3m2x2", "ue8m0x2", "e4m3x4", "e5m2x4", "e2m1x4", "e2m3x4", "e3m2x4")
ROUND = ("", "rn", "rz", "rm", "rp")
FTZ, SAT, CC, RELU = ("", "ftz"), ("", "sat"), ("", "cc"), ("", "relu")
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")
BOOL = ("", "and", "or", "xor")
SPACES = ("", "global", "shared", "shared::cta", "shared::cluster", "local", "const", "param")
SCOPES = ("", "cta", "cluster", "gpu", "sys")


def register(type_name, number):
    if type_name == "pred":
        return f"%p{number}"
    if type_name in ("f32",):
        return f"%f{number}"
    if type_name == "f64":
        return f"%d{number}"
    if type_name == "b128":
        return f"%q{number}"
    bits = {"f16": 16, "bf16": 16, "tf32": 32, "u16x2": 32, "s16x2": 32, "f16x2": 32, "bf16x2": 32, "f32x2": 64,
            "e2m1x2": 8, "e2m1x4": 16, "e4m3x4": 32, "e5m2x4": 32, "e2m3x4": 32, "e3m2x4": 32}.get(type_name)
    if bits is None:
        bits = 16 if type_name in SMALL else int(type_name[1:])
    return f"%h{number}" if bits <= 16 else f"%r{number}" if bits == 32 else f"%rd{number}"


def last_type(choices):
    return [c for c in choices if c in TYPES or c in SMALL][-1]


def first_type(choices):
    return [c for c in choices if c in TYPES or c in SMALL][0]


def same(count):
    """d and count - 1 sources, of the one type."""
    return lambda c: ", ".join(register(last_type(c), i + 1) for i in range(count))


def typed(*types):
    """Operands of these types; T is the form's."""
    return lambda c: ", ".join(register(last_type(c) if t == "T" else t, i + 1) for i, t in enumerate(types))


def wide(sources):
    """d, a, b (and c), d and c of twice the width under .wide."""
    def text(c):
        t = last_type(c)
        d = t
        if "wide" in c and t[1:] in ("16", "32"):
            d = t[0] + str(2 * int(t[1:]))
        ops = [register(d, 1), register(t, 2), register(t, 3)]
        if sources == 3:
            ops.append(register(d, 4))
        return ", ".join(ops)
    return text


def converted(c):
    """cvt: the types stand last. Bytes that become a bf16, or are made of one, have registers of their own size."""
    d, s = [x for x in c if x in TYPES or x in SMALL][-2:]
    if "bf16" in (d, s) and "8" in (d[1:], s[1:]):
        return ", ".join(f"%b{i}" if t[1:] == "8" else register(t, i) for i, t in ((1, d), (2, s)))
    return f"{register(d, 1)}, {register(s, 2)}"


def converted_pair(c):
    d, s = [x for x in c if x in TYPES or x in SMALL][-2:]
    if d == "e2m1x2":
        return f"%b1, {register(s, 2)}, {register(s, 3)}"
    return f"{register(d, 1)}, {register(s, 2)}, {register(s, 3)}"


def compared(c):
    t = [x for x in c if x in TYPES][-1]
    text = f"{register(t, 2)}, {register(t, 3)}"
    return text + (", %p3" if set(c) & {"and", "or", "xor"} else "")


def set_operands(c):
    d = [x for x in c if x in TYPES][0]
    return f"{register(d, 1)}, " + compared(c)


def setp_operands(c):
    return ("%p1|%p2, " if last_type(c) in ("f16x2", "bf16x2") else "%p1, ") + compared(c)


def vector_of(c):
    return next((int(x[1:]) for x in c if x in ("v2", "v4", "v8")), 1)


def value(c):
    n, t = vector_of(c), last_type(c)
    return register(t, 1) if n == 1 else "{" + ", ".join(register(t, 8 + i) for i in range(n)) + "}"


def address(c):
    return "[p]" if "param" in c else "[%rd1+32]"


def load(c):
    return f"{value(c)}, {address(c)}" + (", %rd7" if any("cache_hint" in x for x in c) else "")


def store(c):
    a = "[a]" if "param" in c else address(c)
    return f"{a}, {value(c)}" + (", %rd7" if any("cache_hint" in x for x in c) else "")


def atomic(returns):
    def text(c):
        t = last_type(c)
        ops = [value(c)] if returns else []
        ops.append("[%rd1+32]")
        ops.append(value(c).replace(register(t, 1), register(t, 2)) if vector_of(c) == 1 else value(c))
        if "cas" in c:
            ops.append(register(t, 3))
        if any("cache_hint" in x for x in c):
            ops.append("%rd7")
        return ", ".join(ops)
    return text


def candidates():
    yield from integer()
    yield from floating()
    yield from compare_and_logic()
    yield from moves()
    yield from conversions()
    yield from memory()
    yield from control()
    yield from video()
    yield from tensors()
    yield from clusters()


def integer():
    for word in ("add", "sub"):
        yield (word, ROUND, FTZ, SAT, CC, TYPES), same(3)
    yield ("mul", ("", "lo", "hi", "wide"), ROUND, FTZ, SAT, TYPES), wide(2)
    yield ("mad", ("", "lo", "hi", "wide"), ROUND, FTZ, SAT, CC, TYPES), wide(3)
    yield ("mul24", ("", "lo", "hi", "wide"), TYPES), same(3)
    yield ("mad24", ("", "lo", "hi", "wide"), SAT, TYPES), same(4)
    yield ("sad", TYPES), same(4)
    for word in ("div", "rem"):
        yield (word, ("", "approx", "full") + ROUND[1:], FTZ, SAT, TYPES), same(3)
    for word in ("abs", "neg"):
        yield (word, FTZ, SAT, TYPES), same(2)
    for word in ("min", "max"):
        yield (word, FTZ, ("", "NaN"), ("", "xorsign.abs", "abs", "xorsign"), RELU, TYPES), same(3)
        yield (word, FTZ, ("", "NaN"), ("", "xorsign.abs", "abs"), RELU, TYPES), same(4)
    for word in ("popc", "clz"):
        yield (word, TYPES), typed("u32", "T")
    yield ("bfind", ("", "shiftamt"), TYPES), typed("u32", "T")
    yield ("fns", TYPES), typed("b32", "b32", "b32", "s32")
    yield ("brev", TYPES), same(2)
    yield ("bfe", TYPES), typed("T", "T", "u32", "u32")
    yield ("bfi", TYPES), typed("T", "T", "T", "u32", "u32")
    yield ("szext", ("", "clamp", "wrap"), TYPES), typed("T", "T", "u32")
    yield ("bmsk", ("", "clamp", "wrap"), TYPES), typed("T", "u32", "u32")
    yield ("dp4a", ("u32", "s32", "b32"), ("u32", "s32", "b32")), "%r1, %r2, %r3, %r4"
    yield ("dp2a", ("", "lo", "hi"), ("u32", "s32"), ("u32", "s32")), "%r1, %r2, %r3, %r4"
    for word in ("addc", "subc"):
        yield (word, CC, TYPES), same(3)
    yield ("madc", ("", "lo", "hi", "wide"), CC, TYPES), same(4)


def floating():
    yield ("testp", ("", "finite", "infinite", "number", "notanumber", "normal", "subnormal"), TYPES), typed("pred", "T")
    yield ("copysign", TYPES), same(3)
    yield ("fma", ROUND, FTZ, SAT, RELU, ("", "oob"), TYPES), same(4)
    for word in ("rcp", "sqrt", "rsqrt"):
        yield (word, ("", "approx") + ROUND[1:], FTZ, TYPES), same(2)
    for word in ("sin", "cos", "lg2", "ex2", "tanh"):
        yield (word, ("", "approx"), FTZ, TYPES), same(2)
    # Of mixed precision (9.7.5).
    for word in ("add", "sub"):
        yield (word, ROUND, FTZ, SAT, ("f32", "f64"), ("f16", "bf16", "f16x2", "f32")), \
            lambda c: f"{register(c[4], 1)}, {register(c[5], 2)}, {register(c[4], 3)}"
    yield ("fma", ROUND, FTZ, SAT, ("f32", "f64"), ("f16", "bf16", "f16x2", "f32")), \
        lambda c: f"{register(c[4], 1)}, {register(c[5], 2)}, {register(c[5], 3)}, {register(c[4], 4)}"


def compare_and_logic():
    set_types = ("u16", "u32", "s32", "b32", "f16", "bf16", "f32", "f16x2", "bf16x2", "f32x2")
    yield ("set", COMPARE, ("", "and"), FTZ, set_types, TYPES), set_operands
    yield ("set", ("eq", "lt"), ("or", "xor"), FTZ, ("u32", "f32"), ("s32", "f32", "b16")), set_operands
    yield ("setp", COMPARE, BOOL, FTZ, TYPES), setp_operands
    yield ("setp", ("eq", "ltu"), BOOL, FTZ, TYPES), lambda c: "%p1|%p2, " + compared(c)
    yield ("selp", TYPES), typed("T", "T", "T", "pred")
    yield ("slct", FTZ, TYPES, TYPES), \
        lambda c: f"{register(c[2], 1)}, {register(c[2], 2)}, {register(c[2], 3)}, {register(c[3], 4)}"
    for word in ("and", "or", "xor"):
        yield (word, TYPES), same(3)
    for word in ("not", "cnot"):
        yield (word, TYPES), same(2)
    yield ("lop3", TYPES), lambda c: same(4)(c) + ", 0xe8"
    yield ("lop3", ("and", "or", "xor"), TYPES), lambda c: "%r1|%p1, %r2, %r3, %r4, 0xe8, %p2"
    yield ("lop3", ("and", "or", "xor"), TYPES), lambda c: "_|%p1, %r2, %r3, %r4, 0xe8, !%p2"
    yield ("shf", ("", "l", "r"), ("", "clamp", "wrap"), TYPES), typed("T", "T", "T", "u32")
    for word in ("shl", "shr"):
        yield (word, TYPES), typed("T", "T", "u32")


SPECIALS_U32 = ("%tid.x %tid.y %tid.z %ntid.x %laneid %warpid %nwarpid %ctaid.x %nctaid.z %smid %nsmid %gridid "
                "%is_explicit_cluster %clusterid.x %nclusterid.y %cluster_ctaid.x %cluster_nctaid.x %cluster_ctarank "
                "%cluster_nctarank %lanemask_eq %lanemask_le %lanemask_lt %lanemask_ge %lanemask_gt %clock %clock_hi "
                "%clock64 %globaltimer %globaltimer_lo %globaltimer_hi %total_smem_size %aggr_smem_size %dynamic_smem_size "
                "%current_graph_exec %envreg0 %envreg31 %pm0 %pm7 %pm0_64 %reserved_smem_offset_begin "
                "%reserved_smem_offset_end %reserved_smem_offset_cap %reserved_smem_offset_0 %reserved_smem_offset_1 "
                "WARP_SZ").split()


def moves():
    yield ("mov", TYPES), same(2)
    for vector in ("v2", "v4"):
        n = int(vector[1])
        yield ("mov", (vector,), TYPES), \
            lambda c, n=n: ", ".join("{" + ", ".join(register(c[2], k + i) for i in range(n)) + "}" for k in (1, 8))
    for name in SPECIALS_U32:
        yield ("mov", ("u16", "u32", "b32", "s32", "u64", "b64")), lambda c, s=name: f"{register(c[1], 1)}, {s}"
    for t, parts in (("b16", ("%b1", "%b2")), ("b32", ("%h1", "%h2")), ("b32", ("%b1", "%b2", "%b3", "%b4")),
                     ("b64", ("%r1", "%r2")), ("b64", ("%h1", "%h2", "%h3", "%h4")), ("b128", ("%rd1", "%rd2")),
                     ("b128", ("%r1", "%r2", "%r3", "%r4")), ("b64", ("%f1", "%f2"))):
        pack = "{" + ", ".join(parts) + "}"
        yield ("mov", (t,)), f"{register(t, 9)}, {pack}"
        yield ("mov", (t,)), f"{pack}, {register(t, 9)}"
    yield ("shfl", ("", "sync"), ("", "up", "down", "bfly", "idx"), TYPES), \
        lambda c: f"{register(c[3], 1)}|%p1, {register(c[3], 2)}, %r3, %r4" + (", %r5" if c[1] else "")
    yield ("prmt", TYPES, ("", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16")), "%r1, %r2, %r3, %r4"
    for space in SPACES[1:]:
        yield ("cvta", ("", "to"), (space,), ("u64", "b64")), typed("T", "T")
        yield ("isspacep", (space,)), "%p1, %rd1"
    yield ("isspacep", ("param::entry",)), "%p1, %rd1"
    yield ("cvta", ("", "to"), ("param::entry",), ("u64",)), typed("T", "T")


def conversions():
    rounds = ("", "rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna", "rs")
    kinds = INTS + FLOATS
    yield ("cvt", rounds, FTZ, SAT, INTS, INTS), converted
    yield ("cvt", rounds, FTZ, SAT, INTS, FLOATS), converted
    yield ("cvt", rounds, FTZ, SAT, FLOATS, INTS), converted
    yield ("cvt", rounds, FTZ, SAT, RELU, ("", "satfinite"), FLOATS, FLOATS), converted
    yield ("cvt", ("", "rn", "rz", "rna", "rs"), RELU, ("", "satfinite"), ("f16x2", "bf16x2"), ("f32", "f16", "f64")), converted_pair
    yield ("cvt", ("rs", "rn"), RELU, ("", "satfinite"), ("f16x2", "bf16x2"), ("f32",)), "%r1, %f2, %f3, %r4"
    yield ("cvt", ("", "rn", "rz", "rp", "rs"), ("", "satfinite"), RELU, SMALL[:6], ("f32", "f16")), converted_pair
    yield ("cvt", ("", "rn", "rz", "rp"), ("", "satfinite"), RELU, SMALL[:6], ("f16x2", "bf16x2", "f32x2")), \
        lambda c: f"{'%b1' if c[4] == 'e2m1x2' else '%h1'}, {register(c[5], 2)}"
    yield ("cvt", ("", "rn", "rz"), ("", "satfinite"), RELU, ("f16x2", "bf16x2", "f32x2"), SMALL[:6]), \
        lambda c: f"{register(c[4], 1)}, {'%b2' if c[5] == 'e2m1x2' else '%h2'}"
    yield ("cvt", ("rs", "rn"), RELU, ("", "satfinite"), SMALL[6:], ("f32",)), \
        lambda c: f"{register(c[4], 1)}, {{%f2, %f3, %f4, %f5}}, %r6"
    yield ("cvt", ("", "rn", "rz"), ("", "satfinite"), FTZ, SAT, ("e4m3", "e5m2", "e2m1", "f16"), ("e4m3", "e5m2", "e2m1")), "%h1, %h2"
    yield ("cvt", ("pack",), SAT, INTS + ("u4", "s4", "u2", "s2"), ("s32", "u32")), "%r1, %r2, %r3"
    yield ("cvt", ("pack",), SAT, INTS + ("u4", "s4", "u2", "s2"), ("s32", "u32"), ("b32",)), "%r1, %r2, %r3, %r4"


def memory():
    loads = ("", "weak", "volatile", "relaxed", "acquire", "mmio.relaxed")
    stores = ("", "weak", "volatile", "relaxed", "release", "mmio.relaxed")
    caches = ("", "ca", "cg", "cs", "lu", "cv", "nc", "wb", "wt")
    few = ("b32",)
    vectors = ("", "v2", "v4", "v8")
    l1 = ("", "L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate")
    l2 = ("", "L2::evict_normal", "L2::evict_first", "L2::evict_last")
    sizes = ("", "L2::64B", "L2::128B", "L2::256B")
    hint = ("", "L2::cache_hint")
    for word, orders, operands in (("ld", loads, load), ("st", stores, store)):
        yield (word, SPACES, vectors, TYPES), operands
        yield (word, orders, SCOPES, SPACES, caches, few), operands
        yield (word, orders, SCOPES, ("", "global"), vectors, ("b8", "b16", "b64", "b128", "f32")), operands
        yield (word, ("", "relaxed.gpu"), ("", "global", "shared"), ("", "nc"), l1, l2, few), operands
        yield (word, ("", "volatile", "mmio.relaxed.sys"), ("", "global", "shared"), ("", "nc", "cg"), ("", "L1::evict_last", "L1::no_allocate"),
               hint, sizes, few), operands
        yield (word, ("local", "const", "param", "shared"), l1[:2], l2[:2], hint, sizes[:2], few), operands
        yield (word, ("", "relaxed.gpu"), ("", "global"), ("", "nc"), l1, l2, hint, ("", "v2", "v4", "v8"), ("b32", "b64", "f32")), operands
        yield (word, ("param::entry",), few), \
            lambda c: "%r1, [p]" if c[0] == "ld" else "[a], %r1"
    yield ("ld", ("global",), ("nc",), vectors, TYPES), load
    yield ("ldu", ("", "global", "shared"), vectors, TYPES), load
    yield ("prefetch", SPACES, ("", "L1", "L2", "L2::evict_last", "L2::evict_normal")), "[%rd1]"
    yield ("prefetchu", ("L1", "L2")), "[%rd1]"
    yield ("applypriority", SPACES, ("L2::evict_normal", "L2::evict_last")), "[%rd1], 128"
    yield ("discard", SPACES, ("L2", "L1")), "[%rd1], 128"
    primary = ("L2::evict_last", "L2::evict_normal", "L2::evict_first", "L2::evict_unchanged")
    yield ("createpolicy", ("fractional",), primary, ("",) + primary, ("b64",)), "%rd1, 0.5"
    yield ("createpolicy", ("fractional",), primary, ("",) + primary, ("b64",)), "%rd1"
    yield ("createpolicy", ("fractional",), primary, ("",) + primary, ("b64",)), "%rd1, %f1"
    yield ("createpolicy", ("range",), ("", "global"), primary, ("",) + primary, ("b64",)), "%rd1, [%rd2], %r1, %r2"
    yield ("createpolicy", ("range",), ("", "global"), primary, ("",) + primary, ("b64",)), "%rd1, [%rd2], 0x100000, 0x200000"
    yield ("createpolicy", ("cvt",), ("", "L2"), ("b64",)), "%rd1, %rd2"
    ops = ("add", "and", "or", "xor", "cas", "exch", "inc", "dec", "min", "max")
    orders = ("", "relaxed", "acquire", "release", "acq_rel")
    for word, operands in (("atom", atomic(True)), ("red", atomic(False))):
        yield (word, ("", "global", "shared", "shared::cluster", "local"), ops, ("", "noftz"), TYPES), operands
        yield (word, orders, SCOPES, ("", "global", "shared", "shared::cta", "shared::cluster"), ("add",), hint, ("u32",)), operands
        yield (word, orders, SCOPES, ("", "global", "shared", "shared::cluster"), ("cas", "exch"), ("b16", "b128")), operands
        yield (word, ("", "global", "shared", "shared::cluster"), ("add", "min", "max", "exch"), ("", "noftz"), ("v2", "v4", "v8"),
               ("f32", "f16", "bf16", "f16x2", "bf16x2", "f64", "u32", "b32")), operands
        yield (word, ("", "relaxed", "acq_rel", "acquire"), ("", "gpu"), ("global",), ("add",), hint, ("v2", "v4"), ("f32",)), operands
        yield (word, ("", "relaxed.gpu"), ("global",), ("add", "cas"), hint, ("b128", "f64", "f32", "u64", "b32")), operands


def control():
    yield ("bra", ("", "uni")), "L"
    yield ("brx", ("idx",), ("", "uni")), "%r1, ts"
    yield ("call", ("", "uni")), "f"
    yield ("call", ("", "uni")), "%rd1, proto"
    yield ("call", ("", "uni")), "%rd1, fs"
    yield ("ret", ("", "uni")), ""
    for word in ("exit", "trap", "brkpt"):
        yield (word,), ""
    yield ("pmevent", ("",)), "7"
    yield ("pmevent", ("mask",)), "0x10"
    yield ("nanosleep", ("u32", "u64", "b32")), "%r1"
    yield ("nanosleep", ("u32",)), "100"
    for word in ("bar", "barrier"):
        yield (word, ("", "cta"), ("sync",), ("", "aligned")), "0"
        yield (word, ("", "cta"), ("sync",), ("", "aligned")), "%r1"
        yield (word, ("", "cta"), ("sync", "arrive"), ("", "aligned")), "%r1, %r2"
        yield (word, ("", "cta"), ("sync", "arrive"), ("", "aligned")), "0, 64"
        yield (word, ("", "cta"), ("red",), ("popc", "and", "or"), ("", "aligned"), ("u32", "pred", "s32", "b32")), \
            lambda c: f"{register(c[5], 1)}, 0, %p2"
        yield (word, ("", "cta"), ("red",), ("popc", "and", "or"), ("", "aligned"), ("u32", "pred")), \
            lambda c: f"{register(c[5], 1)}, 0, 64, !%p2"
    yield ("bar", ("warp",), ("sync",)), "%r1"
    yield ("membar", ("cta", "gl", "gpu", "sys", "cluster")), ""
    yield ("fence", ("", "sc", "acq_rel", "acquire", "release", "relaxed"), SCOPES), ""
    yield ("fence", ("proxy",), ("alias",)), ""
    yield ("fence", ("proxy",), ("async",), SPACES), ""
    restricted = ("sync_restrict::shared::cta", "sync_restrict::shared::cluster")
    yield ("fence", ("proxy",), ("async::generic",), ("acquire", "release", "acq_rel"), restricted, SCOPES), ""
    yield ("fence", ("acquire", "release", "acq_rel"), restricted, SCOPES), ""
    yield ("fence", ("mbarrier_init",), ("", "release", "acquire"), SCOPES), ""
    yield ("vote", ("", "sync"), ("", "all", "any", "uni", "ballot"), ("pred", "b32", "u32")), \
        lambda c: f"{register(c[3], 1)}, %p2" + (", %r3" if c[1] else "")
    yield ("match", ("any", "all"), ("", "sync"), TYPES), lambda c: f"%r1, {register(c[3], 2)}, %r3"
    yield ("match", ("any", "all"), ("sync",), TYPES), lambda c: f"%r1|%p1, {register(c[3], 2)}, %r3"
    yield ("activemask", ("b32", "u32")), "%r1"
    yield ("redux", ("", "sync"), ("add", "min", "max", "and", "or", "xor"), ("", "abs"), ("", "NaN"), TYPES), \
        lambda c: f"{register(c[5], 1)}, {register(c[5], 2)}, %r3"
    yield ("alloca", ("u32", "u64", "b32", "b64")), "%rd1, %rd2, 16"
    yield ("alloca", ("u64",)), "%rd1, 64"
    for word in ("stacksave", "stackrestore"):
        yield (word, ("u32", "u64", "b64")), lambda c: register(c[1], 1)
    yield ("multimem", ("ld_reduce",), ("", "relaxed.gpu", "weak"), ("global",), ("add", "min", "and"), ("", "acc::f32"), ("", "v2", "v4"),
           ("u32", "s32", "u64", "f16x2", "bf16x2", "f32", "f16", "b32")), load
    yield ("multimem", ("st", "red"), ("", "relaxed.gpu"), ("global",), ("", "add", "min", "and"), ("", "v2", "v4"),
           ("u32", "s32", "u64", "f16x2", "bf16x2", "f32", "b32")), store


def video():
    types = ("u32", "s32")
    second = ("", "add", "min", "max")
    for word in ("vadd", "vsub", "vabsdiff", "vmin", "vmax"):
        for op2 in second:
            yield (word, types, types, types, SAT, (op2,) if op2 else ("",)), \
                "%r1, %r2, %r3" + (", %r4" if op2 else "")
    for word in ("vshl", "vshr"):
        for op2 in second:
            yield (word, types, types, types, SAT, ("", "clamp", "wrap"), (op2,) if op2 else ("",)), \
                "%r1, %r2, %r3" + (", %r4" if op2 else "")
    yield ("vmad", types, types, types, ("", "po"), SAT, ("", "shr7", "shr15")), "%r1, %r2, %r3, %r4"
    yield ("vmad", types, types, types, SAT, ("", "shr7", "shr15")), "%r1, -%r2, %r3, %r4"
    yield ("vmad", types, types, types, SAT, ("", "shr7", "shr15")), "%r1, %r2, %r3, -%r4"
    yield ("vset", types, types, COMPARE[:6]), "%r1, %r2, %r3"
    yield ("vset", types, types, COMPARE[:6], ("add", "min", "max")), "%r1, %r2, %r3, %r4"
    # Selectors of bytes and halves.
    for word in ("vadd", "vmax"):
        yield (word, types, types, types, SAT), "%r1.b0, %r2.b3, %r3.h1, %r4"
        yield (word, types, types, types), "%r1, %r2.b1, %r3.h0"
    for n in ("2", "4"):
        for word in ("vadd", "vsub", "vavrg", "vabsdiff", "vmin", "vmax"):
            for op2 in ("", "add"):
                yield (word + n, types, types, types, SAT, (op2,)), "%r1, %r2, %r3, %r4"
        for op2 in ("", "add"):
            yield ("vset" + n, types, types, COMPARE[:6], (op2,)), "%r1, %r2, %r3, %r4"
    yield ("vadd2", types, types, types, SAT, ("", "add")), "%r1.h1, %r2.h12, %r3.h30, %r4"
    yield ("vadd4", types, types, types, SAT, ("", "add")), "%r1.b310, %r2.b7654, %r3.b0123, %r4"


DIMENSIONS = ("1d", "2d", "3d", "4d", "5d")
TENSOR_MODES = ("", "tile", "tile::gather4", "tile::scatter4", "im2col", "im2col::w", "im2col::w::128", "im2col_no_offs")


def tensor_place(choices):
    dimensions = next(int(c[0]) for c in choices if c in DIMENSIONS)
    count = 5 if any("4" in c and "tile" in c for c in choices) else dimensions
    return "[%rd1, {" + ", ".join(f"%r{i + 1}" for i in range(count)) + "}]"


def tensor_offsets(choices):
    dimensions = next(int(c[0]) for c in choices if c in DIMENSIONS)
    count = 2 if any(c.startswith("im2col::w") for c in choices) else max(dimensions - 2, 1) if "im2col" in choices else 0
    return ", {" + ", ".join(f"%h{i + 1}" for i in range(count)) + "}" if count else ""


def tensor_load(choices):
    return "[%r9], " + tensor_place(choices) + ", [%r10]" + tensor_offsets(choices) + (", %h9" if "multicast::cluster" in choices else "") + \
        (", %rd7" if "L2::cache_hint" in choices else "")


def tensor_store(choices):
    return tensor_place(choices) + ", [%r9]" + (", %rd7" if "L2::cache_hint" in choices else "")


def tensors():
    hint = ("", "L2::cache_hint")
    copy = ("cp", ("async",), ("bulk",), ("tensor",))
    yield copy + (DIMENSIONS, ("shared::cta", "shared::cluster"), ("global",), TENSOR_MODES, ("mbarrier::complete_tx::bytes", "bulk_group", ""),
                  ("", "multicast::cluster"), ("", "cta_group::1", "cta_group::2"), hint), tensor_load
    yield copy + (DIMENSIONS, ("global",), ("shared::cta", "shared::cluster"), TENSOR_MODES, ("mbarrier::complete_tx::bytes", "bulk_group", ""), hint), tensor_store
    yield ("cp", ("reduce",), ("async",), ("bulk",), ("tensor",), DIMENSIONS, ("global",), ("shared::cta",),
           ("", "add", "min", "max", "inc", "dec", "and", "or", "xor", "cas"), TENSOR_MODES, ("bulk_group", ""), hint), tensor_store
    yield ("cp", ("async",), ("bulk",), ("prefetch",), ("tensor",), DIMENSIONS, ("L2", ""), ("global", ""), TENSOR_MODES, hint), \
        lambda c: tensor_place(c) + tensor_offsets(c) + (", %rd7" if "L2::cache_hint" in c else "")
    load = "cp", ("async",), ("bulk",), ("tensor",), ("2d", "4d"), ("shared::cta",), ("global",), ("tile", "im2col"), ("mbarrier::complete_tx::bytes",)
    for place in ("{%r1, %r2}", "{1, -2}", "{%f1, %r2}", "{%h1, %h2}", "{%rd1, %rd2}", "%r1", "{%r1}", "{%r1, %r2, %r3, %r4}"):
        yield load, f"[%r9], [%rd1, {place}], [%r10]"
        for offsets in ("{%h1, %h2}", "{1, 2}", "{%r1, %r2}", "{%b1, %b2}", "%h1", "{%h1}", "{%h1, %h2, %h3}"):
            yield load, f"[%r9], [%rd1, {place}], [%r10], {offsets}"
    for operands in ("[%rd9], [%r1, {%r1, %r2}], [%rd10]", "[%r9+128], [%rd1, {%r1, %r2}], [%r10+8]", "[%r9], [%rd1+128, {%r1, %r2}], [%r10]",
                     "[%r9], [p, {%r1, %r2}], [%r10]", "[%r9], [a, {%r1, %r2}], [%r10]"):
        yield load, operands
    cast = "cp", ("async",), ("bulk",), ("tensor",), ("1d",), ("shared::cluster",), ("global",), ("mbarrier::complete_tx::bytes",), ("multicast::cluster",)
    for mask in ("3", "%h1", "%r1", "%rd1", "%b1"):
        yield cast, f"[%r9], [%rd1, {{%r1}}], [%r10], {mask}"
    fields = ("global_address", "rank", "box_dim", "global_dim", "global_stride", "element_stride", "elemtype", "interleave_layout", "swizzle_mode",
              "swizzle_atomicity", "fill_mode")
    for operands in ("%r2", "%rd2", "%f2", "%h2", "1", "0, %r2", "0, %rd2", "0, 5", "%r3, %r2", "5, %r2", "4, %rd2", "4, %r2"):
        yield ("tensormap", ("replace",), ("tile",), fields, ("", "global", "shared::cta", "shared::cluster", "const"), ("b1024",), ("b32", "b64")), \
            "[%rd1], " + operands
    yield ("tensormap", ("replace",), ("tile", "im2col", ""), fields[:2], ("", "global"), ("b1024", "b512", ""), ("b32", "b64", "u32", "")), "[%rd1], 1"
    for value in (-1, 0, 1, 2, 3, 4, 5, 12, 13, 15, 16):
        yield ("tensormap", ("replace",), ("tile",), fields[6:], ("shared::cta",), ("b1024",), ("b32",)), f"[%rd1], {value}"
    orders = ("", "release", "acquire", "acq_rel")
    for size in ("128", "64", "%r1"):
        yield ("tensormap", ("cp_fenceproxy",), ("global", ""), ("shared::cta", "shared::cluster"), ("tensormap::generic",), orders, SCOPES, ("sync", ""),
               ("aligned", "")), f"[%rd1], [%rd2], {size}"
        yield ("fence", ("proxy",), ("tensormap::generic", "generic::tensormap", "tensormap"), orders, SCOPES), f"[%rd1], {size}"
    yield ("fence", ("proxy",), ("tensormap::generic", "tensormap"), orders, SCOPES), ""
    yield ("fence", ("proxy",), ("async",), ("", "global", "shared::cta", "shared::cluster", "local", "const")), ""
    yield ("prefetch", ("", "global", "const", "param", "local", "shared"), ("tensormap",)), "[%rd1]"
    yield ("prefetch", ("param",), ("tensormap",)), "[p+64]"


def clusters():
    spaces = ("", "shared::cluster", "shared::cta", "shared", "global")
    yield ("barrier", ("cluster",), ("", "arrive", "wait", "sync"), ("", "release", "acquire", "relaxed"), ("", "aligned")), ""
    for operands in (lambda c: f"{register(c[2], 1)}, {register(c[2], 2)}, %r3", lambda c: f"{register(c[2], 1)}, {register(c[2], 2)}, 1"):
        yield ("mapa", spaces, ("u32", "u64", "b32", "b64", "s32")), operands
    yield ("getctarank", spaces, ("u32", "u64", "b32", "b64", "s32")), lambda c: f"%r1, {register(c[2], 2)}"
    for count in (24, 40, 41, 16, 256, 264):
        yield ("setmaxnreg", ("inc", "dec", ""), ("sync", ""), ("aligned", ""), ("u32", "b32")), str(count)
    barrier = ("", "mbarrier::complete_tx::bytes")
    ends = lambda c: ", [%rd3]" if barrier[1] in c else ""
    types = BITS + INTS + FLOATS

    def stored(c):
        n = int(c[-2][1]) if c[-2] else 1
        values = [register(c[-1], 5 + i) for i in range(n)]
        return f"[%rd1], {'{' + ', '.join(values) + '}' if c[-2] else values[0]}{ends(c)}"

    yield ("st", ("async",), ("", "weak", "mmio.release.sys", "mmio.release.gpu", "release.sys", "release.gpu", "release.cta", "mmio.release.cta",
                              "relaxed.cluster"), spaces, barrier, ("", "v2", "v4"), types), stored
    yield ("red", ("async",), ("", "relaxed.cluster", "relaxed.gpu", "relaxed.sys", "relaxed.cta", "release.gpu", "release.sys", "release.cluster", "mmio.release.sys", "mmio.release.gpu",
                               "mmio.release.cluster", "mmio.relaxed.sys"), spaces, barrier,
           ("add", "and", "or", "xor", "inc", "dec", "min", "max", "exch"), types), \
        lambda c: f"[%rd1], {register(c[-1], 5)}{ends(c)}"
    for operands in ("[%rd1], %rd2, 0", "[%rd1], 64, 0", "[%rd1], %rd2, 1", "[%rd1], %r2, 0"):
        yield ("st", ("bulk",), ("", "weak"), spaces), operands
    yield ("clusterlaunchcontrol", ("try_cancel",), ("async", ""), spaces[:4], barrier,
           ("", "multicast::cluster::all", "multicast::cluster"), ("b128", "b64")), "[%rd1], [%rd2]"
    yield ("clusterlaunchcontrol", ("query_cancel",), ("is_canceled", "get_first_ctaid"), ("pred", "b32"), ("b128",)), \
        lambda c: f"{register(c[3], 1)}, %q2"
    yield ("clusterlaunchcontrol", ("query_cancel",), ("get_first_ctaid::x", "get_first_ctaid::y", "get_first_ctaid::z"), ("b32", "u32"),
           ("b128",)), "%r1, %q2"
    yield ("clusterlaunchcontrol", ("query_cancel",), ("get_first_ctaid",), ("v4", "v2"), ("b32", "u32"), ("b128",)), \
        "{%r1, %r2, %r3, %r4}, %q2"


def expand():
    """All candidates: (choices, operands), the form being the choices joined."""
    for positions, operands in candidates():
        lists = [(p,) if isinstance(p, str) else p for p in positions]
        for choices in product(*lists):
            yield choices, operands if isinstance(operands, str) else operands(choices)


def form_of(choices):
    return ".".join(c for c in choices if c)


if __name__ == "__main__":
    lines = {f"{form_of(c)} {o}".strip() for c, o in expand()}
    print(len(lines), "candidates")
