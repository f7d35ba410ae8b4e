'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { rows: faultTable } = require('../support/faults');
const { codeIn, read } = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/failures.md');

describe('what happens when', () => {
  // Of the faults that ../faults plays, those that say what an app sees of them.
  const faults = faultTable().filter(({ sees }) => sees);

  // What is no fault of the network: by row, a test and words of its name or case.
  const ELSEWHERE = {
    'More calls are under way than `maxConnections` and `maxQueue` allow': ['faults/overload', 'calls over the limit at once'],
    'The application\'s credentials provider fails': ['process/credentials', 'rejects: ['],
    'The application\'s credentials provider never answers': ['process/credentials', "'never answers': ["],
    'AWS Lambda freezes the process and thaws it': ['process/lambda', 'the next request succeeds, without retries'],
    'A visitor signs out while another request of theirs is under way': ['protocol/logout', 'the session stays away'],
    'The item was written by a later version': ['frameworks/koa/failures', 'a row in a layout of the future'],
    'An item that someone else wrote cannot be read': ['hostile/items', 'an error that does not quote it'],
    'A cookie holds what cannot be a session id': ['hostile/ids', 'no session, no request'],
    'The table has another partition key than `table.hashKey`, or a sort key': ['table/other-key', "code: 'ConfigError'"],
    'The table is there, and a request of `autoCreate` about it fails': ['table/housekeeping', ': sessions work in '],
  };

  const shown = page.rows('What happens when…', 'what happens');

  it('every fault that says what an app sees is a row, and every row is tested', () => {
    const expected = faults.map(({ fault, sees, after }) => [fault, sees, after]);
    assert.deepEqual(shown.slice(0, faults.length), expected);
    assert.deepEqual(shown.slice(faults.length).map(([what]) => what), Object.keys(ELSEWHERE));
  });

  faults.forEach(({
    fault, sees, after, expect,
  }) => {
    it(`${fault}: says what is expected of it`, () => {
      const { js, attempts, at = [] } = expect['*'];
      if (js) assert.ok(codeIn(sees).includes(js), js);
      else assert.match(sees, /^nothing/);
      const [, count] = /(\d+) attempts/.exec(after) ?? [];
      if (count) assert.equal(Number(count), attempts);
      const [, seconds] = /^(\d+) s\b/.exec(after) ?? [];
      if (seconds || at.length > 0) assert.equal(Number(seconds), at.at(-1) / 1000);
    });
  });

  Object.entries(ELSEWHERE).forEach(([what, [file, words]]) => {
    it(`${what}: is tested elsewhere`, () => assert.ok(read(`node/test/${file}.test.js`).includes(words)));
  });
});

page.complete();
