'use strict';

// The parts of a Markdown file that can be wrong: code, tables, links, headings.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');

const FENCED = /^```.*?^```$/gms;

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');

// Every page a reader of the repository is sent to.
const PAGES = [
  'README.md', 'DESIGN.md', 'CONTRIBUTING.md', 'CHANGELOG.md',
  ...fs.readdirSync(path.join(ROOT, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md')).sort().map((name) => `docs/${name}`),
  ...fs.readdirSync(path.join(ROOT, 'crates')).map((crate) => `crates/${crate}/README.md`)
    .filter((file) => fs.existsSync(path.join(ROOT, file))),
];

// The fenced code blocks, each with the words of the `<!-- test: … -->` on the line before it.
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
      file, line: index + 1, language: language.trim(), marker, text: `${lines.slice(index + 1, end).join('\n')}\n`,
    });
    index = end;
  }
  return blocks;
}

const cellsOf = (line) => line.slice(1, -1).split('|').map((cell) => cell.trim());

// The tables: where each is, the heading above it, its first row and the rows below that, as cells.
function tablesOf(file) {
  const tables = [];
  let heading = '';
  let table;
  // Code is blanked out, not removed: the line numbers stay.
  const text = read(file).replace(FENCED, (code) => code.replace(/.+/g, ''));
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('|')) {
      table = undefined;
    } else if (!table) {
      table = {
        file, line: index + 1, heading, head: cellsOf(line), rows: [],
      };
      tables.push(table);
    } else if (!/^\|[- |]+\|$/.test(line)) {
      table.rows.push(cellsOf(line));
    }
  });
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

const anchorsOf = (file) => [...read(file).replace(FENCED, '').matchAll(/^#+ (.+)$/gm)]
  .map(([, heading]) => anchorOf(heading));

// The commands of a block, without comments and line breaks.
const commandsOf = ({ text }) => text.replaceAll('\\\n', ' ').trim().split('\n').map((line) => line.replace(/ +#.*/, ''));

const unquoted = (cell) => cell.replaceAll('`', '');
const sorted = (names) => [...new Set(names)].sort();

module.exports = {
  PAGES, ROOT, anchorsOf, blocksOf, codeIn, commandsOf, linksOf, read, sectionOf, sorted, tablesOf, unquoted,
};
