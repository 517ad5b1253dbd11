"""The ELF file that a cubin is: what each kernel needs, from the section headers and .nv.info."""
import dataclasses
import struct

FRAME_SIZE, REGISTER_COUNT = 0x11, 0x2F  # attributes of .nv.info, EIATTR_*
VALUE_FORMAT, SIZED_FORMAT = (0x01, 0x02, 0x03), 0x04  # how an attribute's payload is stored, EIFMT_*
MACHINE_CUDA = 190


class CubinError(Exception):
    """Not a cubin, or a damaged one."""


@dataclasses.dataclass
class Resources:
    registers: int = 0
    frame_bytes: int = 0
    shared_bytes: int = 0


@dataclasses.dataclass
class Section:
    name: str
    offset: int
    size: int
    entry_size: int
    link: int
    data: bytes


def unpack(layout, data, offset):
    if offset < 0 or offset + struct.calcsize(layout) > len(data):
        raise CubinError("cut short")
    return struct.unpack_from(layout, data, offset)


def string_at(table, offset):
    end = table.find(b"\0", offset)
    if offset >= len(table) or end < 0:
        raise CubinError("a name lies outside its table")
    return table[offset:end].decode("utf-8", "replace")


def read_sections(image):
    if image[:4] != b"\x7fELF":
        raise CubinError("not a cubin (no ELF file)")
    if image[4:6] != b"\x02\x01" or unpack("<H", image, 18)[0] != MACHINE_CUDA:
        raise CubinError("not a cubin (an ELF file of another machine)")
    table, = unpack("<Q", image, 40)
    size, number, names_index = unpack("<HHH", image, 58)
    raw = [unpack("<IIQQQQIIQQ", image, table + i * size) for i in range(number)]
    if names_index >= len(raw):
        raise CubinError("no table of section names")

    def content(header):
        _, kind, _, _, offset, length, *_ = header
        if kind == 8:  # SHT_NOBITS: takes no room in the file
            return b""
        if offset + length > len(image):
            raise CubinError("cut short")
        return image[offset:offset + length]

    names = content(raw[names_index])
    return [Section(string_at(names, h[0]), h[4], h[5], h[9], h[6], content(h)) for h in raw]


def symbol_names(sections):
    for section in sections:
        if section.name == ".symtab":
            if section.link >= len(sections):
                raise CubinError("no table of symbol names")
            strings = sections[section.link].data
            return [string_at(strings, unpack("<I", section.data, at)[0]) for at in range(0, len(section.data), 24)]
    return []


def attributes(data):
    """(attribute, payload) of an .nv.info section."""
    at = 0
    while at < len(data):
        form, attribute, length = unpack("<BBH", data, at)
        at += 4
        if form == SIZED_FORMAT:
            if at + length > len(data):
                raise CubinError("cut short")
            yield attribute, data[at:at + length]
            at += length
        elif form not in VALUE_FORMAT:
            raise CubinError(f"an attribute of unknown format {form}")


def resources(image):
    """{kernel: Resources}. Raises CubinError."""
    sections = read_sections(image)
    symbols = symbol_names(sections)
    kernels = {s.name[len(".text."):]: Resources() for s in sections if s.name.startswith(".text.")}
    for section in sections:
        if section.name.startswith(".nv.shared."):
            name = section.name[len(".nv.shared."):]
            if name in kernels:
                kernels[name].shared_bytes = section.size
        if section.name != ".nv.info":
            continue
        for attribute, payload in attributes(section.data):
            if attribute not in (FRAME_SIZE, REGISTER_COUNT):
                continue
            symbol, value = unpack("<II", payload, 0)
            kernel = kernels.get(symbols[symbol]) if symbol < len(symbols) else None
            if kernel and attribute == REGISTER_COUNT:
                kernel.registers = value
            elif kernel:
                kernel.frame_bytes = value
    return kernels
