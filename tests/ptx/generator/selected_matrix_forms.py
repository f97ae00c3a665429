# SPDX-License-Identifier: Apache-2.0
"""mma.sp (PTX ISA 9.7.14.6) and mma with .block_scale (9.7.14.3): numbers whose sums are exact in any order."""
import random

from matrix_forms import ELEMENTS, LANES, SUMS, fragment, small_float
from template import listing, save, wrap

NARROW = (4, small_float(2, 1), range(-4, 5, 2))  # e2m1, two in a byte


def generate():
    for shape, d, a, b, selector in [("m16n8k16", "f32", "f16", "f16", 2), ("m16n8k32", "f16", "f16", "f16", 1), ("m16n8k32", "f32", "bf16", "bf16", 0),
                                     ("m16n8k8", "f32", "tf32", "tf32", 3), ("m16n8k16", "f32", "tf32", "tf32", 1), ("m16n8k32", "s32", "s8", "u8", 1),
                                     ("m16n8k64", "s32", "u8", "s8", 0), ("m16n8k64", "s32", "s4", "u4", 1), ("m16n8k128", "s32", "u4", "s4", 0)]:
        product("sp.", "", shape, d, a, b, "", selector, "", "sm_80", "7.1")
    ordered = "sp::ordered_metadata."
    product(ordered, "", "m16n8k16", "f32", "bf16", "bf16", "", 1, "", "sm_80", "8.5")
    product(ordered, "", "m16n8k64", "f32", "e4m3", "e5m2", "", 0, "", "sm_120", "8.7")
    product(ordered, "kind::f8f6f4.", "m16n8k64", "f16", "e2m1", "e2m3", "", 0, "", "sm_120a", "8.7")
    for kind, scales, length, a, b, scale, which in [("kind::mxf8f6f4", "", 32, "e4m3", "e2m1", "ue8m0", ((3, 1), (1, 2))),
                                                     ("kind::mxf4", "", 64, "e2m1", "e2m1", "ue8m0", ((2, 1), (0, 3))),
                                                     ("kind::mxf4nvf4", "scale_vec::2X.", 64, "e2m1", "e2m1", "ue8m0", ((0, 0), (2, 1))),
                                                     ("kind::mxf4nvf4", "scale_vec::4X.", 64, "e2m1", "e2m1", "ue4m3", ((0, 1), (0, 2)))]:
        product("", f"{kind}.block_scale.{scales}", f"m16n8k{length}", "f32", a, b, scale, 0, which, "sm_120a", "8.7")
        product(ordered, f"{kind}.block_scale.{scales}", f"m16n8k{2 * length}", "f32", a, b, scale, 0, which, "sm_120a", "8.7")


def number_of_scales(kind):
    return 4 if "4X" in kind else 1 if "mxf8f6f4" in kind else 2


def sparse_rows(k, bits, values, ordered):
    """A with zeros, the same without, and what each four bits of metadata are."""
    chunk = {32: 2, 4: 8}.get(bits, 4)
    dense, kept, codes = [], [], []
    for _ in range(16):
        row, there, metadata = [0] * k, [], []
        for begin in range(0, k, chunk):
            if chunk == 2:
                column = random.randrange(2)
                columns, code = [column], (0b0100, 0b1110)[column]
            else:
                first, second = sorted(random.sample(range(4), 2))
                if not ordered and random.randrange(2):
                    first, second = second, first
                code = first | second << 2
                columns = [first, second] if chunk == 4 else [2 * first, 2 * first + 1, 2 * second, 2 * second + 1]
            for column in columns:
                row[begin + column] = random.choice(list(values))
                there.append(row[begin + column])
            metadata.append(code)
        dense.append(row)
        kept.append(there)
        codes.append(metadata)
    return dense, kept, codes


def metadata_registers(codes, bits, selector):
    """The figures of 9.7.14.6.2; lanes that do not count have anything."""
    words = [random.getrandbits(32) for _ in LANES]

    def place(group, thread, at, code):
        lane = 4 * group + thread
        words[lane] = words[lane] & ~(15 << at) | code << at
    for row in range(16):
        for chunk, code in enumerate(codes[row]):
            count = len(codes[row])
            if count == 4:
                place(row % 8, selector, 16 * (row // 8) + 4 * chunk, code)
            elif bits >= 16:
                place(row % 8, 2 * selector + chunk // 4, 16 * (row // 8) + 4 * (chunk % 4), code)
            else:
                place(row % 8, 2 * selector + row // 8 + 2 * (chunk // 8), 4 * (chunk % 8), code)
    return words


def scale_code(scale):
    """A power of two, or a number of four bits of exponent and three of fraction, and its value."""
    if scale == "ue8m0":
        exponent = random.randint(-2, 2)
        return exponent + 127, 2.0 ** exponent
    value = random.choice([0.25, 0.375, 0.5, 0.625, 1, 1.25, 1.5, 1.75, 2, 3])
    return small_float(4, 3)(value), value


def scale_registers(rows, count, scale, byte, lane_of):
    words = [random.getrandbits(32) for _ in LANES]
    values = []
    for row in range(rows):
        of_row = []
        for i in range(count):
            code, value = scale_code(scale)
            at = 8 * (byte + i)
            words[lane_of(row)] = words[lane_of(row)] & ~(255 << at) | code << at
            of_row.append(value)
        values.append(of_row)
    return words, values


def product(sparse, kind, shape, d, a, b, scale, selector, which, target, version):
    m, n, k = (int(x) for x in shape.replace("m", " ").replace("n", " ").replace("k", " ").split())
    random.seed(f"{sparse}{kind}{shape}{d}{a}{b}{scale}")
    narrow = scale and number_of_scales(kind) > 1
    (a_bits, a_code, a_values), (b_bits, b_code, b_values) = (NARROW, NARROW) if narrow else (ELEMENTS[a], ELEMENTS[b])
    d_bits, d_code, most = SUMS[d]
    if d == "f16":
        a_values, b_values = [x for x in a_values if abs(x) <= 4], [x for x in b_values if abs(x) <= 4]
    if sparse:
        of_a, kept, codes = sparse_rows(k, a_bits, a_values, "ordered" in sparse)
    else:
        of_a = kept = [[random.choice(list(a_values)) for _ in range(k)] for _ in range(m)]
    of_b = [[random.choice(list(b_values)) for _ in range(n)] for _ in range(k)]
    of_c = [[random.randint(-most, most) for _ in range(n)] for _ in range(m)]
    inputs = [("a", "b32"), ("b", "b32"), ("c", d if d == "f32" else "b32")]
    lists, operands = [], []
    if sparse:
        inputs.append(("e", "b32"))
        lists.append(metadata_registers(codes, a_bits, selector))
        operands += ["%e0", str(selector)]
    scales_a, scales_b, count = [[1]] * m, [[1]] * n, 1
    if scale:
        count = number_of_scales(kind)
        (byte_a, thread_a), (byte_b, thread_b) = which
        words, scales_a = scale_registers(m, count, scale, byte_a, lambda row: row % 8 * 4 + 2 * thread_a + row // 8)
        lists.append(words)
        words, scales_b = scale_registers(n, count, scale, byte_b, lambda column: column * 4 + thread_b)
        lists.append(words)
        inputs += [("x", "b32"), ("y", "b32")]
        operands += ["%x0", f"{{{byte_a}, {thread_a}}}", "%y0", f"{{{byte_b}, {thread_b}}}"]
    block = k // count
    of_d = [[of_c[i][j] + sum(of_a[i][q] * of_b[q][j] * scales_a[i][q // block] * scales_b[j][q // block] for q in range(k)) for j in range(n)]
            for i in range(m)]

    def in_a(group, thread, i):
        reg, e = divmod(i, 32 // a_bits)
        return kept[group + 8 * (reg % 2)][(thread + reg // 2 * 4) * (32 // a_bits) + e]

    def in_b(group, thread, i):
        reg, e = divmod(i, 32 // b_bits)
        return of_b[(thread + reg * 4) * (32 // b_bits) + e][group]

    def accumulator(matrix):
        return lambda group, thread, i: matrix[group + (8 if i >= 2 else 0)][thread * 2 + i % 2]

    counts = [m * len(kept[0]) * a_bits // 1024, n * k * b_bits // 1024, m * n * d_bits // 1024] + [1] * len(lists)
    lists = [fragment(counts[0], a_bits, 32, in_a, a_code), fragment(counts[1], b_bits, 32, in_b, b_code),
             fragment(counts[2], d_bits, 32, accumulator(of_c), d_code)] + lists
    form = f"mma.{sparse}sync.aligned.{shape}.row.col.{kind}{d}.{a}.{b}.{d}" + (f".{scale}" if scale else "")
    write(form, inputs, counts, lists, fragment(counts[2], d_bits, 32, accumulator(of_d), d_code), operands, target, version)


def write(form, inputs, counts, lists, expected, operands, target, version):
    section = "9.7.14.6" if ".sp" in form else "9.7.14.3"
    text = f"// {form} (PTX ISA {section}): numbers whose sums are exact\n// block: 32\n"
    for values in lists:
        text += wrap("in", listing("b32", values))
    text += wrap("out", listing("b32", expected))
    text += f".version {version}\n.target {target}\n.address_size 64\n\n"
    parameters = ", ".join(f".param .u64 in{i}" for i in range(len(inputs)))
    text += f".visible .entry test({parameters}, .param .u64 out0)\n{{\n  .reg .u32 %i;\n  .reg .u64 %address;\n"
    sums, sum_type = counts[2], inputs[2][1]
    text += f"  .reg .{sum_type} %d<{sums}>;\n"
    for (name, kind), count in zip(inputs, counts):
        text += f"  .reg .{kind} %{name}<{count}>;\n"
    text += "\n  mov.u32 %i, %tid.x;\n"
    for i, ((name, kind), count) in enumerate(zip(inputs, counts)):
        text += f"  ld.param.u64 %address, [in{i}];\n  mad.wide.u32 %address, %i, {4 * count}, %address;\n"
        for r in range(count):
            text += f"  ld.global.{kind} %{name}{r}, [%address+{4 * r}];\n"
    fragments = ["{" + ", ".join(f"%{name}{r}" for r in range(count)) + "}" for name, count in [("d", sums)] + list(zip("abc", counts))]
    text += f"  {form} {', '.join(fragments + operands)};\n"
    text += f"  ld.param.u64 %address, [out0];\n  mad.wide.u32 %address, %i, {4 * sums}, %address;\n"
    for r in range(sums):
        text += f"  st.global.{sum_type} [%address+{4 * r}], %d{r};\n"
    save(form.replace(".", "_").replace("::", "_"), text + "  ret;\n}\n")
