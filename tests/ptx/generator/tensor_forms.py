# SPDX-License-Identifier: Apache-2.0
"""cp.async.bulk.tensor and what belongs to it (PTX ISA 9.7.9.25.5, 9.7.9.28): maps that the kernel makes itself, field by field, of 128 zeros."""
import math
import random
import struct

from template import listing, program

TARGET = ("sm_120a", "9.0")
ELEMTYPE = {"u8": 0, "u16": 1, "u32": 2, "s32": 3, "u64": 4, "s64": 5, "f16": 6, "f32": 7, "f32.ftz": 8, "f64": 9, "bf16": 10, "tf32": 11, "tf32.ftz": 12,
            "b4x16": 13, "b4x16_p64": 14, "b6": 15}
BITS = {"u8": 8, "u16": 16, "u32": 32, "s32": 32, "u64": 64, "s64": 64, "f16": 16, "f32": 32, "f32.ftz": 32, "f64": 64, "bf16": 16, "tf32": 32, "tf32.ftz": 32,
        "b4x16": 4, "b4x16_p64": 4, "b6": 6}
SPREAD = ("b4x16_p64", "b6")
OLD = 0xa5  # of shared memory before


class Tensor:
    """sizes, box, steps by dimension, the innermost first; strides in bytes from dimension 1 on."""

    def __init__(self, kind, sizes, box, strides=None, steps=None, swizzle=0, atom=0, nan=False):
        self.kind, self.sizes, self.box = kind, sizes, box
        self.bits = BITS[kind]
        self.strides = strides
        if strides is None:
            self.strides, stride = [], math.ceil(sizes[0] * self.bits / 8 / 32) * 32
            for size in sizes[1:]:
                self.strides.append(stride)
                stride *= size
        self.steps = steps or [1] * len(sizes)
        self.swizzle, self.atom, self.nan = swizzle, atom, nan
        self.bytes = 32 + (sizes[0] * self.bits + 7) // 8 + sum(s * (n - 1) for s, n in zip(self.strides, sizes[1:]))
        self.bytes = (self.bytes + 127) // 128 * 128

    def fields(self):
        yield "rank", "b32", None, str(len(self.sizes) - 1)
        for i, size in enumerate(self.sizes):
            yield "global_dim", "b32", i, str(size)
            yield "box_dim", "b32", i, str(self.box[i])
            yield "element_stride", "b32", i, str(self.steps[i])
        for i, stride in enumerate(self.strides):
            yield "global_stride", "b64", i, str(stride)
        for name, value in (("elemtype", ELEMTYPE[self.kind]), ("interleave_layout", 0), ("swizzle_mode", self.swizzle), ("swizzle_atomicity", self.atom),
                            ("fill_mode", int(self.nan))):
            yield name, "b32", None, str(value)

    def rows(self, start, mode):
        if mode == "tile::gather4":
            return [(row,) for row in start[1:]]
        rows = [()]
        for d in range(1, len(self.sizes)):
            places = [start[d] + i for i in range(0, self.box[d], self.steps[d])]
            rows = [row + (p,) for p in places for row in rows]
        return rows

    def elements(self, start, mode):
        """(bit in shared memory before swizzling, bit in the tensor or None), as the box is gone through."""
        row_bits = self.box[0] * (8 if self.kind in SPREAD else self.bits)
        for number, row in enumerate(self.rows(start, mode)):
            inside = all(0 <= at < size for at, size in zip(row, self.sizes[1:]))
            base = 8 * sum(at * stride for at, stride in zip(row, self.strides))
            for i in range(self.box[0]):
                at = start[0] + i
                spread = i // 16 * 128 + i % 16 * self.bits
                shared = number * row_bits + (spread if self.kind in SPREAD else i * self.bits)
                yield shared, (base + at * self.bits if inside and 0 <= at < self.sizes[0] else None)

    def box_bytes(self, mode):
        count = 4 if mode == "tile::gather4" else math.prod(math.ceil(b / s) for b, s in zip(self.box[1:], self.steps[1:]))
        return count * self.box[0] * (8 if self.kind in SPREAD else self.bits) // 8

    def swizzled(self, byte):
        """As the tables of 5.5.7, whose lines are of 128 bytes."""
        line, part = divmod(byte // 16, 8)
        if self.swizzle == 1:
            part ^= line % 2
        elif self.swizzle == 2:
            part ^= line % 4
        elif self.swizzle == 3:
            part ^= (line % 8, line % 4 * 2, line % 4 * 2, line % 2 * 4)[self.atom]
        within = byte % 16
        if self.atom == 2 and line % 2:
            within ^= 8
        return line * 128 + part * 16 + within

    def fill(self):
        return (1 << (self.bits - 1)) - 1 if self.nan else 0

    def converted(self, value):
        if "ftz" in self.kind and value & 0x7f800000 == 0:
            value &= 0x80000000
        if "tf32" in self.kind:
            if value & 0x7fffffff > 0x7f800000:
                return 0x7fffffff
            kept, rest = divmod(value & 0x7fffffff, 1 << 13)
            kept += rest > 1 << 12 or (rest == 1 << 12 and kept & 1)
            value = value & 0x80000000 | kept << 13
        return value


def bits_of(data, at, count):
    first, last = at // 8, (at + count + 7) // 8
    return int.from_bytes(data[first:last], "little") >> at % 8 & ((1 << count) - 1)


def put_bits(data, at, count, value, place=lambda byte: byte):
    for i in range(count):
        byte, bit = place((at + i) // 8), (at + i) % 8
        data[byte] = data[byte] & ~(1 << bit) | (value >> i & 1) << bit


def values(kind, count):
    random.seed(kind)
    if "32" in kind and kind[0] in "ft":
        special = [0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x3f800fff, 0x3f801000, 0x3f803000, 0x3f801001, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc12345,
                   0x3fffffff, 0xbf803000, 0x00801000]
        words = [special[i % 16] if i % 3 else random.randrange(1 << 32) for i in range(count // 4)]
        return bytearray(b"".join(struct.pack("<I", w) for w in words))
    return bytearray(random.randrange(256) for _ in range(count))


HEAD = """
.global .align 128 .b8 map[128];
.global .align 128 .b8 nothing[128];
.visible .entry test({parameters})
{{
  .shared .align 1024 .b8 memory[{size}];
  .shared .align 128 .b8 made[128];
  .shared .align 8 .b8 bar[8];
  .reg .u32 %i, %word, %r<8>;
  .reg .u64 %odd, %tensor, %data, %made, %map, %s, %at, %bar, %policy;
  .reg .b16 %h<4>;
  .reg .pred %first, %done, %more;
  mov.u32 %i, %tid.x;
  ld.param.u64 %tensor, [in{tensor}];
  ld.param.u64 %data, [{data}];
  add.u64 %odd, %tensor, 8;
  mov.u64 %s, memory;
  mov.u64 %bar, bar;
  mov.u64 %made, made;
  mov.u64 %map, map;
  mov.b64 %policy, 0x12f0000000000000;
  setp.eq.u32 %first, %i, 0;
  @%first mbarrier.init.shared.b64 [%bar], 1;
  mad.wide.u32 %at, %i, 4, %made;
  st.shared.b32 [%at], 0;
  bar.sync 0;
"""


def make_map(tensor, address="%tensor"):
    text = f"  @%first tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%made], {address};\n"
    for i, (name, kind, ordinal, value) in enumerate(tensor.fields()):
        place = "" if ordinal is None else f"{ordinal}, "
        text += f"  @%first tensormap.replace.tile.{name}.shared::cta.b1024.{kind} [%made], {place}{value};\n"
    return text + """  bar.warp.sync -1;
  tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%map], [%made], 128;
  fence.proxy.tensormap::generic.acquire.gpu [%map], 128;
"""


def each_word(size, lines):
    """By all 32 threads, in turns."""
    label = each_word.count = each_word.count + 1
    return f"  mov.u32 %r6, 0;\nEACH{label}:\n  mad.lo.u32 %r7, %r6, 32, %i;\n" + lines + \
        f"  add.u32 %r6, %r6, 1;\n  setp.lt.u32 %more, %r6, {size // 128};\n  @%more bra EACH{label};\n"


each_word.count = 0
WAIT = """WAIT:
  mbarrier.try_wait.parity.shared.b64 %done, [%bar], 0;
  @!%done bra WAIT;
"""


def coordinates(start):
    """Some by registers."""
    text, words = "", []
    for i, at in enumerate(start):
        if i % 2:
            text += f"  mov.b32 %r{i}, {at};\n"
        words.append(f"%r{i}" if i % 2 else str(at))
    return text, "{" + ", ".join(words) + "}"


def words_of(data, unknown=()):
    return ["*" if i in unknown else w for i, (w,) in enumerate(struct.iter_unpack("<I", bytes(data)))]


def load(name, tensor, start, mode="tile", space="shared::cta", hint="", mask=""):
    each_word.count = 0
    data = values(tensor.kind, tensor.bytes)
    size = (max(tensor.box_bytes(mode), 128) + 127) // 128 * 128
    result, known = bytearray([OLD] * size), set()
    for shared, place in tensor.elements(start, mode):
        value = tensor.fill() if place is None else tensor.converted(bits_of(data, place, tensor.bits))
        put_bits(result, shared, tensor.bits, value, tensor.swizzled)
        known.update(tensor.swizzled((shared + i) // 8) // 4 for i in (0, tensor.bits - 1))
    total = tensor.box_bytes(mode)
    gaps = {tensor.swizzled(byte) // 4 for byte in range(0, total, 4)} - known if tensor.kind in SPREAD else ()
    text = HEAD.format(parameters=".param .u64 in0, .param .u64 out0", size=size, tensor=0, data="out0")
    text += each_word(size, "  mad.wide.u32 %at, %r7, 4, %s;\n  st.shared.b32 [%at], 0xa5a5a5a5;\n") + make_map(tensor)
    set_up, place = coordinates(start)
    operands = (f", {mask}" if mask else "") + (", %policy" if hint else "")
    hint = (".multicast::cluster" if mask else "") + hint
    text += set_up + f"""  mov.b16 %h1, 1;
  fence.proxy.async.shared::cta;
  bar.sync 0;
  @%first prefetch.tensormap [%map];
  @%first mbarrier.arrive.expect_tx.shared.b64 _, [%bar], {total};
  @%first cp.async.bulk.tensor.{len(tensor.sizes)}d.{space}.global.{mode}.mbarrier::complete_tx::bytes{hint} [%s], [%map, {place}], [%bar]{operands};
""" + WAIT + each_word(size, """  mad.wide.u32 %at, %r7, 4, %s;
  ld.shared.b32 %word, [%at];
  mad.wide.u32 %at, %r7, 4, %data;
  st.global.b32 [%at], %word;
""") + "  ret;\n}\n"
    program("cp_async_bulk_tensor_" + name, f"cp.async.bulk.tensor of a box of {tensor.kind} to shared memory (PTX ISA 9.7.9.25.5.2)",
            [("block", "32"), ("in", listing("b32", words_of(data))), ("out", listing("b32", words_of(result, gaps)))], text, *TARGET)


def reduced(op, kind, a, b):
    bits = BITS[kind]

    def signed(v):
        return v - (1 << bits) if kind[0] == "s" and v >> (bits - 1) else v

    return {"add": lambda: a + b, "min": lambda: min(a, b, key=signed), "max": lambda: max(a, b, key=signed), "and": lambda: a & b, "or": lambda: a | b,
            "xor": lambda: a ^ b, "inc": lambda: 0 if a >= b else a + 1, "dec": lambda: b if a == 0 or a > b else a - 1}[op]() % (1 << bits)


def store(name, tensor, start, op=None, hint=""):
    mode = "tile"
    each_word.count = 0
    size = (max(tensor.box_bytes(mode), 128) + 127) // 128 * 128
    data = values(tensor.kind + "d", size)
    before = values(tensor.kind, tensor.bytes)
    after = bytearray(before)
    row_bits = tensor.box[0] * (8 if tensor.kind in SPREAD else tensor.bits)
    for number, (shared, place) in enumerate(tensor.elements(start, mode)):
        if place is None:
            continue
        if tensor.kind == "b6":  # of bytes, whose two high bits are dropped
            shared = number // tensor.box[0] * row_bits + number % tensor.box[0] * 8
        value = 0
        for i in range(tensor.bits):
            byte = tensor.swizzled((shared + i) // 8)
            value |= (data[byte] >> (shared + i) % 8 & 1) << i
        old = bits_of(before, place, tensor.bits)
        put_bits(after, place, tensor.bits, reduced(op, tensor.kind, old, value) if op else tensor.converted(value))
    text = HEAD.format(parameters=".param .u64 in0, .param .u64 in1", size=size, tensor=1, data="in0")
    text += each_word(size, """  mad.wide.u32 %at, %r7, 4, %data;
  ld.global.b32 %word, [%at];
  mad.wide.u32 %at, %r7, 4, %s;
  st.shared.b32 [%at], %word;
""") + make_map(tensor)
    set_up, place = coordinates(start)
    operands = ", %policy" if hint else ""
    what = f"cp.reduce.async.bulk.tensor.{len(tensor.sizes)}d.global.shared::cta.{op}" if op else f"cp.async.bulk.tensor.{len(tensor.sizes)}d.global.shared::cta"
    text += set_up + f"""  fence.proxy.async;
  bar.sync 0;
  @!%first bra END;
  {what}.{mode}.bulk_group{hint} [%map, {place}], [%s]{operands};
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
END:
  ret;
}}
"""
    prefix = "cp_reduce_async_bulk_tensor_" if op else "cp_async_bulk_tensor_store_"
    program(prefix + name, f"{what.split('.global')[0]} of a box of {tensor.kind} to a tensor (PTX ISA 9.7.9.25.5.{3 if op else 2})",
            [("block", "32"), ("in", listing("b32", words_of(data))), ("in", listing("b32", words_of(before))), ("after", listing("b32", words_of(after)))],
            text, *TARGET)


def faulty(name, why, tensor, start, change="", map_address="%map", shared="%s", rank=None, address="%tensor", mode="tile", space="shared::cta", stores=False,
           mask=""):
    """A copy that cannot be made ends the launch."""
    text = HEAD.format(parameters=".param .u64 in0, .param .u64 out0", size=4096, tensor=0, data="out0") + make_map(tensor, address) + change
    place = "{" + ", ".join(str(at) for at in start) + "}"
    rank = rank or len(tensor.sizes)
    if stores:
        text += f"  @%first cp.async.bulk.tensor.{rank}d.global.shared::cta.tile.bulk_group [{map_address}, {place}], [{shared}];\n"
        text += "  cp.async.bulk.commit_group;\n  cp.async.bulk.wait_group 0;\n"
    else:
        text += f"""  @%first mbarrier.arrive.expect_tx.shared.b64 _, [%bar], {tensor.box_bytes(mode)};
  @%first cp.async.bulk.tensor.{rank}d.{space}.global.{mode}.mbarrier::complete_tx::bytes{".multicast::cluster" if mask else ""} [{shared}], [{map_address}, {place}], [%bar]{mask};
""" + WAIT
    text += "  st.global.u32 [%data], %i;\n  ret;\n}\n"
    program("cp_async_bulk_tensor_bad_" + name, f"{why}: the launch ends (PTX ISA 5.5, 9.7.9.25.5)",
            [("block", "32"), ("in", listing("b32", [0] * (max(tensor.bytes, 1024) // 4))), ("out", "u32 * x 4"), ("fault", why)], text, *TARGET)


def clusters(name, what, target, copies, expects, source):
    """Blocks of two clusters of four. copies, expects: which ranks do, as a comparison; source: by rank that of the block whose box is got."""
    tensor = Tensor("u32", [40, 9], [8, 4])
    data = values(tensor.kind, tensor.bytes)
    text = HEAD.replace("{{", ".reqnctapercluster 4\n{{", 1).format(parameters=".param .u64 in0, .param .u64 out0", size=1024, tensor=0, data="out0")
    text += """  mad.wide.u32 %at, %i, 4, %s;
  st.shared.u32 [%at], 77;
""" + make_map(tensor) + f"""  mov.u32 %r0, %cluster_ctarank;
  mov.u32 %r1, %ctaid.x;
  mov.b16 %h1, 13;
  setp.{expects[0]}.and.u32 %more, %r0, {expects[1]}, %first;
  @%more mbarrier.arrive.expect_tx.shared::cta.b64 _, [%bar], 128;
  not.pred %done, %more;
  and.pred %done, %done, %first;
  @%done mbarrier.arrive.shared::cta.b64 _, [%bar];
  fence.proxy.async.shared::cta;
  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  setp.{copies[0]}.and.u32 %more, %r0, {copies[1]}, %first;
""" + target + """WAIT:
  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %done, [%bar], 0;
  @!%done bra WAIT;
  ld.shared.u32 %word, [%at];
  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  mad.lo.u32 %r2, %r1, 32, %i;
  mad.wide.u32 %data, %r2, 4, %data;
  st.global.u32 [%data], %word;
  ret;
}
"""
    out = []
    for block in range(8):
        origin = source(block % 4)
        words = [77] * 32
        if origin is not None:
            for shared, place in tensor.elements([block // 4 * 4 + origin, 3], "tile"):
                words[shared // 32] = bits_of(data, place, 32)
        out += words
    program(name, what, [("grid", "8"), ("block", "32"), ("in", listing("b32", words_of(data))), ("out", listing("u32", out))], text, *TARGET)


def of_clusters():
    copy = "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
    clusters("cp_async_bulk_tensor_multicast_blocks", "cp.async.bulk.tensor to several blocks of the cluster (PTX ISA 9.7.9.25.5.2)",
             f"  @%more {copy}.multicast::cluster [%s], [%map, {{%r1, 3}}], [%bar], %h1;\n", ("eq", 2), ("ne", 1), lambda rank: None if rank == 1 else 2)
    clusters("cp_async_bulk_tensor_next_block", "cp.async.bulk.tensor to the next block of the cluster (PTX ISA 9.7.9.25.5.2)",
             f"""  add.u32 %r3, %r0, 1;
  and.b32 %r3, %r3, 3;
  mapa.shared::cluster.u64 %odd, %s, %r3;
  mapa.shared::cluster.u64 %made, %bar, %r3;
  @%more {copy} [%odd], [%map, {{%r1, 3}}], [%made];
""", ("ne", 2), ("ne", 3), lambda rank: None if rank == 3 else (rank + 3) % 4)


def drawn(number, stores):
    """A tensor, its box and where this begins."""
    random.seed(f"{number} {stores}")
    while True:
        rank = random.randint(1, 5)
        kinds = list(BITS) if not stores else [k for k in BITS if k != "b4x16_p64"]
        kind = random.choice(kinds)
        bits = BITS[kind]
        swizzle = random.choice((0, 3)) if kind in SPREAD else random.randint(0, 3)
        atom = random.choice((0, 1, 3) if kind in SPREAD or stores else (0, 1, 2, 3)) if swizzle == 3 else 0
        box = [128] if kind in SPREAD else [random.randint(1, 8) * 128 // bits]
        box += [random.randint(1, 5) for _ in range(rank - 1)]
        steps = [1] + [random.choice((1, 1, 2, 3)) for _ in range(rank - 1)]
        sizes = [box[0] * random.randint(1, 2) if kind in SPREAD else box[0] + 2 * random.randint(0, 9)] + [random.randint(1, 5) for _ in range(rank - 1)]
        unit = 128 if kind in SPREAD else 16 if bits == 4 else 1
        low = 0 if stores else -box[0]
        start = [random.randrange(low // unit, sizes[0] // unit + 1) * unit] + [random.randint(0 if stores else -2, n) for n in sizes[1:]]
        tensor = Tensor(kind, sizes, box, steps=steps, swizzle=swizzle, atom=atom, nan=kind[0] in "fbt" and kind[1] != "4" and kind != "b6" and random.random() < 0.5)
        row = box[0] * (8 if kind in SPREAD else bits) // 8
        if tensor.bytes <= 2048 and tensor.box_bytes("tile") <= 2048 and row <= (256, 32, 64, 128)[swizzle] and box[0] <= 256:
            return tensor, start


def generate():
    of_clusters()
    for number in range(16):
        load(f"drawn_{number}", *drawn(number, False))
    for number in range(8):
        store(f"drawn_{number}", *drawn(number, True))
    plain = Tensor("u32", [20, 9], [8, 4])
    load("1d", Tensor("u8", [300], [64]), [37], hint=".L2::cache_hint")
    load("2d", plain, [3, 2])
    load("2d_cluster_space", plain, [4, 5], space="shared::cluster")
    load("multicast", plain, [4, 5], space="shared::cluster", hint=".L2::cache_hint", mask="%h1")
    load("multicast_constant", plain, [4, 5], space="shared::cluster", mask="1")
    load("2d_before_and_behind", plain, [-3, 7])
    load("2d_wholly_outside", plain, [25, -9])
    load("3d_steps", Tensor("u16", [24, 9, 8], [16, 5, 7], steps=[1, 2, 3]), [5, -2, 1])
    load("4d", Tensor("u64", [5, 3, 4, 3], [2, 2, 3, 2]), [-1, 1, 2, 1])
    load("5d", Tensor("u8", [20, 3, 2, 3, 2], [16, 2, 1, 2, 2], steps=[1, 1, 1, 2, 1]), [2, 1, 1, 0, -1])
    load("gather4", Tensor("u32", [24, 12], [16, 1]), [9, 7, 0, 12, 3], "tile::gather4")
    for number, (kind, size) in enumerate((("u8", 32), ("u8", 64), ("u8", 128)), 1):
        load(f"swizzle_{size}", Tensor(kind, [size + 8, 20], [size, 18], swizzle=number), [3, 1])
    load("swizzle_64_of_32", Tensor("u16", [20, 20], [16, 17], swizzle=2), [1, -1])
    load("swizzle_32_atom", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=1), [2, 0])
    load("swizzle_32_atom_flip", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=2), [0, 1])
    load("swizzle_64_atom", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=3), [5, 3])
    for kind in ("f16", "f32", "f64", "bf16"):
        load(f"nan_{kind}", Tensor(kind, [12, 4], [16, 3], nan=True), [2, 2])
    for kind in ("f32.ftz", "tf32", "tf32.ftz"):
        load(kind.replace(".", "_"), Tensor(kind, [40, 3], [32, 2], nan="ftz" in kind), [-4, 2])
    load("b4x16", Tensor("b4x16", [100, 5], [64, 4]), [48, 2])
    load("b4x16_p64", Tensor("b4x16_p64", [256, 4], [128, 3], swizzle=3), [128, 2])
    load("b4x16_p64_outside", Tensor("b4x16_p64", [128, 4], [128, 2]), [-128, 1])
    load("b6x16_p32", Tensor("b6", [256, 4], [128, 3], swizzle=3, atom=1), [128, 1])
    store("2d", plain, [3, 2], hint=".L2::cache_hint")
    store("2d_behind", plain, [16, 7])
    store("3d_steps", Tensor("u16", [24, 9, 8], [16, 5, 4], steps=[1, 2, 3]), [5, 2, 1])
    store("swizzle_128", Tensor("u32", [40, 12], [32, 10], swizzle=3), [4, 1])
    store("swizzle_64_atom", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=3), [5, 3])
    store("tf32", Tensor("tf32", [40, 3], [32, 2]), [8, 1])
    store("b4x16", Tensor("b4x16", [100, 5], [64, 4]), [48, 2])
    store("b6p2x16", Tensor("b6", [256, 4], [128, 3], swizzle=3), [128, 2])
    for op, kind in (("add", "u32"), ("add", "s32"), ("add", "u64"), ("min", "s32"), ("max", "u32"), ("min", "s64"), ("max", "u64"), ("inc", "u32"),
                     ("dec", "u32"), ("and", "s32"), ("or", "u64"), ("xor", "u32")):
        store(f"{op}_{kind}", Tensor(kind, [20, 9], [8, 4], swizzle=2 if kind == "u64" else 0), [15, 6], op)
    faulty("map_misaligned", "misaligned", plain, [0, 0], "  add.u64 %map, %map, 32;\n")
    faulty("shared_misaligned", "misaligned", plain, [0, 0], "  add.u64 %s, %s, 64;\n")
    faulty("beyond_shared", "illegal", plain, [0, 0], "  add.u64 %s, %s, 8192;\n")
    faulty("map_of_zeros", "wrong tensor map", plain, [0, 0], "  mov.u64 %map, nothing;\n")
    faulty("rank", "wrong tensor map", plain, [0, 0, 0], rank=3)
    faulty("element_type", "wrong tensor map", Tensor("u32", [20, 9], [8, 4], nan=True), [0, 0])
    faulty("box", "wrong tensor map", Tensor("u32", [20, 9], [6, 4]), [0, 0])
    faulty("swizzled_row", "wrong tensor map", Tensor("u32", [20, 9], [16, 4], swizzle=1), [0, 0])
    faulty("stride", "wrong tensor map", Tensor("u32", [20, 9], [8, 4], strides=[88]), [0, 0])
    faulty("address", "wrong tensor map", plain, [0, 0], "", address="%odd")
    faulty("packed_start", "wrong tensor map", Tensor("b4x16_p64", [256, 4], [128, 3]), [64, 0])
    faulty("packed_cluster_space", "wrong tensor map", Tensor("b4x16", [128, 4], [64, 3]), [0, 0], space="shared::cluster")
    faulty("atom_cluster_space", "wrong tensor map", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=1), [0, 0], space="shared::cluster")
    faulty("multicast", "wrong tensor map", plain, [0, 0], space="shared::cluster", mask=", 3")
    faulty("gathered_box", "wrong tensor map", plain, [0, 1, 2, 3, 4], mode="tile::gather4")
    faulty("store_before", "wrong tensor map", plain, [0, -1], stores=True)
    faulty("store_flip", "wrong tensor map", Tensor("u32", [40, 12], [32, 10], swizzle=3, atom=2), [0, 0], stores=True)
