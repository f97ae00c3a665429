# SPDX-License-Identifier: Apache-2.0
"""ldmatrix and stmatrix (PTX ISA 9.7.14.5.15, 9.7.14.5.16): rows of 16 bytes that lie anywhere in shared memory."""
import random

from template import listing, save, wrap

LANES = range(32)


def generate():
    for count in (1, 2, 4):
        for trans in ("", ".trans"):
            for space in ("", ".shared") if count == 4 else (".shared",):
                load(f"m8n8.x{count}{trans}{space}.b16", count, 8, "sm_86", "7.8")
                store(f"m8n8.x{count}{trans}{space}.b16", count, "sm_90", "7.8")
        for source in ("b6x16_p32", "b4x16_p64"):
            load(f"m8n16.x{count}.shared.b8x16.{source}", count, 8, "sm_120a", "8.7")
            if count < 4:
                load(f"m16n16.x{count}.trans.shared.b8x16.{source}", count, 16, "sm_120a", "8.7")
        if count < 4:
            load(f"m16n16.x{count}.trans.shared.b8", count, 16, "sm_120a", "8.7")
        store(f"m16n8.x{count}.trans.shared.b8", count, "sm_120a", "8.7")


def bytes_of(row, form):
    """The 16 bytes of a row that the matrix has."""
    width = 6 if "b6x16" in form else 4 if "b4x16" in form else 8
    whole = int.from_bytes(bytes(row), "little")
    return [whole >> (width * i) & ((1 << width) - 1) for i in range(16)]


def loaded(rows, form, high):
    """Of each lane its registers: four threads hold a row, or a column of the transposed matrix."""
    result = []
    size = 2 if form.endswith("b16") and "b8x16" not in form else 1
    for lane in LANES:
        group, inside = lane // 4, lane % 4
        for matrix in range(len(rows) // high):
            own = [bytes_of(row, form) for row in rows[matrix * high:(matrix + 1) * high]]
            for part in range(high // 8):
                if ".trans" not in form:
                    four = own[group][4 * inside:4 * inside + 4]
                elif size == 2:
                    four = own[2 * inside][2 * group:2 * group + 2] + own[2 * inside + 1][2 * group:2 * group + 2]
                else:
                    four = [own[4 * inside + i][group + 8 * part] for i in range(4)]
                result.append(int.from_bytes(bytes(four), "little"))
    return result


ADDRESS = """  mov.u64 %row, memory;
{generic}  mul.lo.u32 %place, %i, 7;
  and.b32 %place, %place, 31;
  mad.wide.u32 %row, %place, 48, %row;
"""
# Of threads that give no row: never read.
NONE = """  setp.ge.u32 %none, %i, {rows};
  selp.b64 %row, 1, %row, %none;
"""
DECLARED = """  .shared .align 16 .b8 memory[1536];
  .reg .u32 %i, %place;
  .reg .u64 %address, %row;
  .reg .pred %none;
"""


def load(form, count, high, target, version):
    random.seed(form)
    rows = [[random.randrange(256) for _ in range(16)] for _ in range(high * count)]
    registers = count * high // 8
    space = ".shared" if ".shared" in form else ""
    words = [int.from_bytes(bytes(row[i:i + 4]), "little") for row in rows for i in range(0, 16, 4)]
    names = "{" + ", ".join(f"%d{i}" for i in range(registers)) + "}"
    text = f"// ldmatrix.sync.aligned.{form} (PTX ISA 9.7.14.5.15)\n// block: 32\n" + wrap("in", listing("b32", words + [0] * (128 - len(words))))
    text += wrap("out", listing("b32", loaded(rows, form, high))) + f".version {version}\n.target {target}\n.address_size 64\n\n"
    text += ".visible .entry test(.param .u64 in0, .param .u64 out0)\n{\n" + DECLARED + f"  .reg .b32 %w<4>, %d<{registers}>;\n\n  mov.u32 %i, %tid.x;\n"
    text += "  ld.param.u64 %address, [in0];\n  mad.wide.u32 %address, %i, 16, %address;\n  ld.global.v4.b32 {%w0, %w1, %w2, %w3}, [%address];\n"
    text += ADDRESS.format(generic="" if space else "  cvta.shared.u64 %row, %row;\n")
    text += f"  st{space}.v4.b32 [%row], {{%w0, %w1, %w2, %w3}};\n  bar.warp.sync -1;\n" + NONE.format(rows=high * count)
    text += f"  ldmatrix.sync.aligned.{form} {names}, [%row];\n"
    text += f"  ld.param.u64 %address, [out0];\n  mad.wide.u32 %address, %i, {4 * registers}, %address;\n"
    text += "".join(f"  st.global.b32 [%address+{4 * i}], %d{i};\n" for i in range(registers)) + "  ret;\n}\n"
    save("ldmatrix_sync_aligned_" + form.replace(".", "_"), text)


def store(form, count, target, version):
    random.seed(form)
    fragment = [[random.randrange(1 << 32) for _ in range(count)] for _ in LANES]
    space = ".shared" if ".shared" in form else ""
    rows = [[0] * 16 for _ in range(8 * count)]
    for lane in LANES:
        group, inside = lane // 4, lane % 4
        for matrix in range(count):
            for i, byte in enumerate(fragment[lane][matrix].to_bytes(4, "little")):
                if ".trans" not in form:
                    row, column = group, 4 * inside + i
                elif form.startswith("m8n8"):
                    row, column = 2 * inside + i // 2, 2 * group + i % 2
                else:  # element (group, 2 inside), the one beside it, and those eight rows below
                    row, column = 2 * inside + i % 2, group + 8 * (i // 2)
                rows[8 * matrix + row][column] = byte
    words = [int.from_bytes(bytes(row[i:i + 4]), "little") for row in rows for i in range(0, 16, 4)]
    names = "{" + ", ".join(f"%a{i}" for i in range(count)) + "}"
    text = f"// stmatrix.sync.aligned.{form} (PTX ISA 9.7.14.5.16)\n// block: 32\n"
    text += wrap("in", listing("b32", [word for lane in fragment for word in lane]))
    text += wrap("out", listing("b32", words + [0x5a5a5a5a] * (128 - len(words)))) + f".version {version}\n.target {target}\n.address_size 64\n\n"
    text += ".visible .entry test(.param .u64 in0, .param .u64 out0)\n{\n" + DECLARED + f"  .reg .b32 %w<4>, %a<{count}>;\n  .reg .u64 %own;\n\n  mov.u32 %i, %tid.x;\n"
    text += f"  ld.param.u64 %address, [in0];\n  mad.wide.u32 %address, %i, {4 * count}, %address;\n"
    text += "".join(f"  ld.global.b32 %a{i}, [%address+{4 * i}];\n" for i in range(count))
    text += ADDRESS.format(generic="" if space else "  cvta.shared.u64 %row, %row;\n") + "  mov.u64 %own, %row;\n  mov.b32 %w0, 0x5a5a5a5a;\n"
    text += f"  st{space}.v4.b32 [%own], {{%w0, %w0, %w0, %w0}};\n  bar.warp.sync -1;\n" + NONE.format(rows=8 * count)
    text += f"  stmatrix.sync.aligned.{form} [%row], {names};\n  bar.warp.sync -1;\n  ld{space}.v4.b32 {{%w0, %w1, %w2, %w3}}, [%own];\n"
    text += "  ld.param.u64 %address, [out0];\n  mad.wide.u32 %address, %i, 16, %address;\n  st.global.v4.b32 [%address], {%w0, %w1, %w2, %w3};\n  ret;\n}\n"
    save("stmatrix_sync_aligned_" + form.replace(".", "_"), text)
