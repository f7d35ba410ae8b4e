'use strict';

// Runs the core's conformance cases, step by step, on a subject (see run.js): something that can put, load and
// delete sessions, and save what it loaded. What is stored is looked at past it.

const assert = require('node:assert/strict');
const cases = require('../../../crates/dynamodb-session/src/conformance/cases.json');
const { CODES } = require('../../lib/errors');
const referenceOf = require('../support/reference-of');
const { assertNoSession } = require('../support/tombstone');

// `{"$repeat": [text, n]}`, `{"$nest": n}` and, among other fields, `"$fields": [name, n, value]` stand for what is too
// long to write.
const expand = (value) => {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== 'object' || value === null) return value;
  if (value.$repeat) return value.$repeat[0].repeat(value.$repeat[1]);
  if (value.$nest) {
    let nested = {};
    for (let level = 1; level < value.$nest; level += 1) nested = { a: nested };
    return nested;
  }
  const [name, count, member] = expand(value.$fields ?? ['', 0]);
  const many = Array.from({ length: count }, (_, index) => [`${name}${index}`, member]);
  const others = Object.entries(value).filter(([field]) => field !== '$fields');
  // Not by assignment, which would set the prototype with `__proto__`.
  return Object.fromEntries([...others.map(([field, one]) => [field, expand(one)]), ...many]);
};

const without = (object, names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

// The messages of an error and of its causes.
const messages = (error) => (error ? `${error.message}\n${messages(error.cause)}` : '');

// `promise` settles as the step expects: with what is returned, or with the error that is.
const outcome = async (promise, expected) => {
  if (expected?.error === undefined) return promise;
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, CODES[expected.error], messages(error));
    assert.ok(messages(error).includes(expected.message ?? ''), `${messages(error)} has no ${expected.message}`);
    return true;
  });
  return undefined;
};

// The same for a write that says whether it was one.
const writes = async (promise, expected) => {
  const word = await outcome(promise, expected);
  if (!expected.error) assert.equal(word, expected);
};

// What a step that writes past the subject puts into `expires`.
const expiry = ({ expires_in_secs: secs, expires_unit: unit }) => {
  const ms = Date.now() + secs * 1000;
  if (unit === 'ms') return ms;
  return unit === 'fraction' ? `${Math.floor(ms / 1000)}.25` : Math.floor(ms / 1000);
};

// An id is in the table as it is.
const IS_KEY = (id) => id;

class CaseRun {
  constructor(subject, table, { prefix, keyOf = IS_KEY }) {
    this.subject = subject;
    this.table = table;
    this.prefix = prefix;
    this.keyOf = keyOf;
    // Of the sessions that were loaded under a name.
    this.created = new Map();
  }

  async step(step) {
    assert.ok(step.do in CaseRun.STEPS, `unknown step: ${step.do}`);
    await CaseRun.STEPS[step.do].call(this, step);
  }

  key(id) {
    return `${this.prefix}${this.keyOf(id)}`;
  }

  // What a session is listed under.
  nameOf(id) {
    return this.keyOf === IS_KEY ? id : referenceOf(this.key(id));
  }

  static STEPS = {
    async put({
      id, data, ttl_ms: ttl, expect,
    }) {
      await outcome(this.subject.put(id, data, ttl), expect);
    },

    async load({ id, as: name, expect }) {
      const loaded = await outcome(this.subject.load(id, name), expect);
      if (expect.error) return;
      assert.deepEqual(loaded, expect === 'none' ? undefined : without(expect.data, this.subject.own));
      if (name) this.created.set(name, (await this.table.get(this.key(id))).created);
    },

    async create({
      id, data, ttl_ms: ttl, expect,
    }) {
      await writes(this.subject.create(id, data, ttl), expect);
    },

    async save({
      loaded, data, ttl_ms: ttl, expect,
    }) {
      await writes(this.subject.save(loaded, data, ttl), expect);
    },

    async replace({
      loaded, data, ttl_ms: ttl, expect,
    }) {
      await writes(this.subject.replace(loaded, data, ttl), expect);
    },

    async touch({ loaded, ttl_ms: ttl, expect }) {
      await writes(this.subject.touch(loaded, ttl), expect);
    },

    async list({ expect }) {
      const expected = Object.entries(expect).map(([id, data]) => [this.nameOf(id), data]);
      assert.deepEqual(await this.subject.list(), Object.fromEntries(expected));
    },

    async count({ expect }) {
      assert.equal(await this.subject.count(), expect);
    },

    async clear({ expect }) {
      const cleared = await this.subject.clear();
      // Not every adapter says how many.
      if (cleared !== undefined) assert.equal(cleared, expect);
    },

    async same_created({ records: [first, ...others] }) {
      assert.match(this.created.get(first).N, /^\d+$/);
      for (const other of others) assert.deepEqual(this.created.get(other), this.created.get(first));
    },

    async delete({ id }) {
      await this.subject.delete(id);
    },

    // As if so much time had passed.
    async age({ id, secs }) {
      const item = await this.table.get(this.key(id));
      await this.table.put({ ...item, expires: { N: String(Number(item.expires.N) - secs) } });
    },

    async raw_put(step) {
      const item = { ...step.attributes, sessionId: { S: this.key(step.id) } };
      if (item.session?.M) item.session.M = { ...item.session.M, ...this.subject.adds };
      if (step.expires_in_secs !== undefined) item.expires = { N: String(expiry(step)) };
      await this.table.put(item);
    },

    async raw_get({ id, expect }) {
      const item = await this.table.get(this.key(id));
      if (expect === 'none') {
        // A framework does not delete what it does not find, such as an item that holds nothing.
        const isGhost = item && Object.keys(item).every((name) => ['sessionId', 'expires'].includes(name));
        if (!isGhost) assertNoSession(item);
        return;
      }
      if (item.session?.M) item.session.M = without(item.session.M, this.subject.own);
      for (const [name, value] of Object.entries(expect.attributes)) assert.deepEqual(item[name], value);
      for (const name of expect.numbers ?? []) assert.match(item[name].N, /^\d+$/);
      if (expect.only) assert.deepEqual(Object.keys(item).sort(), [...expect.only].sort());
    },
  };
}

// Runs a case on a subject whose ids get `prefix` on their way into `table`, after `keyOf`.
const runCase = async ({ steps }, subject, table, keys) => {
  const run = new CaseRun(subject, table, keys);
  for (const [index, step] of steps.entries()) {
    try {
      await run.step(expand(step));
    } catch (error) {
      error.message = `step ${index + 1}: ${error.message}`;
      throw error;
    }
  }
};

module.exports = { cases, runCase };
