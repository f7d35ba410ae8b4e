'use strict';

// The page and the chart are made by `make bench`, of one run's figures: none of them is changed by hand.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { read } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/benchmarks.md');
page.tables();

// What the chart may show for a number that the page rounds to three digits: it rounds the number itself.
const shownFor = (number) => [0.997, 1, 1.003].map((factor) => (
  String(Number((number * factor).toPrecision(number < 100 ? 2 : 3)))));
const numberIn = (cell) => Number(/^[\d ]+(\.\d+)?/.exec(cell)[0].replaceAll(' ', ''));

describe('the chart', () => {
  const NAMES = {
    'this package': '**this package**',
    'version 1.1.1': 'koa-session-dynamodb-store 1.1.1',
    'connect-dynamodb 3': 'connect-dynamodb 3',
    'AWS SDK v3': 'AWS SDK v3, lib-dynamodb',
  };
  const tls = page.tables().filter(({ head }) => head.includes('require + first get, ms')).at(-1);
  const under = (heading) => page.tables().find((table) => table.heading === heading);
  const PANELS = {
    'Event loop: CPU per get': [under('get'), 'event-loop CPU, µs'],
    'Event loop: CPU per changed set': [under('set'), 'event-loop CPU, µs'],
    'Cold start: require + first get over TLS': [tls, 'require + first get, ms'],
    'Memory under load: peak RSS': [under('set'), 'peak RSS, MB'],
  };
  const said = /<title id="said">(.*)<\/title>/.exec(read('docs/benchmarks.svg'))[1];

  Object.entries(PANELS).forEach(([title, [table, column]]) => {
    it(`${title}: the figures of the page`, () => {
      const [, values] = new RegExp(`${title.replace('+', '\\+')}: (.*?)\\.( |$)`).exec(said);
      values.split(', ').forEach((value) => {
        const [, name, shown] = /^(.*) ([\d.]+) \S+$/.exec(value);
        const row = table.rows.find(([first]) => first === NAMES[name]);
        assert.ok(shownFor(numberIn(row[table.head.indexOf(column)])).includes(shown), `${name}: ${shown}`);
        assert.ok(read('docs/benchmarks.svg').includes(`>${shown} `), 'a bar says it too');
      });
    });
  });
});

it('the README shows it', () => assert.match(read('README.md'), /!\[[^\]]+\]\(docs\/benchmarks\.svg\)/));

it('a target is met where the page says so', () => {
  const { rows } = page.tables().find(({ head }) => head[1] === 'target');
  rows.forEach(([what, target, found, verdict]) => {
    const limit = /(?:≤|≥) (?:1\/)?([\d.]+)/.exec(target);
    const isPart = target.includes('1/');
    const atLeast = target.includes('≥') || isPart;
    const values = [...found.matchAll(isPart ? /1\/([\d.]+)/g : /([\d.]+)(?: ×| MB|,|$)/g)].map(([, value]) => Number(value));
    assert.ok(values.length > 0, what);
    const met = values.every((value) => (atLeast ? value >= Number(limit[1]) : value <= Number(limit[1])));
    assert.equal(verdict, met ? 'pass' : '**falls short**', what);
  });
});

page.complete();
