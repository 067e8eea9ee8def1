"""Profiles in pprof's format (github.com/google/pprof/blob/main/proto/profile.proto), written and read.

Of Protocol Buffers no more than it takes: varints, and fields that are bytes.
"""

import gzip
import itertools
from collections import Counter

from .case import SERVICE


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def message(field, *parts):
    content = b"".join(parts)
    return varint(field << 3 | 2) + varint(len(content)) + content


def packed(field, values):
    return message(field, *map(varint, values))


class Interned(dict):
    """Ids in the order of asking: from 0 for strings, from 1 for what refers to them."""

    def __init__(self, first):
        self.first = first

    def __missing__(self, key):
        self[key] = len(self) + self.first
        return self[key]


def encode(stacks, period, start, duration):
    """A gzipped profile of {(place, …) innermost first: samples}. Times are nanoseconds; a sample stands for a period."""
    strings, functions, mappings, locations = Interned(0), Interned(1), Interned(1), Interned(1)
    strings[""]
    mappings[SERVICE]  # The first one is the program itself.
    types = [("samples", "count"), ("cpu", "nanoseconds")]
    out = [message(1, number(1, strings[kind]), number(2, strings[unit])) for kind, unit in types]
    for stack, count in stacks.items():
        out.append(message(2, packed(1, [locations[place] for place in stack]), packed(2, [count, count * period])))
    for place, id in locations.items():
        lines = [message(4, number(1, functions[name, file]), number(2, line)) for name, file, line in place.frames]
        mapping = mappings[place.image]
        out.append(message(4, number(1, id), number(2, mapping), number(3, place.address), *lines))
    for image, id in mappings.items():
        # Functions, files, lines and inlined frames are known: nobody needs the image.
        known = [number(field, 1) for field in (7, 8, 9, 10)]
        out.append(message(3, number(1, id), number(5, strings[image]), *known))
    for (name, file), id in functions.items():
        name = strings[name]
        out.append(message(5, number(1, id), number(2, name), number(3, name), number(4, strings[file])))
    kind = message(11, number(1, strings["cpu"]), number(2, strings["nanoseconds"]))
    out += [message(6, text.encode()) for text in strings]
    out += [number(9, start), number(10, duration), kind, number(12, period)]
    return gzip.compress(b"".join(out), compresslevel=9, mtime=0)


def take(stream):
    """The next varint; None at the end."""
    value = shift = 0
    for byte in stream:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value


def numbers(data):
    """The values of a packed field."""
    stream = iter(data)
    return list(iter(lambda: take(stream), None))


def fields(data):
    """The fields of a message: (number, value), where a value is an int or bytes."""
    stream = iter(data)
    while (key := take(stream)) is not None:
        value = take(stream)
        yield key >> 3, bytes(itertools.islice(stream, value)) if key & 7 == 2 else value


def decode(data):
    """{(name, …) outermost first: samples} of a gzipped profile that `encode` made."""
    found = {field: [] for field in range(1, 7)}
    for field, value in fields(gzip.decompress(data)):
        if field in found:
            found[field].append(value)
    strings = [text.decode() for text in found[6]]
    functions = {function[1]: strings[function[2]] for function in map(dict, map(fields, found[5]))}
    places = {}
    for location in map(list, map(fields, found[4])):
        lines = [dict(fields(value)) for field, value in location if field == 4]
        places[dict(location)[1]] = [functions[line[1]] for line in lines]
    stacks = Counter()
    for sample in map(dict, map(fields, found[2])):
        inner = [name for place in numbers(sample.get(1, b"")) for name in places[place]]
        stacks[tuple(reversed(inner))] += numbers(sample[2])[0]
    return stacks
