# SPDX-License-Identifier: Apache-2.0
"""wmma (PTX ISA 9.7.14.4): which thread holds what is the target's affair, so a test loads, multiplies and stores whole matrices.

They are whole numbers, small enough that every sum is exact in any order."""
import random

from matrix_forms import ELEMENTS, SUMS
from template import listing, save, wrap

K16 = ("m16n16k16", "m32n8k16", "m8n32k16")
LAYOUTS = (("row", "col", "row", "row"), ("col", "row", "col", "col"), ("row", "row", "col", "row"), ("col", "col", "row", "col"))


def generate():
    for at, shape in enumerate(K16):
        for d, c in (("f32", "f32"), ("f16", "f16"), ("f32", "f16"), ("f16", "f32")):
            product(shape, d, "f16", c, LAYOUTS[at], "global")
        for layouts in LAYOUTS[:2]:
            product(shape, "f32", "bf16", "f32", layouts, "shared")
            product(shape, "s32", "s8", "s32", layouts, "global")
            product(shape, "s32", "u8", "s32", layouts, "shared")
            product(shape, "f16", "f16", "f16", layouts, "shared")
            product(shape, "f32", "f16", "f32", layouts, "")
    for layouts in LAYOUTS:
        product("m16n16k8", "f32", "tf32", "f32", layouts, "global")
        product("m8n8k4", "f64", "f64", "f64", layouts, "global")
    product("m16n16k8", "f32", "tf32", "f32", LAYOUTS[0], "shared", strides=False)
    product("m16n16k16", "f32", "f16", "f32", LAYOUTS[1], "global", strides=False)
    product("m32n8k16", "s32", "s8", "s32", LAYOUTS[1], "shared", strides=False)
    product("m16n16k16", "s32", "s8", "s32", LAYOUTS[0], "global", extra=".satfinite")
    product("m16n16k16", "f16", "f16", "f16", LAYOUTS[0], "global", reuse=True)
    product("m8n32k16", "f16", "f16", "f32", LAYOUTS[1], "global", reuse=True)
    product("m8n32k16", "s32", "s8", "s32", LAYOUTS[0], "global", reuse=True)
    for element in ("s4", "u4"):
        product("m8n8k32", "s32", element, "s32", LAYOUTS[0], "global")
    product("m8n8k32", "s32", "s4", "s32", LAYOUTS[0], "shared", extra=".satfinite")
    for operation in ("xor", "and"):
        product("m8n8k128", "s32", "b1", "s32", ("row", "col", "col", "row"), "global", extra="." + operation + ".popc")


def stored(matrix, layout, bits, encode, stride):
    """As 32-bit words: rows of memory `stride` elements apart."""
    lines = matrix if layout == "row" else [list(column) for column in zip(*matrix)]
    mask, whole = (1 << bits) - 1, 0
    for i, line in enumerate(lines):
        for j, value in enumerate(line):
            whole |= (encode(value) & mask) << (bits * (i * stride + j))
    words = -(-len(lines) * stride * bits // 32)
    return [whole >> (32 * i) & 0xffffffff for i in range(words)]


def product(shape, d, a, c, layouts, space, strides=True, extra="", reuse=False):
    """reuse: D is written over the registers of A and B, and A over that of the stride."""
    m, n, k = (int(x) for x in shape.replace("m", " ").replace("n", " ").replace("k", " ").split())
    random.seed(f"{shape}{d}{a}{c}{layouts}{space}{extra}")
    (a_bits, a_code, values), (c_bits, c_code, most), (d_bits, d_code, _) = ELEMENTS[a], SUMS[c], SUMS[d]
    if "f16" in (c, d):  # sums of up to 2048 are exact
        values, most = [x for x in values if abs(x) <= 4], min(most, 99)
    values = list(values)
    of_a = [[random.choice(values) for _ in range(k)] for _ in range(m)]
    of_b = [[random.choice(values) for _ in range(n)] for _ in range(k)]
    of_c = [[random.randint(-most, most) for _ in range(n)] for _ in range(m)]
    if extra == ".satfinite":
        of_c = [[random.choice((x, 2**31 - 1, -2**31)) for x in row] for row in of_c]
    multiply = {".xor.popc": lambda x, y: x ^ y, ".and.popc": lambda x, y: x & y}.get(extra, lambda x, y: x * y)
    of_d = [[of_c[i][j] + sum(multiply(of_a[i][q], of_b[q][j]) for q in range(k)) for j in range(n)] for i in range(m)]
    if extra == ".satfinite":
        of_d = [[max(-2**31, min(2**31 - 1, x)) for x in row] for row in of_d]
    # Rows of 16 bytes more than their elements, where a stride is given.
    matrices = []
    for matrix, layout, bits, code in ((of_a, layouts[0], a_bits, a_code), (of_b, layouts[1], a_bits, a_code), (of_c, layouts[2], c_bits, c_code),
                                       (of_d, layouts[3], d_bits, d_code)):
        row = len(matrix[0]) if layout == "row" else len(matrix)
        stride = row + 128 // bits if strides else row
        matrices.append((stored(matrix, layout, bits, code, stride), f", {stride}" if strides else "", stride, bits, row))
    word = "f64" if a == "f64" else "b32"
    f16s = 8 if a == "f16" else max(1, m * k * a_bits // (32 * 32)) if a != "f64" else 1
    counts = [f16s, 8 if a == "f16" else max(1, n * k * a_bits // (32 * 32)) if a != "f64" else 1]
    counts += [m * n // 32 // (2 if kind == "f16" else 1) for kind in (c, d)]
    types = [word, word, "f32" if c == "f32" else word, "f32" if d == "f32" else word]
    suffix = f".{space}" if space else ""
    kinds = f"{d}.{c}" if a == "f16" else f"{d}.{a}.{a}.{c}"
    operation = f"wmma.mma{extra if 'popc' in extra else ''}.sync.aligned.{layouts[0]}.{layouts[1]}.{shape}.{kinds}{extra if 'sat' in extra else ''}"
    text = f"// {operation} with its loads and store (PTX ISA 9.7.14.4): whole numbers, whose sums are exact\n// block: 32\n"
    for words, _, _, _, _ in matrices[:3]:
        text += wrap("in", listing("b32", words))
    # What lies between the rows of D stays as it was.
    words, _, stride, bits, row = matrices[3]
    keep = [0xa5a5a5a5 if i * 32 // bits % stride >= row else w for i, w in enumerate(words)]
    text += wrap("out", listing("b32", keep))
    target, version = ("sm_80", "7.1")
    text += f".version {version}\n.target {target}\n.address_size 64\n\n"
    text += ".visible .entry test(.param .u64 in0, .param .u64 in1, .param .u64 in2, .param .u64 out0)\n{\n"
    text += "  .reg .u64 %a_address, %b_address, %c_address, %d_address;\n  .reg .b32 %stride;\n"
    for name, kind, count in zip("abcd", types, counts):
        text += f"  .reg .{kind} %{name}<{count}>;\n"
    if space == "shared":
        text += "  .reg .u32 %i, %word;\n  .reg .u64 %from, %to, %step;\n  .reg .pred %more;\n"
        for name, (words, _, _, _, _) in zip("abcd", matrices):
            text += f"  .shared .align 32 .b32 {name}_memory[{len(words)}];\n"
    for name, parameter in zip("abcd", ("in0", "in1", "in2", "out0")):
        text += f"  ld.param.u64 %{name}_address, [{parameter}];\n"
    copied = []
    if space == "shared":
        for name, (words, _, _, _, _) in zip("abcd", matrices):
            copied.append((name, len(words)))
            text += copy(name, len(words), "global", "shared", f"%{name}_address", f"{name}_memory")
        text += "  bar.warp.sync -1;\n"
    listed = ["{" + ", ".join(f"%{name}{i}" for i in range(count)) + "}" for name, count in zip("abcd", counts)]
    if reuse:
        assert counts[3] <= counts[0] + counts[1] or d == "s32"
        over = [f"%a{i}" for i in range(counts[0])] + [f"%b{i}" for i in range(counts[1])] + [f"%d{i}" for i in range(8)]
        listed[3] = "{" + ", ".join(over[:counts[3]]) + "}"
    first_stride = "%a0" if reuse else "%stride"
    place = [f"[{name}_memory]" if space == "shared" else f"[%{name}_address]" for name in "abcd"]
    if strides:
        text += f"  mov.b32 {first_stride}, {matrices[0][2]};\n"
    text += f"  wmma.load.a.sync.aligned.{layouts[0]}.{shape}{suffix}.{a} {listed[0]}, {place[0]}{f', {first_stride}' if strides else ''};\n"
    text += f"  wmma.load.b.sync.aligned.{layouts[1]}.{shape}{suffix}.{a} {listed[1]}, {place[1]}{matrices[1][1]};\n"
    if strides:
        text += f"  mov.b32 %stride, {matrices[2][2]};\n"
    text += f"  wmma.load.c.sync.aligned.{layouts[2]}.{shape}{suffix}.{c} {listed[2]}, {place[2]}{', %stride' if strides else ''};\n"
    text += f"  {operation} {listed[3]}, {listed[0]}, {listed[1]}, {listed[2]};\n"
    if strides:
        text += f"  mov.b32 %stride, {matrices[3][2]};\n"
    text += f"  wmma.store.d.sync.aligned.{layouts[3]}.{shape}{suffix}.{d} {place[3]}, {listed[3]}{', %stride' if strides else ''};\n"
    if space == "shared":
        text += "  bar.warp.sync -1;\n" + copy("d", len(matrices[3][0]), "shared", "global", "d_memory", "%d_address", "back")
    name = f"{operation}_{'_'.join(layouts[2:])}{'_' + space if space else ''}{'' if strides else '_packed'}{'_over_a' if reuse else ''}"
    save(name.replace(".", "_"), text + "  ret;\n}\n")


def copy(name, words, source, target, start, end, label="in"):
    """Word by word, a warp at a time."""
    return f"""  mov.u32 %i, %tid.x;
  mov.u64 %from, {start};
  mov.u64 %to, {end};
  mul.wide.u32 %step, %i, 4;
  add.u64 %from, %from, %step;
  add.u64 %to, %to, %step;
{name}_{label}:
  setp.lt.u32 %more, %i, {words};
  @%more ld.{source}.b32 %word, [%from];
  @%more st.{target}.b32 [%to], %word;
  add.u64 %from, %from, 128;
  add.u64 %to, %to, 128;
  add.u32 %i, %i, 32;
  setp.lt.u32 %more, %i, {words};
  @%more bra {name}_{label};
"""
