'use strict';

// The constructor refuses invalid options of the protocol, and names them.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { warningsOf } = require('../support/warnings');

const dynamoConfig = {
  region: 'local', endpoint: 'http://127.0.0.1:1', accessKeyId: 'a', secretAccessKey: 'b',
};
const make = (options) => new DynamoDBStore({ dynamoConfig, ...options });
const makeExpress = (options) => new ExpressStore({ dynamoConfig, ...options });

const NUMBERS = {
  [-1]: RangeError,
  NaN: RangeError,
  Infinity: RangeError,
  [-Infinity]: RangeError,
  '1e300': RangeError,
};
const OTHERS = {
  'a string': '60000', 'an object': {}, 'a list': [1], true: true, false: false, 'a bigint': 1n, 'a function': () => {},
};

['touchAfter', 'absoluteMaxAge', 'operationTimeout', 'maxConnections', 'maxQueue', 'retryBudget'].forEach((name) => {
  describe(name, () => {
    Object.entries(NUMBERS).forEach(([value, Type]) => {
      it(`${value} is refused`, () => {
        assert.throws(() => make({ [name]: Number(value) }), (error) => {
          assert.ok(error instanceof Type, error.stack);
          assert.match(error.message, new RegExp(`^${name} must be `));
          return true;
        });
      });
    });

    Object.entries(OTHERS).forEach(([what, value]) => {
      it(`${what} is refused`, () => {
        assert.throws(() => make({ [name]: value }), { name: 'TypeError', message: `${name} must be a number` });
      });
    });

    it('undefined is as if it were not there', () => { make({ [name]: undefined }); });

    [1, 1000, 2 ** 32 - 1].forEach((value) => {
      it(`${value} is taken`, () => { make({ [name]: value }); });
    });
  });
});

['operationTimeout', 'maxConnections'].forEach((name) => {
  describe(name, () => {
    it('0 would leave nothing', () => {
      assert.throws(() => make({ [name]: 0 }), { name: 'RangeError', message: new RegExp(`^${name} must be `) });
    });
  });
});

describe('absoluteMaxAge', () => {
  it('0 would end every session at once', () => {
    assert.throws(() => make({ absoluteMaxAge: 0 }), { name: 'RangeError', message: /^absoluteMaxAge must be / });
  });
});

describe('touchAfter', () => {
  it('0 is off', () => { make({ touchAfter: 0 }); });
});

['parallelChanges', 'conflict'].forEach((name) => describe(name, () => {
  ['merge', 'overwrite'].forEach((value) => it(`'${value}' is taken`, () => { make({ [name]: value }); }));

  it('undefined is as if it were not there', () => { make({ [name]: undefined }); });

  ['', 'Merge', 'MERGE', 'error', 'merge ', '__proto__', 'constructor'].forEach((value) => {
    it(`'${value}' is refused`, () => {
      assert.throws(() => make({ [name]: value }), {
        name: 'RangeError', message: `${name} must be one of merge, overwrite`,
      });
    });
  });

  [null, true, 1, {}, ['merge'], () => 'merge'].forEach((value) => {
    it(`${typeof value === 'object' ? JSON.stringify(value) : value} is refused`, () => {
      assert.throws(() => make({ [name]: value }), { name: 'TypeError', message: `${name} must be a string` });
    });
  });
}));

describe('hashIds', () => {
  const message = 'hashIds must be one of false, read, on, only';

  [false, 'read', 'on', 'only', undefined].forEach((value) => {
    it(`${value} is taken by both classes`, () => { [make, makeExpress].forEach((made) => made({ hashIds: value })); });
  });

  ['', 'off', 'false', 'true', 'On', 'ONLY', 'only ', 'write', '__proto__', 'toString'].forEach((value) => {
    it(`'${value}' is refused`, () => {
      [make, makeExpress].forEach((made) => assert.throws(() => made({ hashIds: value }), { name: 'RangeError', message }));
    });
  });

  // `true` does not say which of the modes is meant.
  [true, null, 0, 1, NaN, {}, ['only'], Object('only'), () => 'only'].forEach((value) => {
    it(`${typeof value === 'object' ? JSON.stringify(value) : value} is refused`, () => {
      [make, makeExpress].forEach((made) => assert.throws(() => made({ hashIds: value }), { name: 'TypeError', message }));
    });
  });

  // It would be off, and the ids be in the table.
  ['hashIDs', 'hashids', 'hash_ids', 'hashId', 'hashedIds', 'hasIds'].forEach((name) => {
    it(`the misspelt name ${name} is refused, and so is the right one in the wrong place`, () => {
      [make, makeExpress].forEach((made) => ['', 'table', 'dynamoConfig', 'encryption'].forEach((place) => {
        const inPlace = { encryption: { keys: [{ id: 'k1', key: Buffer.alloc(32) }] } }[place];
        [name, ...(place ? ['hashIds'] : [])].forEach((wrong) => {
          const options = place ? { [place]: { ...inPlace, [wrong]: 'only' } } : { [wrong]: 'only' };
          const path = place ? `${place}.${wrong}` : wrong;
          assert.throws(() => made(options), {
            name: 'RangeError', message: `${path} is not an option of this store: write hashIds`,
          });
        });
      }));
    });
  });
});

describe('conflict, the older name of parallelChanges', () => {
  it('can be given beside it, with the same value', () => {
    make({ parallelChanges: 'overwrite', conflict: 'overwrite' });
  });

  it('is refused beside it with another value', () => {
    assert.throws(() => make({ parallelChanges: 'merge', conflict: 'overwrite' }), {
      name: 'RangeError', message: /^parallelChanges and conflict must be equal/,
    });
  });
});

it('layout is not an option of the Koa class: it warns, as for every unknown name', async () => {
  const messages = await warningsOf(() => make({ layout: 'connect-dynamodb' }));
  assert.equal(messages.length, 1);
  assert.match(messages[0], /layout/);
});

it('a misspelt name warns and has no effect', async () => {
  const messages = await warningsOf(() => make({ touchafter: 'soon', absoluteMaxage: 'late', onConflict: 'x' }));
  assert.equal(messages.length, 3);
});

it('setOptions checks as the constructor does', () => {
  const store = make();
  assert.throws(() => store.setOptions({ dynamoConfig, conflict: 'x' }), { name: 'RangeError' });
  assert.throws(() => store.setOptions({ dynamoConfig, touchAfter: '1' }), { name: 'TypeError' });
});
