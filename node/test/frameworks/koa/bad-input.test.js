'use strict';

// What cannot be stored or read: an error that says where, and nothing written.

const assert = require('node:assert/strict');
const net = require('node:net');
const { once } = require('node:events');
const { before, describe, it } = require('node:test');
const { inspect } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { useEngine } = require('../../support/engine');
const { local, unique } = require('../../support/options');
const { failure, useRecorder } = require('../../support/recorder');
const useTable = require('../../support/table');
const { assertDeleted } = require('../../support/tombstone');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'bad-input');
const DATA = 'CANARY-DATA';
let store;

before(async () => {
  await recorder.started;
  store = new DynamoDBStore(local(recorder.endpoint, table.name));
});

const nested = (levels, end) => {
  let value = end;
  for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { down: value };
  return value;
};

const circular = () => {
  const user = { name: 'Ada', friends: [] };
  user.friends.push({ best: user });
  return { user };
};

// What an error shows of itself, wherever one looks.
const shown = (err) => `${err.stack} ${JSON.stringify(err)} ${inspect(err, { depth: 9, showHidden: true })}`;

const failureOf = async (promise) => {
  let err;
  await assert.rejects(promise, (reason) => {
    err = reason;
    return true;
  });
  return err;
};

describe('session data that cannot be stored', () => {
  const CASES = {
    circular: [() => circular(), /user/],
    'circular at the top': [() => {
      const session = {};
      session.self = session;
      return session;
    }, /self/],
    BigInt: [() => ({ cart: { items: [{ id: 1 }, { id: 2n }] } }), /cart\.items\[1\]\.id/],
    'BigInt beside a Buffer': [() => ({ bytes: Buffer.from('a'), cart: [2n] }), /cart\[0\]/],
    'a number too large': [() => ({ stats: { big: 1e126 } }), /stats\.big/],
    'a number too small': [() => ({ stats: [1, 1e-131] }), /stats\[1\]/],
    'a number too large beside a Buffer': [() => ({ bytes: Buffer.from('a'), stats: { big: -1e126 } }), /stats\.big/],
    MAX_VALUE: [() => ({ max: Number.MAX_VALUE }), /max/],
    MIN_VALUE: [() => ({ min: Number.MIN_VALUE }), /min/],
    'too deep': [() => ({ tree: nested(31, 1) }), /tree|deep|level/],
    'far too deep': [() => ({ tree: nested(20000, 1) }), /tree|deep|level/],
    'too deep, beside a Buffer': [() => ({ bytes: Buffer.from('a'), tree: nested(31, 1) }), /tree|deep|level/],
    'too large': [() => ({ text: 'x'.repeat(409600) }), /409 ?600|large|size/],
    'too large in bytes, not in letters': [() => ({ text: 'é'.repeat(205000) }), /409 ?600|large|size/],
    'too large by many fields': [() => Object.fromEntries(Array.from({ length: 30000 }, (_, i) => [`field ${i}`, i])),
      /409 ?600|large|size/],
    'a getter that throws': [() => ({ user: { get name() { throw new Error('of the getter'); } } }), /of the getter|user/],
    'a toJSON that throws': [() => ({ user: { toJSON() { throw new Error('of toJSON'); } } }), /of toJSON|user/],
    'an empty field name': [() => ({ '': 1 }), /empty/],
    'an empty field name, nested': [() => ({ user: { list: [{ '': 1 }] } }), /user\.list\[0\].*empty/],
    'an empty field name, beside a Buffer': [() => ({ bytes: Buffer.from('a'), user: { '': 1 } }), /user.*empty/],
    'a function': [() => () => {}, /object/],
    'a string': [() => 'session', /object/],
    'a number': [() => 5, /object/],
    null: [() => null, /object/],
    undefined: [() => undefined, /object/],
    'a list': [() => [1, 2], /object/],
    'a Buffer': [() => Buffer.from('abc'), /object/],
    'a Date': [() => new Date(), /object/],
    'a Set': [() => new Set(['a']), /object/],
  };
  Object.entries(CASES).forEach(([name, [make, message]]) => {
    it(name, async () => {
      recorder.reset();
      const id = unique('id');
      const session = make();
      if (session && typeof session === 'object' && !Array.isArray(session)) {
        try {
          session.secret = DATA;
        } catch {
          // Some cannot be added to.
        }
      }
      const err = await failureOf(store.set(id, session, 60000));
      assert.ok(err instanceof Error);
      assert.match(err.message, message);
      assert.doesNotMatch(shown(err), new RegExp(`${id}|${DATA}`));
      assert.equal(await table.get(id), undefined, 'nothing is written');

      // Nor does it harm a session that is there.
      await store.set(id, { kept: true }, 60000);
      await assert.rejects(store.set(id, session, 60000));
      assert.deepEqual(await store.get(id), { kept: true });
    });
  });

  it('the errors have a code that says so', async () => {
    const codeOf = async (session) => (await failureOf(store.set('x', session, 1000))).code;
    assert.equal(await codeOf({ a: 1n }), 'InvalidSessionError');
    assert.equal(await codeOf(circular()), 'InvalidSessionError');
    assert.equal(await codeOf({ a: 1e126 }), 'InvalidSessionError');
    assert.equal(await codeOf({ a: nested(31, 1) }), 'InvalidSessionError');
    assert.equal(await codeOf({ a: 'x'.repeat(409600) }), 'ItemTooLargeError');
    assert.equal(await codeOf(5), 'InvalidSessionError');
  });

  it("the service's own refusal has the same codes", async () => {
    recorder.reset();
    recorder.answer('PutItem', failure('ValidationException', 'Item size has exceeded the maximum allowed size'));
    const err = await failureOf(store.set(unique('id'), { a: 1 }, 1000));
    assert.equal(err.code, 'ItemTooLargeError');
    recorder.reset();
  });

  it('what just fits is stored', async () => {
    recorder.reset();
    const id = unique('fits');
    const session = {
      tree: nested(30, 1), max: 9.99e125, min: 1e-130, text: 'x'.repeat(400000),
    };
    await store.set(id, session, 60000);
    assert.deepEqual(await store.get(id), session);
  });
});

describe('ids', () => {
  const BAD = {
    empty: '',
    'over 2048 bytes': 'x'.repeat(2049),
    'over 2048 bytes, fewer letters': 'é'.repeat(1025),
    'lone high surrogate': 'a\ud800b',
    'lone low surrogate': '\udc00',
    undefined,
    null: null,
    number: 5,
    object: {},
    array: ['x'],
    symbol: Symbol('id'),
  };
  Object.entries(BAD).forEach(([name, id]) => {
    it(`${name}: a miss, an error to write, nothing to destroy`, async () => {
      recorder.reset();
      assert.equal(await store.get(id), undefined);
      const err = await failureOf(store.set(id, { a: 1 }, 1000));
      assert.equal(err.code, 'InvalidIdError');
      await store.destroy(id);
      assert.deepEqual(recorder.operations(), [], 'no request is made');
    });
  });

  it('2048 bytes are enough', async () => {
    const id = 'é'.repeat(1024);
    await store.set(id, { a: 1 }, 60000);
    assert.deepEqual(await store.get(id), { a: 1 });
    await store.destroy(id);
    assert.equal(await store.get(id), undefined);
  });

  it('the prefix counts', async () => {
    const prefixed = new DynamoDBStore(local(recorder.endpoint, table.name, { prefix: 'p:' }));
    assert.equal(await prefixed.get('x'.repeat(2047)), undefined);
    assert.equal((await failureOf(prefixed.set('x'.repeat(2047), { a: 1 }, 1000))).code, 'InvalidIdError');
    await prefixed.set('x'.repeat(2046), { a: 1 }, 60000);
  });

  it('letters that look the same are not the same id', async () => {
    const composed = `${unique('id')}-\u00e9`;
    const decomposed = composed.normalize('NFD');
    await store.set(composed, { a: 1 }, 60000);
    assert.equal(await store.get(decomposed), undefined);
    assert.ok(await table.get(composed));
  });

  it('any Unicode will do', async () => {
    for (const id of ['漢字', '😀', 'a b', 'a\nb', 'a\u0000b', '"quoted"', '\\', '../../etc', '{"S":"x"}', '%41', '__proto__']) {
      await store.set(id, { id }, 60000);
      assert.deepEqual(await store.get(id), { id });
      assert.ok(await table.get(id));
      await store.destroy(id);
      assert.equal(await store.get(id), undefined);
    }
  });
});

describe('options of a call', () => {
  const NONE = {
    undefined,
    null: null,
    'a number': 5,
    'a string': 'ctx',
    'a list': [],
    'an empty object': {},
    'ctx: null': { ctx: null },
    'ctx: a string': { ctx: 'x' },
    'ctx: a number': { ctx: 5 },
    'ctx: true': { ctx: true },
    'ctx: a symbol': { ctx: Symbol('x') },
    'ctx: frozen': { ctx: Object.freeze({}) },
  };
  Object.entries(NONE).forEach(([name, options]) => {
    it(`${name}: as without a context`, async () => {
      const id = unique('id');
      await store.set(id, { a: 1 }, 60000, options);
      assert.deepEqual(await store.get(id, 60000, options), { a: 1 });
      await store.set(id, { a: 2 }, 60000, options);
      assert.deepEqual(await store.get(id, 60000, options), { a: 2 });
      await store.destroy(id, options);
      assert.equal(await store.get(id, 60000, options), undefined);
    });
  });

  it('what a request knows of a session in one store says nothing of it in another', async () => {
    const ctx = {};
    const id = unique('id');
    const prefixed = new DynamoDBStore({ ...local(recorder.endpoint, table.name), prefix: 'other:' });
    await store.set(id, { a: 1 }, 60000, { ctx: {} });
    assert.equal(await prefixed.get(id, 60000, { ctx }), undefined);
    assert.deepEqual(await store.get(id, 60000, { ctx }), { a: 1 });
    await prefixed.set(id, { b: 1 }, 60000, { ctx });
    await store.destroy(id, { ctx: {} });
    await store.set(id, { a: 2 }, 60000, { ctx });
    assert.equal(await store.get(id), undefined);
    assert.deepEqual(await prefixed.get(id), { b: 1 });
  });

  it('a session is written under the id that is given, whatever the request has loaded', async () => {
    const ctx = {};
    const [loaded, other] = [unique('loaded'), unique('other')];
    await store.set(loaded, { user: 'Ada' }, 60000, { ctx: {} });
    const earlier = await table.get(loaded);
    const session = await store.get(loaded, 60000, { ctx });
    await store.set(other, { ...session, more: 1 }, 60000, { ctx });
    assert.deepEqual(await table.get(loaded), earlier);
    assert.deepEqual(await store.get(other), { user: 'Ada', more: 1 });
    // And what is known of the one says nothing of the other.
    await store.destroy(other, { ctx: {} });
    await store.set(other, { more: 2 }, 60000, { ctx });
    await store.set(loaded, { user: 'Ada', more: 3 }, 60000, { ctx });
    assertDeleted(await table.get(other));
    assert.deepEqual(await store.get(loaded), { user: 'Ada', more: 3 });
  });
});

describe('times to live', () => {
  const expiresAfter = async (maxAge, more) => {
    const id = unique('ttl');
    const from = Date.now();
    await new DynamoDBStore(local(engine.endpoint, table.name, more)).set(id, { a: 1 }, maxAge);
    const expires = Number((await table.get(id)).expires.N);
    return { early: expires - Math.ceil(from / 1000), late: expires - Math.ceil(Date.now() / 1000) };
  };
  const CASES = [
    [undefined, 86400], [null, 86400], ['session', 86400], [NaN, 86400], [5000, 5], [0, 0], [-5000, -5], [1500.5, 2],
  ];
  CASES.forEach(([maxAge, seconds]) => {
    it(`maxAge ${maxAge}: ${seconds} s`, async () => {
      const { early, late } = await expiresAfter(maxAge);
      assert.ok(early >= seconds - 1 && late <= seconds + 1, `${early} to ${late} s, not ${seconds}`);
    });
  });

  it('sessionTtl is what a session without maxAge lives', async () => {
    const { early, late } = await expiresAfter('session', { sessionTtl: 60000 });
    assert.ok(early >= 60 && late <= 61);
  });

  [1e15, 1e18, Infinity, Number.MAX_VALUE].forEach((maxAge) => {
    it(`maxAge ${maxAge}: far away, and readable`, async () => {
      const id = unique('far');
      await store.set(id, { a: 1 }, maxAge);
      assert.deepEqual(await store.get(id), { a: 1 });
      const { N } = (await table.get(id)).expires;
      assert.match(N, /^\d+$/);
      assert.ok(Number(N) > Date.now() / 1000 + 3600);
    });
  });

  it('a session that expires now is not there any more', async () => {
    const id = unique('now');
    await store.set(id, { a: 1 }, 0);
    await store.set(id, { a: 1 }, -60000);
    assert.equal(await store.get(id), undefined);
    assert.ok(await table.get(id));
  });

  // Fractions and milliseconds, as other packages wrote them, are understood.
  const now = Math.floor(Date.now() / 1000);
  const STORED = {
    'fraction ahead': [{ N: `${now + 60}.5` }, true],
    'fraction gone': [{ N: `${now - 60}.5` }, false],
    'milliseconds ahead': [{ N: `${(now + 60) * 1000}` }, true],
    'milliseconds gone': [{ N: `${(now - 60) * 1000}` }, false],
    zero: [{ N: '0' }, false],
    text: [{ S: `${now - 60}` }, true],
  };
  Object.entries(STORED).forEach(([name, [expires, lives]]) => {
    it(`expires as ${name}: ${lives ? 'live' : 'a miss'}`, async () => {
      const id = unique('stored');
      await table.putSession(id, { M: { a: { N: '1' } } }, { expires });
      assert.deepEqual(await store.get(id), lives ? { a: 1 } : undefined);
    });
  });
});

describe('an engine that is not there', () => {
  const refusing = async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return `http://127.0.0.1:${port}`;
  };
  const silent = async (t) => {
    const sockets = new Set();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    });
    return `http://127.0.0.1:${server.address().port}`;
  };

  const assertUnreachable = async (endpoint, options, deadline) => {
    const away = new DynamoDBStore(local(endpoint, table.name, options));
    const id = unique('away');
    for (const call of [() => away.get(id), () => away.set(id, { secret: DATA }, 1000), () => away.destroy(id)]) {
      const from = Date.now();
      const err = await failureOf(call());
      assert.ok(Date.now() - from <= deadline, `took ${Date.now() - from} ms`);
      assert.ok(['NetworkingError', 'TimeoutError'].includes(err.code), err.code);
      assert.equal(new URL(err.endpoint).origin, endpoint);
      assert.equal(err.retryable, true);
      assert.ok(!err.message.includes(endpoint), 'the message is for visitors too');
      assert.doesNotMatch(shown(err), new RegExp(`${id}|${DATA}|dummyKey`));
    }
    assert.equal((await failureOf(away.get(id))).message, 'Unable to get session.');
  };

  it('connection refused', async () => assertUnreachable(await refusing(), {}, 6000));

  it('no answer, and the deadline of the options', async (t) => {
    const dynamoConfig = { maxRetries: 0, httpOptions: { connectTimeout: 200, timeout: 200 } };
    await assertUnreachable(await silent(t), { dynamoConfig }, 1500);
  });

  it('no answer, and the default deadline of 5 s', async (t) => {
    const away = new DynamoDBStore(local(await silent(t), table.name));
    const from = Date.now();
    const err = await failureOf(away.get('x'));
    const took = Date.now() - from;
    assert.ok(took < 6500, `took ${took} ms`);
    assert.equal(err.code, 'TimeoutError');
  });

  const STRANGERS = {
    'a web page, 200': 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>',
    'no body, 200': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    404: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
    'a redirection': 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n',
    'an error in HTML': 'HTTP/1.1 503 Unavailable\r\ncontent-length: 6\r\n\r\n<html>',
    'not HTTP': 'garbage\r\n\r\n',
    'half an answer': 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Item":',
  };
  Object.entries(STRANGERS).forEach(([name, answer]) => {
    it(`something that is not DynamoDB: ${name}`, async (t) => {
      const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      const endpoint = `http://127.0.0.1:${server.address().port}`;
      const strange = new DynamoDBStore(local(endpoint, table.name));
      const errors = [
        await failureOf(strange.get('x')),
        await failureOf(strange.set('x', { a: 1 }, 1000)),
        await failureOf(strange.destroy('x')),
      ];
      assert.equal(errors[0].message, 'Unable to get session.');
      errors.forEach((err) => {
        assert.equal(typeof err.code, 'string');
        assert.equal(err.endpoint && new URL(err.endpoint).origin, endpoint);
      });
    });
  });
});

it('no error ever says an id, data or a secret', async () => {
  const id = unique('SECRET-ID');
  const endpoint = recorder.endpoint.replace('//', '//user:password@');
  const kinds = ['AccessDeniedException', 'ResourceNotFoundException', 'ValidationException', 'InternalServerError',
    'ThrottlingException', 'UnrecognizedClientException', 'ExpiredTokenException', 'SomethingNew'];
  const dynamoConfig = {
    accessKeyId: 'SECRETACCESS', secretAccessKey: 'SECRETSECRET', sessionToken: 'SECRETTOKEN', maxRetries: 0,
  };
  const makers = [recorder.endpoint, endpoint]
    .map((at) => () => new DynamoDBStore(local(at, table.name, { dynamoConfig })));
  for (const make of makers) {
    let strict;
    try {
      strict = make();
    } catch (err) {
      // Refusing a password in an endpoint is fine as well.
      assert.doesNotMatch(shown(err), /password|SECRET/);
      continue;
    }
    for (const kind of kinds) {
      recorder.reset();
      ['GetItem', 'PutItem', 'DeleteItem'].forEach((operation) => recorder.answer(operation, failure(kind)));
      for (const call of [() => strict.get(id), () => strict.set(id, { a: DATA }, 1000), () => strict.destroy(id)]) {
        const err = await failureOf(call());
        assert.doesNotMatch(shown(err), new RegExp(`SECRET|${DATA}|password`), kind);
      }
    }
  }
  recorder.reset();
});
