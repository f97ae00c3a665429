# SPDX-License-Identifier: Apache-2.0
"""cp.async.bulk and cp.reduce.async.bulk (PTX ISA 9.7.9.25.4), between global and shared memory."""
import random

from template import listing, program

TARGET = ("sm_120a", "8.8")


def generate():
    round_trip("cp_async_bulk", "shared::cta", "", 0xffff)
    round_trip("cp_async_bulk_hints", "shared::cluster", ".L2::cache_hint", 0xffff)
    round_trip("cp_async_bulk_byte_mask", "shared::cta", "", 0x0ff3)
    groups()
    for op, kind in (("add", "u32"), ("add", "s32"), ("add", "u64"), ("min", "s32"), ("max", "u32"), ("min", "s64"), ("inc", "u32"), ("dec", "u32"),
                     ("and", "b32"), ("or", "b64"), ("xor", "b32")):
        reduction(op, kind)
    for name, code in (("misaligned", "  add.u64 %s, %s, 8;\n"), ("beyond_shared", "  add.u64 %s, %s, 4096;\n")):
        faulty(name, code)


HEAD = """
.visible .entry test(.param .u64 in0, .param .u64 out0)
{
  .shared .align 128 .b8 memory[1024];
  .shared .align 8 .b8 bar[8];
  .reg .u32 %i;
  .reg .u64 %in, %out, %s, %bar, %policy;
  .reg .b16 %mask;
  .reg .pred %first, %done;
  mov.u32 %i, %tid.x;
  ld.param.u64 %in, [in0];
  ld.param.u64 %out, [out0];
  mov.u64 %s, memory;
  mov.u64 %bar, bar;
  mov.b64 %policy, 0x12f0000000000000;
  setp.eq.u32 %first, %i, 0;
  @%first mbarrier.init.shared.b64 [%bar], 1;
  bar.sync 0;
"""
WAIT = """WAIT:
  mbarrier.try_wait.parity.shared.b64 %done, [%bar], 0;
  @!%done bra WAIT;
"""


def load(space="shared::cta", bytes_=512, more=""):
    return f"""  @%first mbarrier.arrive.expect_tx.shared.b64 _, [%bar], {bytes_};
  @%first cp.async.bulk.{space}.global.mbarrier::complete_tx::bytes{more} [%s], [%in], {bytes_}, [%bar]{", %policy" if more else ""};
""" + WAIT


def round_trip(name, space, hint, mask):
    """Loaded by one thread, turned round by all, and stored by one."""
    data = [(i * 2654435761) & 0xffffffff for i in range(128)]
    turned = [data[i ^ 127] for i in range(128)]
    raw = b"".join(w.to_bytes(4, "little") for w in turned)
    old = bytes([0xa5]) * 512
    result = bytes(raw[i] if mask >> (i % 16) & 1 else old[i] for i in range(512))
    masked = mask != 0xffff
    operands = (", %policy" if hint else "") + (", %mask" if masked else "")
    text = HEAD + load(space, 512, hint) + f"""  .reg .u32 %v, %j;
  .reg .u64 %at;
  mov.u64 %at, %s;
  xor.b32 %j, %i, 127;
  mad.wide.u32 %at, %j, 4, %at;
  ld.shared.u32 %v, [%at];
  bar.sync 0;
  mov.u64 %at, %s;
  mad.wide.u32 %at, %i, 4, %at;
  st.shared.u32 [%at], %v;
  mov.b16 %mask, {mask};
  fence.acq_rel.cta;
  bar.sync 0;
  @!%first bra END;
  cp.async.bulk.global.shared::cta.bulk_group{hint}{".cp_mask" if masked else ""} [%out], [%s], 512{operands};
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group.read 0;
  cp.async.bulk.wait_group 0;
END:
  ret;
}}
"""
    program(name, "cp.async.bulk to shared memory, with an mbarrier, and back in a group (PTX ISA 9.7.9.25.4.1)",
            [("block", "128"), ("in", listing("b32", data)), ("out", listing("b8", list(result)))], text, *TARGET)


def groups():
    data = list(range(100, 228))
    text = HEAD + load() + """  @!%first bra END;
  cp.async.bulk.global.shared::cta.bulk_group [%out], [%s+256], 256;
  cp.async.bulk.commit_group;
  cp.async.bulk.global.shared::cta.bulk_group [%out+256], [%s], 256;
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 1;
  cp.async.bulk.wait_group 0;
  cp.async.bulk.prefetch.L2.global [%in], 256;
END:
  ret;
}
"""
    program("cp_async_bulk_groups", "cp.async.bulk.commit_group and wait_group (PTX ISA 9.7.9.25.4)",
            [("block", "128"), ("in", listing("b32", data)), ("out", listing("b32", data[64:] + data[:64]))], text, *TARGET)


def reduction(op, kind):
    size = int(kind[1:]) // 8
    count = 128 // size * 4
    random.seed(op + kind)
    bits = 8 * size
    values = [random.randrange(1 << bits) if i % 3 else random.randrange(8) for i in range(count)]
    before = [random.randrange(1 << bits) if i % 4 else random.randrange(8) for i in range(count)]

    def signed(v):
        return v - (1 << bits) if kind[0] == "s" and v >> (bits - 1) else v

    def result(a, b):
        return {"add": lambda: a + b, "min": lambda: min(a, b, key=signed), "max": lambda: max(a, b, key=signed), "and": lambda: a & b,
                "or": lambda: a | b, "xor": lambda: a ^ b, "inc": lambda: 0 if a >= b else a + 1, "dec": lambda: b if a == 0 or a > b else a - 1}[op]() % (1 << bits)

    text = HEAD.replace(".param .u64 in0, .param .u64 out0", ".param .u64 in0, .param .u64 in1").replace("[out0]", "[in1]") + load() + f"""  @!%first bra END;
  cp.reduce.async.bulk.global.shared::cta.bulk_group.{op}.{kind} [%out], [%s], 512;
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
END:
  ret;
}}
"""
    program(f"cp_reduce_async_bulk_{op}_{kind}", f"cp.reduce.async.bulk.{op}.{kind} on global memory (PTX ISA 9.7.9.25.4.2)",
            [("block", "32"), ("in", listing(f"b{bits}", values)), ("in", listing(f"b{bits}", before)),
             ("after", listing(f"b{bits}", [result(a, b) for a, b in zip(before, values)]))], text, *TARGET)


def faulty(name, code):
    text = HEAD + code + load() + "  ret;\n}\n"
    program("cp_async_bulk_" + name, "a bulk copy to where there is no room ends the launch (PTX ISA 9.7.9.25.4.1)",
            [("block", "32"), ("in", "u32 1 x 128"), ("out", "u32 * x 4"), ("fault", "misaligned" if name == "misaligned" else "illegal")], text, *TARGET)
