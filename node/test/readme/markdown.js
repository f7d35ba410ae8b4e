'use strict';

// The parts of a Markdown file that can be wrong: code, tables, links.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');

const FENCED = /^```.*?^```$/gms;

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

// The fenced code blocks, each with the words of the `<!-- test: … -->` right before it.
function blocksOf(file) {
  const lines = read(file).split('\n');
  const blocks = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = /^(`{3,}|~{3,})(.*)$/.exec(lines[index].trimStart());
    if (!opening) continue;
    const [, fence, language] = opening;
    const end = lines.findIndex((line, at) => at > index && line.trim() === fence);
    const marker = /^<!-- test: (.+) -->$/.exec(lines[index - 1])?.[1] ?? '';
    blocks.push({
      file,
      line: index + 1,
      language: language.trim(),
      marker: marker.split(' '),
      text: `${lines.slice(index + 1, end).join('\n')}\n`,
    });
    index = end;
  }
  return blocks;
}

const cellsOf = (line) => line.slice(1, -1).split('|').map((cell) => cell.trim());

// The tables, by heading and first header cell: rows of cells.
function tablesOf(file) {
  const tables = [];
  let heading = '';
  let table;
  for (const line of read(file).replace(FENCED, '').split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('|')) {
      table = undefined;
    } else if (!table) {
      table = { heading, head: cellsOf(line), rows: [] };
      tables.push(table);
    } else if (!/^\|[-|]+\|$/.test(line)) {
      table.rows.push(cellsOf(line));
    }
  }
  return tables;
}

// The part of a text under a heading.
function sectionOf(file, heading) {
  const text = `\n${read(file)}\n# `;
  const from = text.search(new RegExp(`\\n#+ ${heading}\\n`));
  if (from < 0) throw new Error(`${file} has no section ${heading}`);
  return text.slice(from + 1, text.indexOf('\n#', from + 1));
}

// What stands between backticks, outside of code blocks.
const codeIn = (text) => [...text.replace(FENCED, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code);

const anchorOf = (heading) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

function linksOf(file) {
  const text = read(file).replace(FENCED, '');
  return [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
}

const anchorsOf = (file) => [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading));

module.exports = {
  ROOT, anchorsOf, blocksOf, codeIn, linksOf, read, sectionOf, tablesOf,
};
