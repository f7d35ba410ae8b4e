'use strict';

// `make soak`: node run.js [MINUTES]. SEED in the environment repeats a run's choices.

const { randomInt } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const report = require('./report');
const soak = require('./soak');

const ROOT = path.resolve(__dirname, '../../..');
const EVERY_S = process.stderr.isTTY ? 1 : 30;

const fail = (message) => {
  console.error(message);
  process.exit(2);
};

const main = async () => {
  const minutes = Number(process.argv[2] || 10);
  const seed = Number(process.env.SEED || randomInt(2 ** 31));
  if (!(minutes > 0)) fail('usage: MINUTES=10 make soak; minutes must be a number above 0');
  if (!Number.isInteger(seed)) fail('SEED must be a whole number, as an earlier soak has printed it');
  console.error(`soak for ${minutes} minutes, seed ${seed}`);
  let printedMs = 0;
  const onProgress = ({ ms, visitors, app }) => {
    if (ms - printedMs < EVERY_S * 1000) return;
    printedMs = ms;
    const { requests, failed, logouts } = visitors.counts;
    const { rssMb = 0, files = 0, delayMs = 0 } = app.samples.at(-1) ?? {};
    const line = `${Math.round(ms / 1000)} s: ${requests} requests, ${failed} failed, ${logouts} logouts, `
      + `${visitors.violations.length} violations; ${rssMb.toFixed(0)} MB, ${files} files, delay ${delayMs.toFixed(0)} ms`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  };
  const found = await soak({ ms: minutes * 60000, seed, onProgress });
  const text = report(found);
  const file = path.join(ROOT, 'target', 'soak.md');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  console.log(`${process.stderr.isTTY ? '\n' : ''}${text}\nWritten to ${file}`);
  process.exit(found.violations.length > 0 ? 1 : 0); // even if a part of the soak is still running
};

main();
