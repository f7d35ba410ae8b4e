'use strict';

/**
 * Writes what is made of the option table, lib/options: the types, the Flow types and the tables of docs/options.md.
 *
 *   npm run options
 */

const fs = require('node:fs');
const path = require('node:path');
const docs = require('../lib/options/docs.js');
const { OPTIONS: LAYOUT } = require('../lib/layouts/index.js');
const { IGNORED, WARNED } = require('../lib/options/dynamo-rare.js');
const { DYNAMO, STORE, TABLE } = require('../lib/options/table.js');

const ROOT = path.join(__dirname, '../..');

const quoted = (values) => values.map((value) => `'${value}'`).join(' | ');

/** The types of ./check.js, as both TypeScript and Flow call them. */
const TYPES = {
  boolean: 'boolean', number: 'number', numeric: 'number | string', string: 'string', unicode: 'string',
};

/** The options of a group as `{ name, path, row, doc }`; those inside of objects too, under their whole path. */
function optionsOf(rows, prefix) {
  return Object.entries(rows).flatMap(([name, row]) => (row.members
    ? optionsOf(row.members, `${prefix}${name}.`)
    : [{
      name, path: `${prefix}${name}`, row, doc: docs[`${prefix}${name}`],
    }]));
}

const documented = () => [
  ...optionsOf(TABLE, 'table.'), ...optionsOf({ ...STORE, ...LAYOUT }, ''), ...optionsOf(DYNAMO, 'dynamoConfig.'),
].filter(({ row }) => !row.isIgnored);

/** The values that an option can have, where its text does not explain them. */
function valuesOf({ row, doc }) {
  if (!Array.isArray(row.type) || row.type.length < 2 || row.type.every((value) => doc.text.includes(value))) return '';
  return ` One of ${row.type.map((value) => `\`${value}\``).join(', ')}.`;
}

/** The default as the manual shows it; undefined where an option has no default. */
function defaultOf({ row, doc }) {
  if (doc.default) return doc.default;
  return row.default === undefined ? undefined : `\`${row.default}\``;
}

// --- Types.

const LANGUAGES = {
  typescript: {
    open: (name, base) => `export interface ${name}${base ? ` extends ${base}` : ''} {`,
    close: '}',
    end: ';',
    object: (lines) => ['{', ...lines, '}'],
  },
  flow: {
    open: (name, base) => `export type ${name} = Readonly<{|${base ? `\n  ...${base},` : ''}`,
    close: '|}>;',
    end: ',',
    object: (lines) => ['Readonly<{|', ...lines, '|}>'],
  },
};

/** A comment of at most 120 columns. */
function comment(text, indent) {
  const oneLine = `${indent}/** ${text} */`;
  if (oneLine.length <= 120) return [oneLine];
  const lines = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && `${indent} * ${line} ${word}`.length > 120) {
      lines.push(`${indent} * ${line}`);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [`${indent}/**`, ...lines, `${indent} * ${line}`, `${indent} */`];
}

const indented = (lines) => lines.map((line) => `  ${line}`);

function typeOf(row, doc, language) {
  if (doc?.[language]) return doc[language];
  return Array.isArray(row.type) ? quoted(row.type) : TYPES[row.type];
}

/** The members of a type. `suffix` is added to each member's own type. */
function members(rows, prefix, language, suffix = '') {
  const { end, object } = LANGUAGES[language];
  return Object.entries(rows).flatMap(([name, row]) => {
    if (row.members) {
      const [first, ...rest] = object(indented(members(row.members, `${prefix}${name}.`, language)));
      return [`${name}?: ${first}`, ...rest.slice(0, -1), `${rest.at(-1)}${suffix}${end}`];
    }
    const doc = docs[`${prefix}${name}`];
    const type = typeOf(row, doc, language);
    if (row.isIgnored) return [...comment('Ignored.', ''), `${name}?: ${type}${end}`];
    const value = defaultOf({ row, doc });
    return [
      ...comment(value ? `${doc.text} Default: ${value}.` : doc.text, ''),
      `${name}?: ${type}${suffix}${end}`,
      ...(row.alias ? [...comment(`@deprecated The older name of \`${name}\`.`, ''), `${row.alias}?: ${type}${end}`] : []),
    ];
  });
}

/** The options of the AWS SDK that have no effect. */
function withoutEffect(language) {
  const { end } = LANGUAGES[language];
  return [
    ...Object.entries(WARNED).flatMap(([name, [, why]]) => [
      ...comment(`Without effect: ${why}.`, ''), `${name}?: boolean | null${end}`,
    ]),
    ...IGNORED.flatMap((name) => [...comment('Ignored.', ''), `${name}?: unknown${end}`]),
  ];
}

function declaration(name, about, lines, language, base = undefined) {
  const { open, close } = LANGUAGES[language];
  return [...comment(about, ''), open(name, base), ...indented(lines), close, ''];
}

function types(language) {
  const { end } = LANGUAGES[language];
  return [
    ...declaration('TableOptions', 'The option `table`.', members(TABLE, 'table.', language), language),
    ...declaration('DynamoConfig', 'The option `dynamoConfig`: the options of the AWS SDK v2\'s `AWS.DynamoDB`. `null` counts as not given.', [
      ...members(DYNAMO, 'dynamoConfig.', language, ' | null'), ...withoutEffect(language),
    ], language),
    ...declaration('Options', 'The options of a store.', [
      `table?: TableOptions${end}`,
      ...comment('Connection and credentials.', ''),
      `dynamoConfig?: DynamoConfig${end}`,
      ...members(STORE, '', language),
    ], language),
    ...declaration('ExpressOptions', 'The options of a store for express-session and @fastify/session.', members(LAYOUT, '', language), language, 'Options'),
  ].join('\n');
}

const declarations = () => `// Generated from lib/options by scripts/options.js. Do not edit.

import type {
  Credentials, CredentialsChainV2, CredentialsProvider, CredentialsV2, EncryptionKey, KmsKeys,
} from './common.js';

${types('typescript')}`;

// --- The manual.

function table(options, shown = ({ path: whole }) => whole) {
  const rows = options.map((option) => `| \`${shown(option)}\` | ${defaultOf(option) ?? 'not set'} | ${option.doc.text}${valuesOf(option)} |`);
  return ['| option | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

const isOfDynamo = ({ path: whole }) => whole.startsWith('dynamoConfig.');

const storeTable = () => `${table(documented().filter((option) => !isOfDynamo(option)))}
| \`dynamoConfig\` | not set | Connection and credentials, see [dynamoConfig](#dynamoconfig). |`;

const dynamoTable = () => table(documented().filter(isOfDynamo), ({ path: whole }) => whole.replace('dynamoConfig.', ''));

/** Wraps a line of Markdown. */
const wrapped = (text) => comment(text, '').filter((line) => !/^\/\*\*$|^ \*\/$/.test(line))
  .map((line, index) => (index ? line.replace(/^ \*/, ' ') : line.replace(/^ \* /, ''))).join('\n');

const ignoredList = () => wrapped(`- **Ignored**, because they have no meaning here or are always followed: ${IGNORED.map((name) => `\`${name}\``).join(', ')}.`);

// --- The files.

/** The text with `content` between the marker `name` and its end. */
function between(text, name, [before, after], content) {
  const start = `${before}options: ${name}${after}`;
  const end = `${before}end of options${after}`;
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no marker "${start}" with its end`);
  return `${text.slice(0, from)}${start}\n${content}\n${text.slice(to)}`;
}

const FLOW = ['// ', ''];
const MARKDOWN = ['<!-- ', ' -->'];

/** Every file that is made of the table, in whole or in part: its path and what it should contain. */
function outputs() {
  const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
  const manual = [['store', storeTable], ['dynamoConfig', dynamoTable], ['ignored', ignoredList]];
  return {
    'node/types/options.d.ts': declarations(),
    'node/index.js.flow': between(read('node/index.js.flow'), 'generated by scripts/options.js', FLOW, types('flow')),
    'docs/options.md': manual.reduce((text, [name, make]) => between(text, name, MARKDOWN, make()), read('docs/options.md')),
  };
}

module.exports = { documented, outputs, ROOT };

if (require.main === module) {
  for (const [file, text] of Object.entries(outputs())) fs.writeFileSync(path.join(ROOT, file), text);
}
