'use strict';

// The prices of an adapter in Markdown, as in docs/cost.md. `node test/cost/table.js` prints all tables.

const { SIZES, VIEWS } = require('./views');

const cell = (price) => {
  if (!price) return '–';
  const [operations, ...units] = price;
  return operations ? `${operations.split(' ').join(', ')}: ${units.join(' / ')}` : 'nothing';
};

const tableOf = ({ stores }) => {
  const names = [Object.keys(stores).at(0), Object.keys(stores).at(-1)];
  const rows = Object.keys(VIEWS).map((view) => [view, ...names.map((name) => cell(stores[name].prices[view]))]);
  return [['page view', ...names], ['---', ...names.map(() => '---')], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

const CAPTION = `Requests, and read + write capacity units, for sessions of ${Object.keys(SIZES).join(' / ')}.`;

module.exports = { CAPTION, tableOf };

if (require.main === module) {
  const adapters = require('./adapters'); // eslint-disable-line global-require -- only to print
  console.log([CAPTION, ...adapters.map((adapter) => `${adapter.name}\n\n${tableOf(adapter)}`)].join('\n\n'));
}
