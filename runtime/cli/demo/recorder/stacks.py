"""Stacks of perf's samples, with what the compiler put inside other functions, and lines.

A frame is (name, file, line). A place is one address with its frames, innermost first: more than one where functions
are inlined.
"""

import re
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass

from .case import SERVICE

HASH = re.compile(r"::h[0-9a-f]{16}$")


@dataclass(frozen=True)
class Place:
    image: str
    address: int
    frames: tuple


IN_KERNEL = Place("[kernel]", 0, (("[kernel]", "", 0),))


def read_samples(data):
    """Each sample's places as perf knows them, innermost first: offset into the image, name, image."""
    command = ["perf", "script", "-i", str(data), "--no-inline", "-F", "comm,ip,sym,dso"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    samples = []
    for block in text.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if not lines:
            continue
        frames = [re.match(r"\s*([0-9a-f]+) (.*) \((.*)\)$", line) for line in lines[1:]]
        samples.append(tuple((int(frame[1], 16), frame[2], frame[3]) for frame in frames if frame))
    return samples


class Symbols:
    """The places of one revision's binary, which was built in the folder `tree`."""

    def __init__(self, binary, tree):
        self.binary, self.tree, self.known = binary, f"{tree}/", {}
        data = binary.read_bytes()
        offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
        headers = [struct.unpack_from("<IIQQQQ", data, offset + size * number) for number in range(count)]
        self.segments = [(start, length, address) for kind, _, start, address, _, length in headers if kind == 1]

    def stacks(self, samples):
        """Samples as stacks of places: {(place, …) innermost first: samples}. Each sample is in it once."""
        self.resolve({frame for frames in samples for frame in frames if frame not in self.known})
        return Counter(self.stack(frames) for frames in samples)

    def address(self, offset):
        """The address of an offset into the file, as the ELF segments map it."""
        for start, length, address in self.segments:
            if start <= offset < start + length:
                return address + offset - start
        return offset

    def resolve(self, frames):
        """Learns the places of frames: functions and lines of the binary's own, and names of the libraries'."""
        self.known.update({frame: Place(frame[2], frame[0], ((name_of(frame[1]), "", 0),)) for frame in frames})
        own = sorted(frame for frame in frames if frame[2] == str(self.binary))
        addresses = "\n".join(f"{self.address(offset):#x}" for offset, _, _ in own)
        command = ["addr2line", "--exe", str(self.binary), "--inlines", "--functions", "--demangle", "--addresses"]
        done = subprocess.run(command, input=addresses, capture_output=True, text=True, check=True)
        groups = re.split(r"^0x[0-9a-f]+\n", done.stdout, flags=re.M)[1:]
        for frame, group in zip(own, groups, strict=True):
            lines = group.splitlines()
            names = [HASH.sub("", name) for name in lines[::2]]
            # The last is the function that is really there. perf takes its name from the symbol table, which has all.
            names[-1] = name_of(frame[1])
            inside = [(name, *self.file_and_line(at)) for name, at in zip(names, lines[1::2], strict=True)]
            # Library code that was inlined counts as the function that it was inlined into.
            kept = [one for one in inside[:-1] if one[0].startswith(SERVICE + "::")]
            self.known[frame] = Place(SERVICE, self.address(frame[0]), (*kept, inside[-1]))

    def file_and_line(self, text):
        file, line = re.sub(r" \(discriminator \d+\)$", "", text).rsplit(":", 1)
        return ("" if file == "??" else file.removeprefix(self.tree)), int(line) if line.isdigit() else 0

    def stack(self, frames):
        """A sample's places, innermost first. The kernel is one place."""
        places = []
        for frame in frames:
            _, symbol, image = frame
            if image.startswith("[") and image != "[vdso]" and symbol != "[unknown]":
                if places[-1:] != [IN_KERNEL]:
                    places.append(IN_KERNEL)
            else:
                places.append(self.known[frame])
        return tuple(places)


def name_of(symbol):
    """A symbol's name without version and hash."""
    return re.sub(r"@+GLIBC.*|(?<=.)@plt$", "", HASH.sub("", symbol))
