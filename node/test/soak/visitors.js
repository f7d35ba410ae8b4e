'use strict';

// Visitors of an app. Each sends one request after the other, in a session that counts them, and knows which counts are
// possible. Sometimes a visitor signs out while another of its requests holds the session.

const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');
const { isTombstone } = require('../support/tombstone');

const LARGEST_BYTES = 20000;
const TRIES = 10;
const PAUSE_MS = 500;

// One session, as its visitor sees it: the number of counting requests, and how many of them were acknowledged.
class Ledger {
  attempted = 1;

  acknowledged = 1;

  constructor(url, cookie) {
    this.url = url;
    this.cookie = cookie;
  }

  get id() {
    return /koa\.sess=([^;]*)/.exec(this.cookie)[1];
  }

  attempt() {
    this.attempted += 1;
  }

  acknowledge() {
    this.acknowledged += 1;
  }

  allows(views) {
    return this.acknowledged <= views && views <= this.attempted;
  }

  toString() {
    return `${this.acknowledged} acknowledged, ${this.attempted} attempted`;
  }
}

class Visitors {
  #first;

  // By session id, without the sessions that were signed out.
  ledgers = new Map();

  // Ids of sessions whose end was acknowledged.
  ended = new Set();

  // Ids of sessions that may have ended: the logout was not acknowledged.
  unclear = new Map();

  violations = [];

  // Resolves at the first violation.
  violated = new Promise((resolve) => { this.#first = resolve; });

  counts = {
    requests: 0, answered: 0, failed: 0, logouts: 0, 'logouts that failed': 0, raced: 0,
  };

  #random;

  #leaving;

  #agent = new http.Agent({ keepAlive: true });

  #stopped = false;

  #pause;

  #run;

  // `visitors` is their number. Together they send `rate` requests a second. `leaving` is the probability of a logout.
  constructor(urls, {
    random, leaving, visitors, rate,
  }) {
    this.#leaving = leaving;
    this.#random = random;
    this.#pause = (visitors / rate) * 1000;
    this.#run = Promise.all(Array.from({ length: visitors }, (_, number) => this.#visit(urls[number % urls.length])));
  }

  async stop() {
    this.#stopped = true;
    await this.#run;
  }

  // After the visitors and the faults have stopped: every session must answer, at the latest after some tries.
  async lookAgain() {
    for (const ledger of this.ledgers.values()) {
      let tries = 1;
      while (!await this.#peek(ledger) && tries < TRIES) {
        await delay(PAUSE_MS);
        tries += 1;
      }
      if (tries === TRIES) this.#violated('a request failed again and again although the faults were over');
    }
    this.#agent.destroy();
  }

  async #visit(url) {
    let ledger;
    while (!this.#stopped) {
      await delay(this.#random.number() * 2 * this.#pause);
      if (!ledger) ledger = await this.#begin(url);
      else if (this.#random.chance(this.#leaving)) ledger = await this.#leave(ledger);
      else if (this.#random.chance(0.2)) await this.#peek(ledger);
      else await this.#count(ledger);
    }
  }

  // The ledger of a new session, if its creation was acknowledged.
  async #begin(url) {
    const { ok, cookie, body } = await this.#get(url, this.#page());
    if (!ok) return undefined;
    if (!cookie || body.views !== 1) {
      this.#violated(`a new session began with ${body.views} views`);
      return undefined;
    }
    const ledger = new Ledger(url, cookie);
    this.ledgers.set(ledger.id, ledger);
    return ledger;
  }

  async #count(ledger) {
    ledger.attempt();
    const { ok, body } = await this.#get(ledger.url, this.#page(), ledger.cookie);
    if (!ok) return;
    ledger.acknowledge();
    this.#check(ledger, body.views);
  }

  async #peek(ledger) {
    const { ok, body } = await this.#get(ledger.url, '/peek', ledger.cookie);
    if (ok) this.#check(ledger, body.views);
    return ok;
  }

  // Signs out, half the time while a slow request holds the session, and checks that the session does not come back.
  async #leave(ledger) {
    const { url, cookie, id } = ledger;
    const raced = this.#random.chance(0.5);
    const slow = raced && this.#get(url, `/dawdle?ms=${100 + this.#random.below(200)}`, cookie);
    if (raced) await delay(this.#random.below(100));
    const { ok } = await this.#get(url, '/logout', cookie);
    await slow;
    this.ledgers.delete(id);
    if (!ok) {
      this.counts['logouts that failed'] += 1;
      this.unclear.set(id, ledger);
      return undefined;
    }
    this.counts.logouts += 1;
    if (raced) this.counts.raced += 1;
    this.ended.add(id);
    const after = await this.#get(url, '/peek', cookie);
    if (after.ok && after.body.views !== null) {
      this.#violated(`a session that was signed out came back with ${after.body.views} views`);
    }
    return undefined;
  }

  #page() {
    return `/count?bytes=${this.#random.chance(0.1) ? this.#random.below(LARGEST_BYTES) : 100}`;
  }

  #check(ledger, views) {
    if (!ledger.allows(views)) this.#violated(`a session shows ${views} views: ${ledger}`);
  }

  #violated(what) {
    this.violations.push(what);
    this.#first();
  }

  // Compares the stored sessions with the acknowledged requests, at the end.
  judge(items) {
    const sessions = items.filter((item) => !isTombstone(item));
    const stored = new Map(sessions.map((item) => [item.sessionId.S, Number(item.session?.M?.views?.N)]));
    this.ledgers.forEach((ledger, id) => {
      if (!stored.has(id)) this.#violated(`a session is gone: ${ledger}`);
      else if (!ledger.allows(stored.get(id))) this.#violated(`a session has ${stored.get(id)} views stored: ${ledger}`);
    });
    stored.forEach((views, id) => {
      if (this.ended.has(id)) this.#violated('a session that was signed out is stored');
      else if (this.unclear.has(id)) {
        if (!this.unclear.get(id).allows(views)) this.#violated(`a session has ${views} views stored: ${this.unclear.get(id)}`);
      // Its visitor never got the cookie, so only its first request can have written it.
      } else if (!this.ledgers.has(id) && views !== 1) this.#violated(`an unknown session has ${views} views stored`);
    });
  }

  // Never rejects: after an error it is not known whether the request was executed.
  async #get(url, page, cookie) {
    this.counts.requests += 1;
    const { status, headers, text } = await request(new URL(page, url), cookie, this.#agent);
    const ok = status === 200;
    this.counts[ok ? 'answered' : 'failed'] += 1;
    return { ok, body: ok && JSON.parse(text), cookie: ok && cookieIn(headers['set-cookie']) };
  }
}

const cookieIn = (lines = []) => lines.map((line) => line.split(';')[0]).join('; ');

function request(url, cookie, agent) {
  return new Promise((resolve) => {
    const broken = () => resolve({ status: 0, headers: {}, text: '' });
    http.get(url, { agent, headers: cookie ? { cookie } : {} }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => { text += chunk; });
      response.on('error', broken);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    }).on('error', broken).on('socket', (socket) => socket.unref());
  });
}

module.exports = Visitors;
