# SPDX-License-Identifier: Apache-2.0
"""Writes one .ptx test: thread i applies a form to the i-th values of its inputs."""
import os
import struct

from numbers_exact import FORMATS, NAN, is_inf, is_nan

WRITTEN = {}
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

# How a value of a type lies in a register and in memory: register type, ld/st type, bytes.
STORAGE = {"f16": ("b16", "b16", 2), "bf16": ("b16", "b16", 2), "f16x2": ("b32", "b32", 4), "bf16x2": ("b32", "b32", 4),
           "tf32": ("b32", "b32", 4), "pred": ("pred", "u32", 4)}
for _t in ("u", "s", "b"):
    for _w in (8, 16, 32, 64):
        STORAGE[f"{_t}{_w}"] = (f"{_t}{max(_w, 16)}", f"{_t}{_w}", _w // 8)
for _w in (32, 64):
    STORAGE[f"f{_w}"] = (f"f{_w}", f"f{_w}", _w // 8)
LIST_TYPE = {"f16x2": "b32", "bf16x2": "b32", "tf32": "b32", "pred": "u32"}


def show_float(f, bits):
    if is_nan(f, bits):
        return "nan" if bits == NAN else hex(bits)
    if is_inf(f, bits):
        return "-inf" if bits & f.sign else "inf"
    if f.name in ("f32", "f64"):
        code, word = ("<f", "<I") if f.name == "f32" else ("<d", "<Q")
        v = struct.unpack(code, struct.pack(word, bits))[0]
        for digits in range(1, 10):
            text = f"{v:.{digits}g}"
            if len(text) < 9 and abs(float(text)) < 3.4e38 and struct.pack(code, float(text)) == struct.pack(word, bits):
                return text
    return hex(bits)


def show(kind, v):
    if v is None:
        return "*"
    if isinstance(v, str) and kind not in FORMATS:
        return v
    if kind in FORMATS:
        return v if isinstance(v, str) and v != NAN else show_float(FORMATS[kind], v)
    if kind == "pred":
        return str(int(v))
    width = STORAGE[kind][2] * 8
    v &= (1 << width) - 1
    if kind[0] == "s":
        return str(v - (1 << width) if v >> (width - 1) else v)
    return str(v) if v < 1000 else hex(v)


def wrap(key, text):
    lines = []
    line = f"// {key}: "
    for word in text.split(" "):
        if len(line) + len(word) > 118:
            lines.append(line.rstrip())
            line = "//+  "
        line += word + " "
    return "\n".join(lines + [line.rstrip()]) + "\n"


def listing(kind, values, tolerance=""):
    return f"{LIST_TYPE.get(kind, kind)} " + ", ".join(show(kind, v) for v in values) + (f" within {tolerance}" if tolerance else "")


def save(name, text):
    assert name not in WRITTEN, name
    WRITTEN[name] = True
    with open(os.path.join(FOLDER, name + ".ptx"), "w") as out:
        out.write(text)


def form(name, about, code, inputs, outputs, target="sm_86", version="7.8", declare="", tolerance=""):
    """inputs: [(type, values)] for {a} {b} {c} {e}; outputs: [(type, values)] for {d} {p}; code: lines with those placeholders."""
    count = len(inputs[0][1])
    head = f"// {about}\n// block: {count}\n"
    for kind, values in inputs:
        assert len(values) == count, name
        head += wrap("in", listing(kind, values))
    for kind, values in outputs:
        assert len(values) == count, name
        head += wrap("out~" if tolerance else "out", listing(kind, values, tolerance))
    names = ["a", "b", "c", "e"]
    outs = ["d", "p"]
    body, registers = [], []
    parameters = []
    for k, (kind, _) in enumerate(inputs):
        register, access, size = STORAGE[kind]
        r = "%" + names[k]
        parameters.append(f".param .u64 in{k}")
        body += [f"ld.param.u64 %address, [in{k}];", f"mad.wide.u32 %address, %i, {size}, %address;"]
        if kind == "pred":
            registers.append(f".reg .pred {r};")
            registers.append(f".reg .u32 {r}_word;")
            body += [f"ld.global.u32 {r}_word, [%address];", f"setp.ne.u32 {r}, {r}_word, 0;"]
        else:
            registers.append(f".reg .{register} {r};")
            body.append(f"ld.global.{access} {r}, [%address];")
    for k, (kind, _) in enumerate(outputs):
        registers.append(f".reg .{STORAGE[kind][0]} %{outs[k]};")
        if kind == "pred":
            registers.append(f".reg .u32 %{outs[k]}_word;")
    places = {n: "%" + n for n in names + outs}
    body += [line.strip() for line in code.format(**places).strip().split("\n")]
    for k, (kind, _) in enumerate(outputs):
        register, access, size = STORAGE[kind]
        r = "%" + outs[k]
        parameters.append(f".param .u64 out{k}")
        body += [f"ld.param.u64 %address, [out{k}];", f"mad.wide.u32 %address, %i, {size}, %address;"]
        if kind == "pred":
            body += [f"selp.u32 {r}_word, 1, 0, {r};", f"st.global.u32 [%address], {r}_word;"]
        else:
            body.append(f"st.global.{access} [%address], {r};")
    text = head + f".version {version}\n.target {target}\n.address_size 64\n\n"
    text += ".visible .entry test(" + ", ".join(parameters) + ")\n{\n"
    text += "  .reg .u32 %i;\n  .reg .u64 %address;\n"
    text += "".join(f"  {r}\n" for r in registers)
    text += "".join(f"  {d.strip()}\n" for d in declare.strip().split("\n") if d.strip())
    text += "\n  mov.u32 %i, %tid.x;\n" + "".join(f"  {line}\n" for line in body) + "  ret;\n}\n"
    save(name, text)


def program(name, about, head, text, target="sm_86", version="7.8"):
    """A whole module by hand: head is a list of (key, text)."""
    lines = f"// {about}\n" + "".join(wrap(k, v) for k, v in head)
    save(name, lines + f".version {version}\n.target {target}\n.address_size 64\n\n" + text.strip("\n") + "\n")
