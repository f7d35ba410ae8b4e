'use strict';

/* eslint-env browser -- for what runs in the page */

// What the demo shows of the session at rest: encrypted, and plain where the visitor switches. The page is compared
// with the table itself.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { TARGET } = require('../docs/commands');
const openEnvelope = require('../support/envelope');
const hashedKey = require('../support/hashed-key');
const { rawTable } = require('../support/raw');
const {
  leadsOn, needsChromium, post, press, scratch, sessionId, signedOut, signIn, startDemo, views, visit,
} = require('./demo');

const NOTE = 'Nobody else reads this.';
const KEY_FILE = path.join(scratch, 'encryption-keys.json');

const TO_PLAIN = 'Store it as plain data';
const TO_ENCRYPTED = 'Encrypt it again';

const shown = async (page) => JSON.parse(await page.locator('#item').textContent());
const explained = async (page) => (await page.locator('#form').textContent()).replace(/\s+/g, ' ');

const writeNote = async (page, note) => {
  await page.getByLabel('A note').fill(note);
  await press(page, 'Save the note');
};

// The session in an item, opened with the key that the demo has made.
const opened = (item) => {
  const [{ id, key }] = JSON.parse(fs.readFileSync(KEY_FILE, 'utf8'));
  const place = {
    context: '', storedKey: item.sessionId.S, created: item.created.N, rev: Buffer.from(item.rev.B, 'base64'),
  };
  const data = openEnvelope(Buffer.from(item.sealed.B, 'base64'), { [id]: Buffer.from(key, 'base64') }, place);
  return JSON.parse(data).M;
};

// The page shows the item of this very view, encrypted: what is in the table is this, and nothing of the session.
const showsEncrypted = async (page, item, id, count) => {
  const given = await shown(page);
  assert.deepEqual(Object.keys(given).sort(), Object.keys(item).sort());
  ['sealed', 'unit', 'rev'].forEach((name) => {
    const [, start, bytes] = /^([\w+/]{20})… \((\d+) bytes\)$/.exec(given[name].B);
    assert.ok(item[name].B.startsWith(start), name);
    assert.equal(Buffer.from(item[name].B, 'base64').length, Number(bytes));
  });
  assert.deepEqual([given.expires, given.created, given.session], [item.expires, item.created, item.session]);
  assert.deepEqual(item.session, { M: { _expire: { N: '1' } } });
  assert.equal(given.sessionId.S, hashedKey(id));
  assert.ok(!/"Ada"|Nobody else|"user"|views/.test(await page.locator('#item').textContent()));
  assert.match(await explained(page), /encrypted the session before it sent it/);
  const data = opened(item);
  assert.deepEqual([data.user.S, data.note.S, data.views.N], ['Ada', NOTE, String(count)]);
  assert.equal(await page.locator('.badge.encrypted, .badge.plain').textContent(), 'encrypted');
};

// Of the id not even a part: the key of the item is a hash of it, and shown as a whole.
const hasNoId = async (page, id) => assert.ok(!(await page.content()).includes(id.slice(0, 8)), 'the id is in the page');

const showsPlain = async (page, item, id, count) => {
  const given = await shown(page);
  assert.deepEqual(Object.keys(given).sort(), ['created', 'expires', 'rev', 'seen', 'session', 'sessionId', 'userKey']);
  assert.deepEqual(Object.keys(item).sort(), Object.keys(given).sort());
  assert.equal(given.sessionId.S, hashedKey(id));
  assert.deepEqual([given.expires, given.created, given.session], [item.expires, item.created, item.session]);
  const { user, note, views: viewed } = given.session.M;
  assert.deepEqual([user.S, note.S, viewed.N], ['Ada', NOTE, String(count)]);
  assert.match(await explained(page), /stores the session as plain data/);
  assert.equal(await page.locator('.badge.encrypted, .badge.plain').textContent(), 'plain');
};

test('encrypted, plain, encrypted: the page shows what the table holds, and the session goes on', needsChromium, async () => {
  const demo = await startDemo();
  const table = rawTable(demo.engine, 'sessions');
  const { context, page, leave } = await visit();
  await page.goto(demo.url);
  assert.equal(await page.locator('.badge, .switch').count(), 0, 'nothing is stored, so there is nothing to switch');

  await signIn(page, demo.url, 'Ada');
  await writeNote(page, NOTE);
  const id = await sessionId(context);
  const first = await table.get(hashedKey(id));
  assert.equal(await views(page), 2);
  await showsEncrypted(page, first, id, 2);
  await hasNoId(page, id);

  await press(page, TO_PLAIN);
  assert.equal(await views(page), 3);
  await showsPlain(page, await table.get(hashedKey(id)), id, 3);
  await hasNoId(page, id);
  await page.reload();
  await showsPlain(page, await table.get(hashedKey(id)), id, 4);

  // Another visitor has not switched, and reads the same page of the same app.
  const other = await visit();
  await signIn(other.page, demo.url, 'Ada');
  await writeNote(other.page, NOTE);
  const otherId = await sessionId(other.context);
  await showsEncrypted(other.page, await table.get(hashedKey(otherId)), otherId, 2);
  await other.leave();

  await press(page, TO_ENCRYPTED);
  const last = await table.get(hashedKey(id));
  await showsEncrypted(page, last, id, 5);
  assert.notEqual(last.sealed.B, first.sealed.B);
  assert.deepEqual(last.created, first.created);
  assert.equal(await sessionId(context), id, 'the visitor has another session');
  assert.equal(await page.getByLabel('A note').inputValue(), NOTE);

  // A sign-out from the plain form is one as well.
  await press(page, TO_PLAIN);
  const old = await context.cookies();
  await press(page, 'Sign out');
  assert.ok(await signedOut(page));
  await context.addCookies(old);
  await page.goto(demo.url);
  assert.ok(await signedOut(page), 'an old cookie signs in');

  await leave();
  await demo.stop();
});

test('by keyboard alone, forth and back', needsChromium, async () => {
  const demo = await startDemo();
  const { page, leave } = await visit();
  await signIn(page, demo.url, 'Grace'); // with no other device, whose buttons would be in between

  // Tab reaches the switch after the other controls, and shows that it did.
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const steps = [];
  for (let count = 0; count < 10 && steps.at(-1) !== TO_PLAIN; count += 1) {
    await page.keyboard.press('Tab');
    steps.push(await focused());
  }
  assert.deepEqual(steps.slice(-2), ['Save the note', TO_PLAIN]);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid');
  await leadsOn(page, () => page.keyboard.press('Enter'));
  assert.equal((await shown(page)).session.M.user.S, 'Grace');

  // The page opens where the visitor was, so the way back is the next step.
  await page.keyboard.press('Tab');
  assert.equal(await focused(), TO_ENCRYPTED);
  await leadsOn(page, () => page.keyboard.press('Space'));
  assert.ok((await shown(page)).sealed.B);
  assert.equal(await views(page), 3);

  await leave();
  await demo.stop();
});

test('nothing sticks out on a telephone, in either form', needsChromium, async () => {
  const demo = await startDemo();
  const { page, leave } = await visit({ viewport: { width: 320, height: 640 } });
  await signIn(page, demo.url, 'W'.repeat(40));
  await writeNote(page, `${'x'.repeat(140)} ${'y'.repeat(139)}`);
  // Neither the page nor anything in it is wider than the screen.
  const widest = () => page.evaluate(() => {
    const all = [...document.querySelectorAll('body *')];
    const sides = all.filter((element) => !element.closest('textarea')).map((element) => element.getBoundingClientRect().right);
    return Math.max(document.documentElement.scrollWidth, ...sides);
  });
  for (const button of [TO_PLAIN, TO_ENCRYPTED]) {
    assert.ok(await widest() <= 320, `${await widest()}`);
    await press(page, button);
    // The heading above the item is what the visitor sees after the switch.
    const top = await page.locator('#stored').evaluate((element) => element.getBoundingClientRect().top);
    assert.ok(top >= 0 && top < 100, `${top}`);
  }
  assert.ok(await widest() <= 320, `${await widest()}`);
  await leave();
  await demo.stop();
});

const cookiesOf = (response) => response.headers.getSetCookie().map((line) => line.split(';')[0]);

test('a switch from elsewhere is refused, and one to anything else encrypts', async () => {
  const demo = await startDemo();
  const { engine, url } = demo;
  const signedIn = await post(`${url}/sign-in`, new URLSearchParams({ name: 'Ada' }), { Origin: url });
  const cookie = cookiesOf(signedIn).join('; ');
  const id = /demo\.sid=([^;]+)/.exec(cookie)[1];
  const table = rawTable(engine, 'sessions');

  const to = (form, origin) => post(`${url}/at-rest`, new URLSearchParams({ form }), { Origin: origin, cookie });
  assert.equal((await to('plain', 'http://elsewhere.example')).status, 403);
  const plain = await to('plain', url);
  assert.equal(plain.status, 303);
  assert.equal(plain.headers.get('location'), '/#stored');
  const [line] = plain.headers.getSetCookie();
  assert.match(line, /^demo\.at-rest=plain; .*samesite=lax; httponly$/i);
  const [cleared] = (await to('nonsense', url)).headers.getSetCookie();
  assert.match(cleared, /^demo\.at-rest=; .*expires=Thu, 01 Jan 1970/);

  for (const [value, isPlain] of [['plain', true], ['nonsense', false], ['__proto__', false]]) {
    const page = await fetch(url, { headers: { cookie: `${cookie}; demo.at-rest=${value}` } });
    assert.equal(page.status, 200);
    assert.ok((await page.text()).includes(isPlain ? TO_ENCRYPTED : TO_PLAIN));
    assert.equal('sealed' in await table.get(hashedKey(id)), !isPlain, value);
  }
  await demo.stop();
});

test('the program opens what the demo encrypted, as its README says', async () => {
  const demo = await startDemo();
  const signedIn = await post(`${demo.url}/sign-in`, new URLSearchParams({ name: 'Ada' }), { Origin: demo.url });
  const cookies = cookiesOf(signedIn);
  await fetch(demo.url, { headers: { cookie: cookies.join('; ') } });
  const id = /demo\.sid=([^;]+)/.exec(cookies.join('; '))[1];

  const readme = fs.readFileSync(path.join(__dirname, '../../../examples/koa-demo/README.md'), 'utf8');
  const [, command] = /```sh\n(target\/debug\/dynamodb-session (?:.|\n)*?)\n```/.exec(readme);
  const [program, ...args] = command.replaceAll('\\\n', ' ').split(/\s+/).map((arg) => ({
    'target/debug/dynamodb-session': path.join(TARGET, 'debug', 'dynamodb-session'),
    'http://127.0.0.1:8000': demo.engine,
    'examples/koa-demo/.demo/encryption-keys.json': KEY_FILE,
  })[arg] ?? arg);
  const output = await new Promise((resolve, reject) => {
    const child = execFile(program, args, (err, stdout, stderr) => (err ? reject(new Error(stderr)) : resolve(stdout)));
    child.stdin.end(id);
  });
  assert.match(output, /"user": ?"Ada"/);
  await demo.stop();
});

test('a session of an older demo, under its id, is not found, and the visitor signs in anew', async () => {
  const demo = await startDemo();
  const table = rawTable(demo.engine, 'sessions');
  const enter = (headers) => post(`${demo.url}/sign-in`, new URLSearchParams({ name: 'Ada' }), { Origin: demo.url, ...headers });
  const cookie = cookiesOf(await enter()).join('; ');
  const id = /demo\.sid=([^;]+)/.exec(cookie)[1];
  const key = hashedKey(id);
  await table.put({ ...await table.get(key), sessionId: { S: id } });
  await table.delete(key);

  const page = await fetch(demo.url, { headers: { cookie } });
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Hello, who are you\?/);
  const anew = await enter({ cookie });
  assert.equal(anew.status, 303);
  assert.match(await (await fetch(demo.url, { headers: { cookie: cookiesOf(anew).join('; ') } })).text(), /<bdi>Ada<\/bdi>/);
  assert.doesNotMatch(demo.output(), /error|failed/i);
  await demo.stop();
});

test('keys from the environment: the same key opens a session elsewhere, and another one does not', async () => {
  const key = (id, byte) => ({ id, key: Buffer.alloc(32, byte).toString('base64') });
  // A table of its own: the secret for users' keys is encrypted as well, and needs the key that it was made with.
  const env = { DEMO_DATA: path.join(scratch, 'keys') };
  const first = await startDemo({ ...env, ENCRYPTION_KEYS: JSON.stringify(key('a', 1)) });
  const at = (...keys) => startDemo({ ...env, DYNAMODB_ENDPOINT: first.engine, ENCRYPTION_KEYS: JSON.stringify(keys) });
  const rotated = await at(key('b', 2), key('a', 1));
  const stranger = await at(key('c', 3));

  const signedIn = await post(`${first.url}/sign-in`, new URLSearchParams({ name: 'Ada' }), { Origin: first.url });
  assert.equal(signedIn.status, 303);
  const cookie = cookiesOf(signedIn).join('; ');
  const get = (url) => fetch(url, { headers: { cookie } });
  assert.equal((await get(first.url)).status, 200);
  const refused = await get(stranger.url);
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /out of reach/);
  assert.match(stranger.output(), /UnknownKeyError/);
  const elsewhere = await get(rotated.url);
  assert.equal(elsewhere.status, 200);
  assert.match(await elsewhere.text(), /<bdi>Ada<\/bdi>/);
  // That view has encrypted the session with the new key.
  assert.equal((await get(first.url)).status, 503);

  const refuses = (wrong, message) => (
    assert.rejects(startDemo({ ...env, DYNAMODB_ENDPOINT: first.engine, ...wrong }), message));
  await refuses({ ENCRYPTION_KEYS: 'a passphrase' }, /ENCRYPTION_KEYS must hold one or more keys as JSON/);
  await refuses({ ENCRYPTION_KEYS: JSON.stringify([{ id: 'a', key: 'AAAA' }]) }, /could not start: .*key a has 3 bytes; it must have 32/);
  const damaged = path.join(scratch, 'damaged');
  fs.mkdirSync(damaged);
  fs.writeFileSync(path.join(damaged, 'encryption-keys.json'), '[{"id":');
  await refuses({ DEMO_DATA: damaged }, /encryption-keys\.json .* must hold one or more keys/);
  await Promise.all([stranger.stop(), rotated.stop()]);
  await first.stop();
});
