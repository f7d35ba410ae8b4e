'use strict';

// In a process of its own: how long from before the `require` to the end of the first `get`, in milliseconds.
// Arguments: package, port.

const { create } = require('./store'); // which requires the package only when it creates one

const [name, port] = process.argv.slice(2);
const begin = process.hrtime.bigint();
create(name, port).get('0123456789abcdef0123456789abcdef').then((value) => {
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  if (value.views !== 42) throw new Error(`read ${JSON.stringify(value)}`);
  process.stdout.write(`${milliseconds}\n`, () => process.exit(0));
});
