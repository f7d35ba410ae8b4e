'use strict';

// The prices of an adapter, also where ids are hashed, and those of sealed sessions, in Markdown, as in docs/cost.md.
// `node test/cost/table.js` prints all tables.

const { COLUMNS } = require('./hashed');
const { FORMS, PRICES } = require('./sealed');
const users = require('./users');
const { SIZES, VIEWS } = require('./views');

const cell = (price) => {
  if (!price) return '–';
  const [operations, ...units] = price;
  return operations ? `${operations.split(' ').join(', ')}: ${units.join(' / ')}` : 'nothing';
};

const markdown = (head, rows) => [head, head.map(() => '---'), ...rows]
  .map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const tableOf = ({ stores }) => {
  const names = [Object.keys(stores).at(0), Object.keys(stores).at(-1)];
  const rows = Object.keys(VIEWS).map((view) => [view, ...names.map((name) => cell(stores[name].prices[view]))]);
  return markdown(['page view', ...names], rows);
};

// The prices of sealed sessions beside plain ones.
const sealedTable = () => markdown(
  ['session', ...Object.keys(FORMS)],
  Object.entries(PRICES).map(([session, cells]) => [session, ...cells]),
);

// The prices of page views where ids are hashed.
const hashedTable = ({ stores }) => {
  const columns = Object.values(COLUMNS).map((name) => stores[name].prices);
  const rows = Object.keys(VIEWS).map((view) => [view, ...columns.map((prices) => cell(prices[view]))]);
  return markdown(['page view', ...Object.keys(COLUMNS)], rows);
};

// The operations of a price, each with how often it is sent.
const countedCell = ([operations, ...units]) => {
  const names = operations.split(' ');
  const counted = [...new Set(names)].map((name) => {
    const count = names.filter((other) => other === name).length;
    return count > 1 ? `${count} ${name}` : name;
  });
  return `${counted.join(', ')}: ${units.join(' / ')}`;
};

// The prices of the sessions of users, beside those of page views, which are the same as without the option.
const usersTable = (adapters) => {
  const columns = ['koa-session 7', 'express-session'].map((name) => adapters.find((adapter) => adapter.name === name));
  const views = Object.entries(users.VIEWS).map(([name, view]) => (
    [name, ...columns.map(({ stores }) => countedCell(stores['this package, users'].prices[view]))]));
  const own = Object.entries(users.PRICES).map(([name, price]) => [name, ...columns.map(() => countedCell(price))]);
  const isSignIn = ([name]) => name.includes('sign-in');
  const rows = [...own.filter(isSignIn), ...views, ...own.filter((row) => !isSignIn(row))];
  return markdown(['', ...columns.map(({ name }) => name)], rows);
};

const CAPTION = `Requests, and read + write capacity units, for sessions of ${Object.keys(SIZES).join(' / ')}.`;

module.exports = {
  CAPTION, hashedTable, sealedTable, tableOf, usersTable,
};

if (require.main === module) {
  const adapters = require('./adapters'); // eslint-disable-line global-require -- only to print
  const tables = [tableOf, hashedTable].flatMap((table) => adapters.map((adapter) => `${adapter.name}\n\n${table(adapter)}`));
  console.log([CAPTION, ...tables, sealedTable(), usersTable(adapters)].join('\n\n'));
}
