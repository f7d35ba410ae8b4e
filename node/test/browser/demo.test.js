'use strict';

/* eslint-env browser -- for what runs in the page */

// The demo (examples/koa-demo) as a visitor meets it: started the way `make demo` starts it, with
// the local engine behind it, and used in Chromium. Needs the built engine and addon.

const assert = require('node:assert/strict');
const http = require('node:http');
const { test } = require('node:test');
const {
  freePort, listens, needsChromium, post, press, sessionId, signedOut, signIn, startDemo, views, visit,
} = require('./demo');

test('a visitor signs in, counts, writes a note, outlives a restart and signs out', needsChromium, async () => {
  const env = { PORT: await freePort() };
  let demo = await startDemo(env);
  const { context, page, leave } = await visit();

  await signIn(page, demo.url, 'Ada');
  await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor();
  assert.equal(await views(page), 1);
  await page.reload();
  assert.equal(await views(page), 2);
  await page.getByLabel('A note').fill('Sessions live\nin DynamoDB.');
  await page.getByRole('button', { name: 'Save the note' }).click();
  assert.equal(await page.getByLabel('A note').inputValue(), 'Sessions live\nin DynamoDB.');
  assert.equal(await views(page), 3);

  const id = await sessionId(context);
  const cookies = await context.cookies();
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]).sort(),
    [['demo.sid', true, 'Lax'], ['demo.sid.sig', true, 'Lax']],
  );

  const { pid, engine } = demo;
  await demo.stop();
  assert.equal(await listens(engine), false, 'the engine outlived the demo');
  demo = await startDemo(env);
  assert.notEqual(demo.pid, pid);
  await page.reload();
  assert.equal(await views(page), 4);
  assert.equal(await page.getByLabel('A note').inputValue(), 'Sessions live\nin DynamoDB.');
  assert.equal(await sessionId(context), id);

  const old = await context.cookies();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  assert.ok(await signedOut(page));
  assert.deepEqual(await context.cookies(), []);
  await page.goBack();
  assert.ok(await signedOut(page), 'the back button shows the session');
  await context.addCookies(old);
  await page.goto(demo.url);
  assert.ok(await signedOut(page), 'an old cookie signs in');

  await leave();
  await demo.stop();
});

test('what a visitor types is text, and bounded', needsChromium, async () => {
  const demo = await startDemo();
  const { context, page, leave } = await visit();

  const name = '<img src=x onerror=pwned=1>"&amp;\'';
  await signIn(page, demo.url, name);
  await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor();
  const note = '</textarea></code><script>pwned=1</script>';
  await page.getByLabel('A note').fill(note);
  await page.getByRole('button', { name: 'Save the note' }).click();
  assert.equal(await page.getByLabel('A note').inputValue(), note);
  await press(page, 'Store it as plain data');
  const item = JSON.parse(await page.locator('#item').textContent());
  assert.equal(item.session.M.user.S, name);
  assert.equal(item.session.M.note.S, note);
  assert.equal(await page.locator('script, main img').count(), 0);
  assert.equal(await page.evaluate(() => typeof window.pwned), 'undefined');

  // The limits hold without the browser's help, and what was typed is not lost.
  const long = 'x'.repeat(281);
  await page.getByLabel('A note').evaluate((element) => element.removeAttribute('maxlength'));
  await page.getByLabel('A note').fill(long);
  await page.getByRole('button', { name: 'Save the note' }).click();
  assert.match(await page.getByRole('alert').textContent(), /at most 280 characters; this has 281/);
  assert.equal(await page.getByLabel('A note').inputValue(), long);
  await page.goto(demo.url);
  assert.equal(await page.getByLabel('A note').inputValue(), note);

  // Signing in again is a new session under a new id: nothing of the first is left.
  const first = await context.cookies();
  await page.evaluate(() => {
    document.querySelector('main').innerHTML = '<form method="post" action="/sign-in">'
      + '<input name="name" value="Bob"><button>Go</button></form>';
  });
  await page.getByRole('button', { name: 'Go' }).click();
  await page.getByRole('heading', { name: 'Hello, Bob' }).waitFor();
  assert.equal(await page.getByLabel('A note').inputValue(), '');
  const second = await context.cookies();
  await context.addCookies(first);
  await page.goto(demo.url);
  assert.ok(await signedOut(page), 'the id from before the sign-in still works');

  // A form on another origin, with the cookie sent along: the same host has another port.
  await context.addCookies(second);
  const other = http.createServer((req, res) => {
    res.setHeader('Content-Type', 'text/html');
    res.end(`<form method="post" action="${demo.url}/sign-out"><button>Win a prize</button></form>`);
  });
  await new Promise((done) => { other.listen(0, '127.0.0.1', done); });
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  await page.getByRole('button').click();
  await page.getByRole('heading', { name: 'Not from here' }).waitFor();
  await page.goto(demo.url);
  await page.getByRole('heading', { name: 'Hello, Bob' }).waitFor();
  other.closeAllConnections();
  other.close();

  // A telephone: nothing sticks out.
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));

  await leave();
  await demo.stop();
});

test('a form from elsewhere is refused, whichever way the browser says so', async () => {
  const demo = await startDemo();
  const signInFrom = async (headers) => {
    const body = new URLSearchParams({ name: 'Ada' });
    const response = await post(`${demo.url}/sign-in`, body, headers);
    assert.equal(response.headers.getSetCookie().length > 0, response.status === 303);
    return response.status;
  };
  const elsewhere = 'http://elsewhere.example';
  assert.equal(await signInFrom({ Origin: demo.url }), 303);
  assert.equal(await signInFrom({ Origin: elsewhere, 'Sec-Fetch-Site': 'same-origin' }), 303);
  assert.equal(await signInFrom({}), 403);
  assert.equal(await signInFrom({ Origin: elsewhere }), 403);
  assert.equal(await signInFrom({ Origin: 'null' }), 403);
  assert.equal(await signInFrom({ Origin: demo.url, 'Sec-Fetch-Site': 'same-site' }), 403);
  assert.equal(await signInFrom({ Origin: demo.url, 'Sec-Fetch-Site': 'cross-site' }), 403);
  await demo.stop();
});

test('a taken port, sessions shared by two apps, an engine that is gone', async () => {
  const first = await startDemo();
  const { port } = new URL(first.url);
  const second = await startDemo({ PORT: port, DYNAMODB_ENDPOINT: first.engine });
  assert.match(second.output(), new RegExp(`Port ${port} is taken`));
  assert.notEqual(second.url, first.url);
  assert.equal(second.engine, undefined);

  const form = new URLSearchParams({ name: 'Ada' });
  const signedIn = await post(`${first.url}/sign-in`, form, { Origin: first.url });
  assert.equal(signedIn.status, 303);
  const cookie = signedIn.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const get = async (url) => {
    const response = await fetch(url, { headers: { cookie } });
    return { status: response.status, text: await response.text() };
  };
  assert.match((await get(second.url)).text, /<bdi>Ada<\/bdi>/);
  assert.equal((await get(`${second.url}/nowhere`)).status, 404);

  await first.stop();
  const { status, text } = await get(second.url);
  assert.equal(status, 503);
  assert.match(text, /out of reach/);
  const id = cookie.match(/demo\.sid=([^;]+)/)[1];
  assert.match(second.output(), /GET \/: the session store failed/);
  assert.ok(!second.output().includes(id), 'the log holds a session id');
  assert.ok(!/dummyKey/.test(second.output()), 'the log holds a secret');
  await second.stop();
});
