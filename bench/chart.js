'use strict';

// The chart of docs/benchmarks.md, as SVG: bars from zero, a panel for each measure.

const { nameOf, STORES } = require('./plan.js');
const { medianOf } = require('./targets.js');

const NAMES = {
  ours: 'this package', legacy: 'version 1.1.1', 'connect-dynamodb': 'connect-dynamodb 3', 'sdk-v3': 'AWS SDK v3',
};

const WIDTH = 880;
const PANEL = { width: 420, height: 132, gap: 40 };
const BAR = {
  height: 16, step: 24, left: 152, width: 194,
};

const digits = (number) => String(Number(number.toPrecision(number < 100 ? 2 : 3)));

function panel({ title, unit, values }, index) {
  const x = (index % 2) * (PANEL.width + PANEL.gap);
  const y = 8 + Math.floor(index / 2) * (PANEL.height + 16);
  const most = Math.max(...values);
  const bars = values.map((value, row) => {
    const top = 28 + row * BAR.step;
    const middle = top + BAR.height / 2;
    const length = Math.max(1, (value / most) * BAR.width);
    const kind = row === 0 ? 'ours' : 'peer';
    return [
      `<text class="${kind}-name" x="${BAR.left - 8}" y="${middle}" dy="0.35em" text-anchor="end">${NAMES[STORES[row]]}</text>`,
      `<rect class="${kind}" x="${BAR.left}" y="${top}" width="${length.toFixed(1)}" height="${BAR.height}" rx="2"/>`,
      `<text x="${(BAR.left + length + 6).toFixed(1)}" y="${middle}" dy="0.35em">${digits(value)} ${unit}</text>`,
    ].join('\n    ');
  });
  return `  <g transform="translate(${x} ${y})">
    <text class="title" y="14">${title}</text>
    ${bars.join('\n    ')}
  </g>`;
}

function chart({ runs, start }) {
  const of = (results, measure) => STORES.map((name) => medianOf(results[name], measure));
  const panels = [
    { title: 'Event loop: CPU per get', unit: 'µs', values: of(runs[nameOf('null', 'get')], 'loopUs') },
    { title: 'Event loop: CPU per changed set', unit: 'µs', values: of(runs[nameOf('null', 'set')], 'loopUs') },
    { title: 'Cold start: require + first get over TLS', unit: 'ms', values: of(start.tls, 'totalMs') },
    { title: 'Memory under load: peak RSS', unit: 'MB', values: of(runs[nameOf('null', 'set')], 'rssMb') },
  ];
  const height = Math.ceil(panels.length / 2) * (PANEL.height + 16);
  const said = panels.map(({ title, unit, values }) => (
    `${title}: ${values.map((value, row) => `${NAMES[STORES[row]]} ${digits(value)} ${unit}`).join(', ')}.`));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="said">
  <title id="said">${said.join(' ')}</title>
  <style>
    /* Legible on white and on black, for browsers that do not say which one is used. */
    text { font: 13px system-ui, sans-serif; fill: #747d87; }
    .title, .ours-name { font-weight: 600; }
    .ours { fill: #2da44e; }
    .peer { fill: #8c959f; }
    @media (prefers-color-scheme: light) { .title, .ours-name { fill: #1f2328; } .peer { fill: #afb8c1; } }
    @media (prefers-color-scheme: dark) { .title, .ours-name { fill: #f0f6fc; } .peer { fill: #59626c; } }
  </style>
${panels.map(panel).join('\n')}
</svg>
`;
}

module.exports = { chart };
