'use strict';

/* eslint-env browser -- for what runs in the page */

// "Your devices" of the demo: two browsers of one user see and end each other's sessions.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const deviceLabel = require('../../../examples/koa-demo/device');
const hashedKey = require('../support/hashed-key');
const { rawTable } = require('../support/raw');
const {
  needsChromium, post, press, sessionId, signedOut, signIn, startDemo, visit,
} = require('./demo');

const AGENTS = {
  laptop: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  phone: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
  desk: 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
};
const LAPTOP = 'Safari on macOS';
const PHONE = 'Chrome on Android';
const DESK = 'Firefox on Linux';

const OTHERS = 'Sign out all others';
const EVERYWHERE = 'Sign out everywhere';

// A browser that is signed in under this name.
const open = async (demo, name, userAgent) => {
  const visitor = await visit({ userAgent });
  await signIn(visitor.page, demo.url, name);
  return visitor;
};

const list = (page) => page.getByRole('region', { name: 'Your devices' });
// Each with whether it says that it is this device.
const devices = async (page) => {
  const rows = await list(page).getByRole('listitem').all();
  return Promise.all(rows.map(async (row) => [
    await row.getByRole('heading').textContent(),
    await row.getByText('this device', { exact: true }).isVisible(),
  ]));
};
const count = (page, name) => page.getByRole('button', { name, exact: true }).count();
const alertOf = (page) => page.getByRole('alert').textContent();

const widest = (page) => page.evaluate(() => {
  const sides = [...document.querySelectorAll('body *')].map((element) => element.getBoundingClientRect().right);
  return Math.max(document.documentElement.scrollWidth, ...sides);
});

const walk = async (demo, name, prepare) => {
  const laptop = await open(demo, name, AGENTS.laptop);
  await prepare(laptop.page);
  assert.deepEqual(await devices(laptop.page), [[LAPTOP, true]]);
  assert.equal(await count(laptop.page, OTHERS) + await count(laptop.page, EVERYWHERE), 0);
  assert.match(await list(laptop.page).textContent(), /No other device is signed in under this name/);

  const phone = await open(demo, name, AGENTS.phone);
  const desk = await open(demo, name, AGENTS.desk);
  const stranger = await open(demo, `${name}2`, AGENTS.desk);
  assert.deepEqual(await devices(desk.page), [[DESK, true], [PHONE, false], [LAPTOP, false]]);
  assert.deepEqual(await devices(stranger.page), [[DESK, true]]);
  await laptop.page.reload();
  assert.deepEqual(await devices(laptop.page), [[LAPTOP, true], [DESK, false], [PHONE, false]]);
  const times = list(laptop.page).getByRole('listitem').first().locator('time');
  const [signedInAt, lastSeenAt] = await times.evaluateAll((all) => all.map((time) => Date.parse(time.dateTime)));
  // The store keeps the last view in whole seconds.
  assert.ok(lastSeenAt >= Math.floor(signedInAt / 1000) * 1000 && lastSeenAt <= Date.now(), `${signedInAt} ${lastSeenAt}`);

  // One by one. The other one finds out with its next request, and says why.
  await phone.page.reload();
  await press(laptop.page, `Sign out ${PHONE}`);
  assert.deepEqual(await devices(laptop.page), [[LAPTOP, true], [DESK, false]]);
  await phone.page.getByLabel('A note').fill('too late');
  await press(phone.page, 'Save the note');
  assert.ok(await signedOut(phone.page));
  assert.match(await alertOf(phone.page), /Your session has ended, so the note was not saved/);
  await phone.page.goto(demo.url);
  assert.ok(await signedOut(phone.page));
  assert.match(await phone.page.getByRole('status').textContent(), /You are signed out/);

  // Its page is older than the list.
  await press(desk.page, `Sign out ${PHONE}`);
  assert.match(await alertOf(desk.page), /That device is no longer signed in/);
  assert.deepEqual(await devices(desk.page), [[DESK, true], [LAPTOP, false]]);

  await signIn(phone.page, demo.url, name);
  assert.equal(await phone.page.getByRole('status').count(), 0);
  await press(phone.page, OTHERS);
  assert.deepEqual(await devices(phone.page), [[PHONE, true]]);
  for (const { page } of [desk, laptop]) {
    await page.goto(demo.url);
    assert.ok(await signedOut(page));
  }

  await signIn(desk.page, demo.url, name);
  await phone.page.reload();
  await press(phone.page, EVERYWHERE);
  assert.ok(await signedOut(phone.page));
  assert.ok(!(await phone.context.cookies()).some((cookie) => cookie.name === 'demo.sid'));
  await press(desk.page, EVERYWHERE);
  assert.ok(await signedOut(desk.page));
  assert.match(await alertOf(desk.page), /no device was signed out/);
  await stranger.page.reload();
  assert.deepEqual(await devices(stranger.page), [[DESK, true]]);
  for (const visitor of [laptop, phone, desk, stranger]) await visitor.leave();
};

test('two browsers see each other, and one signs the other out, then all', needsChromium, async () => {
  const demo = await startDemo();
  await walk(demo, 'Ada', async () => {});
  assert.doesNotMatch(demo.output(), /error|failed|could not/i);
  await demo.stop();
});

test('the same where one of them stores its session as plain data, or signs in that way', needsChromium, async () => {
  const demo = await startDemo();
  await walk(demo, 'Bob', (page) => press(page, 'Store it as plain data'));
  await walk(demo, 'Eve', async (page) => {
    await press(page, 'Store it as plain data');
    await press(page, 'Sign out');
    await signIn(page, demo.url, 'Eve');
    assert.equal(await page.locator('.badge.plain').count(), 1);
  });
  assert.doesNotMatch(demo.output(), /error|failed|could not/i);
  await demo.stop();
});

test('what a browser calls itself is text, on a telephone as well', needsChromium, async () => {
  const demo = await startDemo();
  const hostile = '</bdi><img src=x onerror="pwned=1">\'"><script>pwned=1</script>&amp;';
  const { page, leave } = await visit({ viewport: { width: 320, height: 640 } });
  await signIn(page, demo.url, 'Mallory');
  const others = [hostile, 'W'.repeat(5000), ''];
  for (const userAgent of others) {
    const response = await post(`${demo.url}/sign-in`, new URLSearchParams({ name: 'Mallory' }), {
      Origin: demo.url, 'User-Agent': userAgent,
    });
    assert.equal(response.status, 303);
  }
  await page.reload();
  const labels = (await devices(page)).map(([label]) => label);
  assert.deepEqual(labels.slice(1), ['A browser without a name', `${'W'.repeat(59)}…`, `${hostile.slice(0, 59)}…`]);
  assert.equal(await page.locator('script, main img').count(), 0);
  assert.equal(await page.evaluate(() => typeof window.pwned), 'undefined');
  assert.ok(await widest(page) <= 320, `${await widest(page)}`);

  // The name of the button has the label too, and the button works. The page stays where the list is.
  await press(page, `Sign out ${labels[3]}`);
  assert.equal((await devices(page)).length, 3);
  const top = await page.locator('#devices').evaluate((element) => element.getBoundingClientRect().top);
  assert.ok(top >= 0 && top < 100, `${top}`);
  await leave();

  // A whole browser of that name.
  const other = await open(demo, 'Mallory2', hostile);
  assert.deepEqual(await devices(other.page), [[`${hostile.slice(0, 59)}…`, true]]);
  assert.equal(await other.page.evaluate(() => typeof window.pwned), 'undefined');
  await other.leave();
  await demo.stop();
});

test('a list that cannot be read leaves the rest of the page as it is', needsChromium, async () => {
  const demo = await startDemo();
  const table = rawTable(demo.engine, 'sessions');
  const { context, page, leave } = await open(demo, 'Barbara', AGENTS.laptop);
  const { userKey } = await table.get(hashedKey(await sessionId(context)));
  await table.put({ ...await table.get(userKey.S), sessions: { S: 'not a list' } });
  await page.reload();
  await page.getByRole('heading', { name: 'Hello, Barbara' }).waitFor();
  assert.match(await list(page).textContent(), /The list could not be read\. The log of the server says why\. You stay signed in\./);
  assert.equal(await page.locator('#item').getByText('userKey').count(), 1);
  assert.match(demo.output(), /the devices could not be listed: \w+Error: /);
  assert.ok(!demo.output().includes('Barbara'), 'the log holds the name of a user');
  await leave();
  await demo.stop();
});

test('without JavaScript in the browser it is the same', needsChromium, async () => {
  const demo = await startDemo();
  const first = await open(demo, 'Grace', AGENTS.laptop);
  const second = await visit({ javaScriptEnabled: false, userAgent: AGENTS.phone });
  await signIn(second.page, demo.url, 'Grace');
  await press(second.page, `Sign out ${LAPTOP}`);
  assert.deepEqual(await devices(second.page), [[PHONE, true]]);
  await first.page.reload();
  assert.ok(await signedOut(first.page));
  await first.leave();
  await second.leave();
  await demo.stop();
});

const cookiesOf = (response) => response.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');

test('a sign-out from elsewhere, of a stranger, or of nothing is refused', async () => {
  const demo = await startDemo();
  const enter = async (name) => cookiesOf(await post(`${demo.url}/sign-in`, new URLSearchParams({ name }), {
    Origin: demo.url, 'User-Agent': AGENTS.desk,
  }));
  const view = async (cookie) => (await fetch(demo.url, { headers: { cookie } })).text();
  const isIn = async (cookie) => !/Hello, who are you/.test(await view(cookie));
  const first = await enter('Alan');
  const second = await enter('Alan');
  const stranger = await enter('Kurt');
  const [, ref] = /name="ref" value="(\w+)"/.exec(await view(first));
  const send = (page, form, cookie, origin = demo.url) => post(`${demo.url}/devices/${page}`, new URLSearchParams(form), {
    cookie, Origin: origin,
  });

  for (const page of ['sign-out', 'sign-out-others', 'sign-out-everywhere']) {
    assert.equal((await send(page, { ref }, first, 'http://elsewhere.example')).status, 403, page);
    const nobody = await send(page, { ref }, '');
    assert.equal(nobody.status, 422, page);
    assert.match(await nobody.text(), /no device was signed out/);
    assert.equal((await fetch(`${demo.url}/devices/${page}`, { headers: { cookie: first } })).status, 405, page);
  }
  for (const [form, cookie] of [[{ ref }, stranger], [{ ref: 'nonsense' }, first], [{}, first], [{ ref: '0'.repeat(24) }, first]]) {
    const refused = await send('sign-out', form, cookie);
    assert.equal(refused.status, 422);
    assert.match(await refused.text(), /no longer signed in/);
  }
  assert.deepEqual(await Promise.all([first, second, stranger].map(isIn)), [true, true, true]);
  assert.equal((await send('sign-out', { ref }, first)).status, 303);
  assert.deepEqual(await Promise.all([first, second, stranger].map(isIn)), [true, false, true]);
  assert.doesNotMatch(demo.output(), /error|failed/i);
  await demo.stop();
});

test('the name of a device, made from what the browser calls itself', () => {
  const like = 'Mozilla/5.0';
  const blink = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0';
  const names = {
    [AGENTS.laptop]: LAPTOP,
    [AGENTS.phone]: PHONE,
    [AGENTS.desk]: DESK,
    [`${like} (Windows NT 10.0; Win64; x64) ${blink} Safari/537.36`]: 'Chrome on Windows',
    [`${like} (Windows NT 10.0; Win64; x64) ${blink} Safari/537.36 Edg/126.0.2592.68`]: 'Edge on Windows',
    [`${like} (Macintosh; Intel Mac OS X 10_15_7) ${blink} Safari/537.36 OPR/112.0.0.0`]: 'Opera on macOS',
    [`${like} (Linux; Android 14; SM-S921B) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`]:
      'Samsung Internet on Android',
    [`${like} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1`]:
      'Safari on iPhone',
    [`${like} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1`]:
      'Chrome on iPhone',
    [`${like} (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 FxiOS/127.0 Mobile/15E148 Safari/605.1.15`]:
      'Firefox on iPad',
    [`${like} (X11; CrOS x86_64 14541.0.0) ${blink} Safari/537.36`]: 'Chrome on ChromeOS',
    'curl/8.5.0': 'curl/8.5.0',
    '  a\u0000\u0085 b\t': 'a b',
    '': '',
    ['x'.repeat(60)]: 'x'.repeat(60),
    ['x'.repeat(61)]: `${'x'.repeat(59)}…`,
  };
  Object.entries(names).forEach(([userAgent, name]) => assert.equal(deviceLabel(userAgent), name));
});
