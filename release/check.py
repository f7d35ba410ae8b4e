"""Checks a built file: python3 check.py addon|cli PLATFORM FILE

Prints JSON: the facts that were read from the file, and the problems, each one a sentence. LIEF reads the formats.
"""

import hashlib
import json
import os
import re
import sys

import lief

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
with open(os.path.join(ROOT, "node", "npm", "platforms.json"), encoding="utf-8") as file:
    PLATFORMS = {platform["name"]: platform for platform in json.load(file)}

# What a deployment has to download and to load.
ADDON_AT_MOST = 7 * 1024 * 1024

# What release/toolchain.js gives a linker for the time.
SOURCE_DATE_EPOCH = 315532800

# Node looks these up in an addon. Everything else is nobody's business.
ADDON_EXPORTS = {"napi_register_module_v1", "node_api_module_get_api_version_v1"}

# zig's linker exports these of a Mach-O file too. No other image finds them: each symbol of macOS is bound to its library.
MACHO_EXPORTS = r"_mh_dylib_header|__dso_handle|rust_eh_personality|_RNv\w+9panicking11EMPTY_PANIC"

# The libraries that every system of the kind has.
LIBRARIES = {
    "glibc": r"libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|libutil\.so\.1|libgcc_s\.so\.1|ld-linux-[\w-]+\.so\.\d",
    "musl": r"libc\.so|libc\.musl-\w+\.so\.1|ld-musl-\w+\.so\.1|libgcc_s\.so\.1",
    "darwin": r"/usr/lib/(libSystem\.B|libiconv\.2|libcharset\.1|libc\+\+\.1|libobjc\.A)\.dylib"
    r"|/System/Library/Frameworks/(Security|CoreFoundation)\.framework/Versions/A/\w+",
    # Those of Windows 10. Not those of a compiler, such as libgcc_s_seh-1.dll and libssp-0.dll.
    "win32": r"(?i)(kernel32|ntdll|advapi32|bcrypt|bcryptprimitives|crypt32|secur32|ncrypt|ws2_32|userenv|ole32|shell32|user32"
    r"|msvcrt|ucrtbase|api-ms-win-[\w-]+)\.dll",
}


class Check:
    def __init__(self, kind, platform, path):
        self.kind, self.platform, self.path = kind, platform, path
        self.facts, self.problems = {}, []
        with open(path, "rb") as opened:
            self.bytes = opened.read()

    def run(self):
        self.facts["size"] = len(self.bytes)
        if self.kind == "addon" and len(self.bytes) > ADDON_AT_MOST:
            self.problem(f"{len(self.bytes)} bytes, and at most {ADDON_AT_MOST} are allowed. Is it stripped?")
        self.paths()
        {"linux": self.elf, "darwin": self.macho, "win32": self.pe}[self.platform["os"]]()
        return {"facts": self.facts, "problems": self.problems}

    def problem(self, text):
        self.problems.append(text)

    def require(self, condition, text):
        if not condition:
            self.problem(text)

    def paths(self):
        """No place of the machine that built it."""
        places = [ROOT, os.path.expanduser("~"), os.environ.get("CARGO_HOME", ""), "/.cargo/registry", "/rustup/toolchains"]
        for place in places:
            # A short one, such as "/" of a container, would be found anywhere.
            at = self.bytes.find(place.encode()) if len(place) > 4 else -1
            if at >= 0:
                end = re.compile(rb"[^\x20-\x7e]").search(self.bytes, at)
                self.problem(f"holds a path of the machine that built it: {self.bytes[at:end.start()].decode()[:120]}")

    def libraries(self, needed, allowed):
        self.facts["libraries"] = sorted(needed)
        for library in needed:
            self.require(re.fullmatch(LIBRARIES[allowed], library), f"needs {library}, which not every system has")

    def exports(self, names, harmless=None):
        self.facts["exports"] = sorted(names)
        if self.kind == "addon":
            self.require("napi_register_module_v1" in names, "does not export napi_register_module_v1, which Node looks for")
            surplus = sorted(n for n in set(names) - ADDON_EXPORTS if not (harmless and re.fullmatch(harmless, n)))
            self.require(not surplus, f"exports {len(surplus)} symbols that Node does not look for, such as {surplus[:3]}")

    def elf(self):
        binary = lief.parse(self.path)
        machine = {"x64": lief.ELF.ARCH.X86_64, "arm64": lief.ELF.ARCH.AARCH64}[self.platform["cpu"]]
        self.require(binary.header.machine_type == machine, f"is for {binary.header.machine_type}")
        self.libraries(list(binary.libraries), self.platform["libc"])
        defined = [s for s in binary.dynamic_symbols if s.shndx != 0 and s.name]
        self.exports({s.name for s in defined} if self.kind == "addon" else set())
        undefined = sorted({s.name for s in binary.dynamic_symbols if s.shndx == 0 and s.name})
        self.facts["imports"] = len(undefined)
        if self.kind == "cli":
            self.require(not [n for n in undefined if n.startswith("napi_")], "imports functions of Node")
        self.glibc(binary)
        names = {section.name for section in binary.sections}
        self.require(not names & {".symtab", ".debug_info", ".debug_line"}, "is not stripped")
        flags = [entry for entry in binary.dynamic_entries if entry.tag == lief.ELF.DynamicEntry.TAG.FLAGS_1]
        is_kept = any(entry.has(lief.ELF.DynamicEntryFlags.FLAG.NODELETE) for entry in flags)
        self.facts["nodelete"] = is_kept
        # A dlclose() of musl unmaps nothing.
        if self.kind == "addon" and self.platform["libc"] == "glibc":
            self.require(is_kept, "is not linked with -z nodelete: a worker that ends would unmap code that still runs")
        # Code that the loader must not change, and no stack or text that can be written and run.
        self.require(binary.has(lief.ELF.Segment.TYPE.GNU_RELRO), "is not linked with -z relro")
        self.require(binary.has_nx, "has an executable stack")
        tags = {entry.tag for entry in binary.dynamic_entries}
        unwanted = {lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH}
        self.require(not tags & unwanted, "looks for libraries in places of its own (RPATH)")

    def glibc(self, binary):
        versions = [
            auxiliary.name
            for requirement in binary.symbols_version_requirement
            for auxiliary in requirement.get_auxiliary_symbols()
            if auxiliary.name.startswith("GLIBC_")
        ]
        if self.platform["libc"] == "musl":
            self.require(not versions, f"needs glibc: {versions}")
            return
        numbers = [tuple(map(int, v.removeprefix("GLIBC_").split("."))) for v in versions if v[6].isdigit()]
        highest = max(numbers, default=(0,))
        self.facts["glibc"] = ".".join(map(str, highest))
        limit = tuple(map(int, self.platform["glibc"].split(".")))
        self.require(highest <= limit, f"needs glibc {self.facts['glibc']}, and {self.platform['glibc']} is promised")

    def macho(self):
        fat = lief.MachO.parse(self.path)
        self.require(fat.size == 1, f"holds {fat.size} architectures")
        binary = fat.at(0)
        cpu = {"x64": lief.MachO.Header.CPU_TYPE.X86_64, "arm64": lief.MachO.Header.CPU_TYPE.ARM64}[self.platform["cpu"]]
        self.require(binary.header.cpu_type == cpu, f"is for {binary.header.cpu_type}")
        commands = list(binary.commands)
        self.facts["commands"] = sorted({str(command.command).split(".")[-1] for command in commands})
        own = [c for c in commands if isinstance(c, lief.MachO.DylibCommand) and c.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
        self.libraries([library.name for library in binary.libraries if library not in own and library.name not in [o.name for o in own]], "darwin")
        if self.kind == "addon":
            self.facts["installName"] = [c.name for c in own]
            for command in own:
                self.require(re.fullmatch(r"@rpath/[\w.-]+", command.name), f"its install name is a path of the build: {command.name}")
        self.exports({symbol.name.removeprefix("_") for symbol in binary.exported_symbols} if self.kind == "addon" else set(), MACHO_EXPORTS)
        self.imports_of_macho(binary)
        version = binary.build_version.minos if binary.has_build_version else binary.version_min.version
        self.facts["macos"] = ".".join(map(str, version[:2]))
        limit = [int(part) for part in self.platform["macos"].split(".")]
        self.require(list(version[:2]) == limit, f"is for macOS {self.facts['macos']}, and {self.platform['macos']} is promised")
        self.facts["signature"] = self.signature(binary)
        # Code for Intel needs none, also when Apple silicon translates it, and no linker gives it one.
        if self.platform["cpu"] == "arm64":
            self.require(self.facts["signature"] != "none", "is not signed: macOS on Apple silicon kills what has no signature")

    def imports_of_macho(self, binary):
        """Each symbol has its library. Only those of Node are looked up when the addon is loaded."""
        bindings = [binding for binding in binary.bindings if binding.has_symbol]
        self.facts["imports"] = len({binding.symbol.name for binding in bindings})
        flat = {b.symbol.name for b in bindings if not b.has_library}
        strange = sorted(name for name in flat if not (self.kind == "addon" and name.startswith("_napi_")))
        self.require(not strange, f"no library is known for {strange[:5]}")

    def signature(self, binary):
        """What kind of signature there is, after comparing its hashes with the pages of the file."""
        if not binary.has_code_signature:
            return "none"
        blob = bytes(binary.code_signature.content)
        # The code directory: its magic, and the fields after it, in big-endian order.
        at = blob.find(bytes.fromhex("fade0c02"))
        if at < 0:
            return "none"
        flags, hashes = (int.from_bytes(blob[at + n : at + n + 4], "big") for n in (12, 16))
        slots, covered = (int.from_bytes(blob[at + n : at + n + 4], "big") for n in (28, 32))
        size, page = blob[at + 36], 1 << blob[at + 39]
        self.require(size == 32, f"its signature has hashes of {size} bytes, and not those of SHA-256")
        for slot in range(slots):
            signed = blob[at + hashes + slot * size : at + hashes + (slot + 1) * size]
            actual = hashlib.sha256(self.bytes[slot * page : min((slot + 1) * page, covered)]).digest()
            if signed != actual:
                self.problem(f"its signature is not that of page {slot}: it was changed after it was signed")
                break
        return "ad hoc" if flags & 2 else "signed"

    def pe(self):
        binary = lief.parse(self.path)
        self.require(binary.header.machine == lief.PE.Header.MACHINE_TYPES.AMD64, f"is for {binary.header.machine}")
        delayed = {imported.name for imported in binary.delay_imports}
        self.libraries([imported.name for imported in binary.imports] + sorted(delayed), "win32")
        self.facts["imports"] = sum(len(list(imported.entries)) for imported in binary.imports)
        exported = binary.get_export()
        self.exports({entry.name for entry in exported.entries} if self.kind == "addon" and exported else set())
        protections = {"DYNAMIC_BASE": 0x40, "NX_COMPAT": 0x100, "HIGH_ENTROPY_VA": 0x20}
        for name, bit in protections.items():
            self.require(binary.optional_header.dll_characteristics & bit, f"is linked without {name}")
        self.facts["timestamp"] = binary.header.time_date_stamps
        self.require(self.facts["timestamp"] <= SOURCE_DATE_EPOCH, "holds the time when it was built")


if __name__ == "__main__":
    wanted, named, place = sys.argv[1:]
    lief.logging.disable()
    print(json.dumps(Check(wanted, PLATFORMS[named], place).run()))
