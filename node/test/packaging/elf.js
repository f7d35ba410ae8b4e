'use strict';

// The little of an ELF file that the tests ask about or change: its sections, and what it needs of the system.

const fs = require('node:fs');

const SHT_GNU_VERNEED = 0x6ffffffe;

function sectionsOf(bytes) {
  const is64BitLittleEndian = bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  if (!is64BitLittleEndian) throw new Error('not a 64-bit little-endian ELF file');
  const at = Number(bytes.readBigUInt64LE(0x28));
  const size = bytes.readUInt16LE(0x3a);
  const count = bytes.readUInt16LE(0x3c);
  const sections = Array.from({ length: count }, (_, n) => {
    const header = at + n * size;
    return {
      name: bytes.readUInt32LE(header),
      type: bytes.readUInt32LE(header + 4),
      offset: Number(bytes.readBigUInt64LE(header + 24)),
      link: bytes.readUInt32LE(header + 40),
      info: bytes.readUInt32LE(header + 44),
    };
  });
  const names = sections[bytes.readUInt16LE(0x3e)].offset;
  return sections.map((section) => ({ ...section, name: text(bytes, names + section.name) }));
}

function text(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

// Answers the sections' names and, for each library needed, the versions of its symbols.
function inspect(file) {
  const bytes = fs.readFileSync(file);
  const sections = sectionsOf(bytes);
  const needed = {};
  const versions = sections.find(({ type }) => type === SHT_GNU_VERNEED);
  if (versions) {
    const strings = sections[versions.link].offset;
    let library = versions.offset;
    for (let n = 0; n < versions.info; n += 1) {
      const list = [];
      let entry = library + bytes.readUInt32LE(library + 8);
      for (let left = bytes.readUInt16LE(library + 2); left > 0; left -= 1) {
        list.push(text(bytes, strings + bytes.readUInt32LE(entry + 8)));
        entry += bytes.readUInt32LE(entry + 12);
      }
      needed[text(bytes, strings + bytes.readUInt32LE(library + 4))] = list;
      library += bytes.readUInt32LE(library + 12);
    }
  }
  return { sections: sections.map(({ name }) => name), needed };
}

// The file with another name, which is not longer, in place of the only mention of one.
function rename(bytes, from, to) {
  const at = bytes.indexOf(`\0${from}\0`);
  if (at < 0 || bytes.indexOf(`\0${from}\0`, at + 1) >= 0) throw new Error(`${from} is not mentioned exactly once`);
  const renamed = Buffer.from(bytes);
  renamed.fill(0, at + 1, at + 1 + from.length);
  renamed.write(to, at + 1, 'latin1');
  return renamed;
}

const MACHINES = { arm64: 183, x64: 62 };

// The file, marked as one for another processor.
function setMachine(bytes, processor) {
  const changed = Buffer.from(bytes);
  changed.writeUInt16LE(MACHINES[processor], 18);
  return changed;
}

module.exports = { inspect, rename, setMachine };
