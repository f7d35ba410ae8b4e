'use strict';

// Items that another writer of the table has crafted, and answers that DynamoDB would never give. A read may fail with
// an error. It never ends the process, changes a prototype or changes data. See ../frameworks/koa/sessions.js for items
// without a session and for `__proto__` at the top.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const DynamoDBStore = require('koa-session-dynamodb-store');
const ExpressStore = require('koa-session-dynamodb-store/express');
const { useEngine } = require('../support/engine');
const express = require('../support/express');
const fastify = require('../support/fastify');
const { serveFor, VERSIONS } = require('../support/koa');
const { localAlone, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const useTable = require('../support/table');
const { assertDeleted } = require('../support/tombstone');
const Visitor = require('../support/visitor');

const engine = useEngine();
const recorder = useRecorder(engine);
const table = useTable(engine, 'items');

const newStore = (more) => new DynamoDBStore(localAlone(recorder.endpoint, table.name, more));

const parsed = (text) => JSON.parse(text);
const S = (text) => ({ S: text });
const N = (text) => ({ N: text });
const nested = (levels, end) => (levels === 0 ? end : { L: [nested(levels - 1, end)] });
const inLists = (levels, end) => (levels === 0 ? end : [inLists(levels - 1, end)]);
const members = Array.from({ length: 5000 }, (_, index) => `m${index}`).sort();

const assertClean = () => {
  assert.equal({}.polluted, undefined);
  assert.equal([].polluted, undefined);
};

// Attributes of a session, and the values that are read from them.
const READ = {
  'what looks like a Buffer': [{ a: { M: { type: S('Buffer'), data: { L: [N('1')] } } } }, { a: { type: 'Buffer', data: [1] } }],
  'what looks like a set': [
    { a: { M: { wrapperName: S('Set'), type: S('String'), values: { L: [S('x')] } } } },
    { a: { wrapperName: 'Set', type: 'String', values: ['x'] } }],
  'what looks like a Date': [{ a: S('1970-01-01T00:00:00.000Z') }, { a: '1970-01-01T00:00:00.000Z' }],
  'what looks like a number': [{ a: S('1'), b: S('0x10') }, { a: '1', b: '0x10' }],
  'what looks like an attribute': [{ M: { M: { S: S('x') } }, N: S('1') }, { M: { S: 'x' }, N: '1' }],
  '__proto__ and constructor, below the top': [
    { a: { M: parsed('{"__proto__":{"M":{"polluted":{"N":"1"}}},"constructor":{"M":{"prototype":{"M":{"polluted":{"N":"1"}}}}}}') } },
    { a: parsed('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') }],
  'the same beside bytes': [
    { a: { L: [{ M: parsed('{"__proto__":{"M":{"polluted":{"B":"AQ=="}}}}') }] } },
    { a: [Object.defineProperty({}, '__proto__', { value: { polluted: Buffer.from([1]) }, enumerable: true })] }],
  'any bytes': [
    { a: { B: Buffer.from([0xff, 0xfe, 0, 0xed, 0xa0, 0x80]).toString('base64') } }, { a: Buffer.from([0xff, 0xfe, 0, 0xed, 0xa0, 0x80]) }],
  NULL: [{ a: { NULL: true }, b: { L: [{ NULL: true }] } }, { a: null, b: [null] }],
  '31 levels': [{ a: nested(30, S('end')) }, { a: inLists(30, 'end') }],
};

// Other attributes of the item, with another type or size than this package writes, and whether the session is live.
const BESIDE = {
  'expires: a string': [{ expires: S('soon') }, true],
  'expires: a map': [{ expires: { M: { N: N('1') } } }, true],
  'expires: NULL': [{ expires: { NULL: true } }, true],
  'expires: a set': [{ expires: { NS: ['1'] } }, true],
  'expires: deep': [{ expires: nested(31, N('1')) }, true],
  'expires: beyond all time': [{ expires: N('9.9e125') }, true],
  'expires: 20 digits': [{ expires: N('99999999999999999999') }, true],
  'expires: before all time': [{ expires: N('-9.9e125') }, false],
  'created: a string': [{ created: S('1') }, true],
  'created: a map': [{ created: { M: {} } }, true],
  'created: bytes': [{ created: { B: 'AQ==' } }, true],
  'created: a fraction': [{ created: N('1.5') }, true],
  'created: before all time': [{ created: N('-1') }, true],
  'created: 20 digits': [{ created: N('18446744073709551615') }, true],
  'created: beyond 20 digits': [{ created: N('1e125') }, true],
  'more attributes of every type': [{
    a: nested(31, S('x')), b: { NULL: true }, sess: { M: {} }, rev: S('x'), data: { B: '' },
  }, true],
};

VERSIONS.forEach((version) => {
  describe(version.name, () => {
    let session;
    const handler = (ctx) => {
      if (ctx.path === '/count') ctx.session.views = (ctx.session.views || 0) + 1;
      if (ctx.path === '/sign-out') ctx.session = null;
      if (ctx.path === '/') session = ctx.session.toJSON();
    };

    Object.entries(READ).forEach(([name, [attributes, expected]]) => {
      it(`${name}: is read as it is, and stays so when another field is written`, async (t) => {
        const app = await serveFor(t, version, { store: newStore() }, handler);
        const id = unique('read');
        await table.putSession(id, { M: attributes });
        const visitor = new Visitor(app.url, { 'koa.sess': id });
        await visitor.get('/');
        assert.deepEqual(session, expected);
        assert.equal((await visitor.get('/count')).status, 200);
        const {
          views, _expire, _maxAge, ...others
        } = (await table.get(id)).session.M;
        assert.deepEqual(others, attributes);
        assert.deepEqual(views, N('1'));
        assert.deepEqual(app.errors, []);
        assertClean();
      });
    });

    it('a set and a number of more digits than JavaScript has stay what they are', async (t) => {
      const app = await serveFor(t, version, { store: newStore() }, handler);
      const id = unique('exact');
      const digits = '12345678901234567890123456789012345678';
      await table.putSession(id, { M: { set: { SS: members }, number: N(digits), numbers: { NS: [digits, '1'] } } });
      const visitor = new Visitor(app.url, { 'koa.sess': id });
      await visitor.get('/');
      assert.equal(session.number, Number(digits));
      assert.deepEqual([...session.set.values].sort(), members);
      await visitor.get('/count');
      const stored = (await table.get(id)).session.M;
      assert.deepEqual(stored.number, N(digits));
      assert.ok(stored.numbers.NS.includes(digits));
      assert.equal(stored.set.SS.length, members.length);
      assert.deepEqual(app.errors, []);
    });

    const options = { touchAfter: 60000, absoluteMaxAge: 86400000 };
    Object.entries(BESIDE).forEach(([name, [attributes, lives]]) => {
      it(`${name}: ${lives ? 'a session like any other' : 'a miss'}`, async (t) => {
        for (const more of [{}, options]) {
          const app = await serveFor(t, version, { store: newStore(more) }, handler);
          const id = unique('beside');
          await table.putSession(id, { M: { a: S('kept') } }, attributes);
          const visitor = new Visitor(app.url, { 'koa.sess': id });
          await visitor.get('/');
          assert.deepEqual(session, lives ? { a: 'kept' } : {});
          assert.equal((await visitor.get('/count')).status, 200);
          if (lives) {
            assert.equal(visitor.sessionId, id);
            await visitor.get('/count');
            const item = await table.get(id);
            assert.deepEqual(item.session.M.views, N('2'));
            assert.deepEqual(item.session.M.a, S('kept'));
            assert.match(item.expires.N, /^\d{10}$/);
            await visitor.get('/sign-out');
            assertDeleted(await table.get(id));
          }
          assert.deepEqual(app.errors, []);
        }
      });
    });

    // Names that koa-session uses itself. It decides the outcome of the request.
    const OWN = {
      toJSON: S('x'),
      save: S('x'),
      commit: { NULL: true },
      regenerate: { M: {} },
      isNew: { BOOL: true },
      length: N('5'),
      populated: { BOOL: false },
      externalKey: S('another'),
      inspect: S('x'),
      maxAge: S('x'),
      _requireSave: { BOOL: true },
      _expire: S('x'),
      _maxAge: { M: {} },
      _session: { L: [] },
      _ctx: { M: {} },
      _sessCtx: { NULL: true },
    };
    it('names that koa-session uses itself: this request may fail, others do not', async (t) => {
      const app = await serveFor(t, version, { store: newStore() }, handler);
      for (const [field, value] of Object.entries(OWN)) {
        const id = unique('own');
        await table.putSession(id, { M: { [field]: value, user: S('Ada') } });
        for (const path of ['/', '/count']) {
          app.errors.length = 0;
          const { status, body } = await new Visitor(app.url, { 'koa.sess': id }).get(path);
          assert.ok(status === 200 || (status === 500 && body === 'Internal Server Error'), `${field}: ${status}`);
          assert.equal(app.errors.length, status === 200 ? 0 : 1, field);
          assert.equal((await new Visitor(app.url).get('/count')).status, 200);
        }
        assert.ok([undefined, 'Ada'].includes((await table.get(id)).session.M.user.S));
      }
      assertClean();
    });
  });
});

[express, fastify].forEach((framework) => {
  describe(framework.name, () => {
    const handler = (request, path) => {
      if (path === '/count') request.session.views = (request.session.views || 0) + 1;
      return { views: request.session.views };
    };
    const COOKIES = {
      'no field': {},
      'expires that is not a date': { expires: S('never') },
      'expires of another type': { expires: { M: {} } },
      'expires beyond all time': { expires: N('9.9e125') },
      'maxAge that is not a number': { maxAge: S('x') },
      'originalMaxAge that is not a number': { originalMaxAge: { L: [] } },
      'originalMaxAge beyond all time': { originalMaxAge: N('9.9e125') },
      'a path of another type': {
        path: N('5'), domain: { BOOL: true }, sameSite: { M: {} }, httpOnly: S('x'),
      },
      'a path on two lines': { path: S('/\r\nset-cookie: a=b'), domain: S('\u0000') },
      'names of its own': {
        data: S('x'), serialize: S('x'), toJSON: S('x'), _expires: S('x'), constructor: S('x'),
      },
    };
    const FIELDS = ['__proto__', 'constructor', 'cookie.expires', 'req', 'id', 'save', 'touch', 'reload', 'toJSON', 'get', 'set',
      'sessionId', 'encryptedSessionId', 'koa-session-dynamodb-store:loaded', 'options', 'then'];

    // One request may fail. It gets an answer, and so do others.
    const survives = async (app, id, name) => {
      for (const path of ['/', '/count']) {
        const { status } = await new Visitor(app.url, framework.cookies(id)).get(path);
        assert.ok([200, 500].includes(status), `${name}: ${status}`);
        assert.equal((await new Visitor(app.url).get('/count')).status, 200, name);
      }
      assertClean();
    };

    it('crafted cookies and fields: this request may fail, others do not', async (t) => {
      const store = new ExpressStore(localAlone(engine.endpoint, table.name));
      const app = await framework.serveFor(t, store, {}, handler);
      for (const [name, cookie] of Object.entries(COOKIES)) {
        const id = unique('cookie');
        await table.putSession(id, { M: { cookie: { M: cookie }, a: N('1') } });
        await survives(app, id, name);
      }
      for (const cookie of [S('x'), { L: [] }, { NULL: true }, N('1'), { B: 'AQ==' }, { SS: ['a'] }]) {
        const id = unique('cookie');
        await table.putSession(id, { M: { cookie, a: N('1') } });
        await survives(app, id, Object.keys(cookie)[0]);
      }
      for (const field of FIELDS) {
        const id = unique('field');
        const own = Object.defineProperty({}, field, { value: { M: { polluted: N('1') } }, enumerable: true });
        await table.putSession(id, { M: { ...own, cookie: { M: { path: S('/'), originalMaxAge: { NULL: true } } } } });
        await survives(app, id, field);
      }
    });

    it('JSON text of another package, too deep to be read', async (t) => {
      const own = rawTable(engine.endpoint, unique('text'), 'id');
      await own.create();
      const store = new ExpressStore(localAlone(engine.endpoint, own.name, { layout: 'connect-dynamodb' }));
      const app = await framework.serveFor(t, store, {}, handler);
      const cookie = '"cookie":{"originalMaxAge":null,"path":"/"}';
      for (const levels of [31, 100, 127, 1000, 100000]) {
        const id = unique('text');
        const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`;
        for (const text of [`{${cookie},"a":${deep}}`, `{"cookie":{"originalMaxAge":null,"a":${deep}}}`]) {
          await own.put({
            id: S(`sess:${id}`), expires: N(String(Math.ceil(Date.now() / 1000) + 3600)), type: S('connect-session'), sess: S(text),
          });
          await survives(app, id, levels);
        }
      }
    });
  });
});

describe('answers that DynamoDB does not give', () => {
  const body = (session) => Buffer.from(`{"Item":{"sessionId":{"S":"x"},"expires":{"N":"9999999999"},"session":${session}}}`);
  const ofField = (value) => body(`{"M":{"f":${value}}}`);
  const levels = (count) => ofField(`${'{"M":{"a":'.repeat(count)}{"S":"x"}${'}}'.repeat(count)}`);

  const UNREADABLE = {
    ...Object.fromEntries(['NaN', 'Infinity', '-inf', '0x10', '1 ', '', '1,5', '--1', '1e', '1_0', '\u0661', 'true', '1}', '[]'].map((text) => (
      [`the number "${text}"`, ofField(`{"N":"${text}"}`)]))),
    ...Object.fromEntries(['{"N":5}', '{"N":null}', '{"S":5}', '{"S":null}', '{"BOOL":"true"}', '{"BOOL":1}', '{"B":5}', '{"B":"?"}', '{"M":[]}',
      '{"M":"x"}', '{"L":{}}', '{"L":"x"}', '{"L":[5]}', '{"M":{"a":5}}', '{"SS":"x"}', '{"SS":[5]}', '{"NS":["x"]}', '{"NS":[1]}',
      '{"BS":["?"]}', '{"S":"a","N":"1"}', '{"S":"a","S":"b"}', '"text"', '5', 'null', '[]'].map((value) => [value, ofField(value)])),
    'no end': Buffer.from('{"Item":{"session":{"M":{"a":'),
    'two answers': Buffer.concat([ofField('{"S":"x"}'), ofField('{"S":"x"}')]),
    'an item that is a list': Buffer.from('{"Item":[]}'),
    'an item that is null': Buffer.from('{"Item":null}'),
    'an item that is text': Buffer.from('{"Item":"x"}'),
    'a session that is a list': body('[]'),
    'invalid UTF-8': ofField('{"S":"?"}').map((byte) => (byte === 0x3f ? 0xff : byte)),
    'a surrogate in UTF-8': Buffer.concat([Buffer.from('{"Item":{"session":{"M":{"f":{"S":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}}}}}')]),
    '100 levels': levels(100),
    '1 000 000 levels': levels(1e6),
    '1 000 000 lists': ofField(`${'{"L":['.repeat(1e6)}${']}'.repeat(1e6)}`),
    'not closed, 1 000 000 levels': Buffer.from('{"Item":{"session":{"M":{"f":'.concat('{"L":['.repeat(1e6))),
    '20 MB': ofField(`{"S":"${'x'.repeat(20 * 2 ** 20)}"}`),
  };
  Object.entries(UNREADABLE).forEach(([name, answer]) => {
    it(`${name}: an error that does not quote it`, async () => {
      recorder.reset();
      recorder.answer('GetItem', { body: answer });
      const err = await newStore({ dynamoConfig: { maxRetries: 0 } }).get('x').catch((reason) => reason);
      assert.equal(err.message, 'Unable to get session.');
      assert.ok(['UnreadableAnswerError', 'NetworkingError'].includes(err.code), err.code);
      assert.doesNotMatch(`${err.cause.message}`, /"|0x10|NaN|inf/i);
      recorder.reset();
    });
  });

  const READABLE = {
    'a type that is yet to come': [ofField('{"XX":[1,{"a":2}]}'), { f: null }],
    'no type': [ofField('{}'), { f: null }],
    'a number too large for a double': [ofField('{"N":"1e999"}'), { f: Infinity }],
    'a number as some write it': [ofField('{"L":[{"N":"+1"},{"N":".5"},{"N":"007"},{"N":"-0"}]}'), { f: [1, 0.5, 7, -0] }],
    'NULL that is false': [ofField('{"NULL":false}'), { f: null }],
    'an empty set': [ofField('{"L":[{"B":""},{"L":[]}]}'), { f: [Buffer.alloc(0), []] }],
    'half a surrogate': [ofField('{"S":"a\\ud800b"}'), { f: 'a\ufffdb' }],
    'half a surrogate in a name': [body('{"M":{"\\udfff":{"S":"x"}}}'), { '\ufffd': 'x' }],
    'an escaped __proto__': [body('{"M":{"\\u005f_proto__":{"M":{"polluted":{"N":"1"}}},"a":{"S":"x"}}}'), { a: 'x' }],
    'a name twice: the last one': [body('{"M":{"a":{"S":"x"},"a":{"S":"y"}}}'), { a: 'y' }],
    'depth beside the session': [
      Buffer.from(`{"Item":{"other":${'{"L":['.repeat(1e5)}${']}'.repeat(1e5)},"session":{"M":{"a":{"S":"x"}}}},"More":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      { a: 'x' }],
  };
  Object.entries(READABLE).forEach(([name, [answer, expected]]) => {
    it(name, async () => {
      recorder.reset();
      recorder.answer('GetItem', { body: answer });
      assert.deepEqual(await newStore().get('x'), expected);
      assertClean();
      recorder.reset();
    });
  });

  it('a visitor is answered 500, and served when the table answers again', async (t) => {
    const app = await serveFor(t, VERSIONS[0], { store: newStore() }, () => {});
    recorder.answer('GetItem', { body: UNREADABLE['100 levels'] });
    const visitor = new Visitor(app.url, { 'koa.sess': 'x' });
    assert.equal((await visitor.get()).status, 500);
    assert.equal(app.errors[0].code, 'UnreadableAnswerError');
    recorder.reset();
    assert.equal((await visitor.get()).status, 200);
  });
});
