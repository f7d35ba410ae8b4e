'use strict';

// Starts the demo (examples/koa-demo), and Chromium to visit it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, afterEach, before } = require('node:test');

const DEMO = path.join(__dirname, '..', '..', '..', 'examples', 'koa-demo');
const CHROMIUM = [process.env.CHROMIUM || '/usr/bin/chromium'].find(fs.existsSync);
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const START_MS = 30000;

// Without a browser the browser tests are skipped, visibly; on CI that is an error.
const needsChromium = {
  skip: !CHROMIUM && process.env.CI !== 'true' && 'no Chromium (set CHROMIUM to its path)',
};

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'koa-demo-'));
const running = new Set();

// Starts the demo and waits until it says where it is. stop() ends it as Ctrl-C does.
const startDemo = (env) => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, ['start.js'], {
    cwd: DEMO,
    env: {
      ...process.env, DEMO_DATA: scratch, ENGINE_PORT: '0', PORT: '0', ...env,
    },
  });
  running.add(child);
  let output = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const exited = new Promise((done) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      clearTimeout(timer);
      reject(new Error(`the demo stopped (${signal || code}):\n${output}`));
      done({ code, signal });
    });
  });
  const listen = (chunk) => {
    output += chunk;
    const [, url] = output.match(/Open (http:\S+)\n/) || [];
    if (!url) return;
    clearTimeout(timer);
    resolve({
      url,
      pid: child.pid,
      engine: (output.match(/Local engine: (http:[^\s,]+)/) || [])[1],
      output: () => output,
      stop: async () => {
        child.kill('SIGINT');
        assert.deepEqual(await exited, { code: 0, signal: null }, output);
      },
    });
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
});

const listens = (url) => new Promise((resolve) => {
  const { hostname, port } = new URL(url);
  const socket = net.connect(port, hostname);
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(String(port)));
  });
});

const post = (url, body, headers) => fetch(url, {
  method: 'POST', body, headers, redirect: 'manual',
});

// Does what leads to another page, and waits until that is there as a whole.
const leadsOn = async (page, act) => {
  const loaded = page.waitForEvent('load');
  await act();
  await loaded;
};

const press = (page, name) => leadsOn(page, () => page.getByRole('button', { name, exact: true }).click());

const signIn = async (page, url, name) => {
  await page.goto(url);
  await page.getByLabel('Your name').fill(name);
  await press(page, 'Sign in');
};

const views = async (page) => Number(await page.locator('#views').textContent());
const signedOut = (page) => page.getByRole('heading', { name: 'Hello, who are you?' }).isVisible();

const sessionId = async (context) => {
  const cookies = await context.cookies();
  return cookies.find((cookie) => cookie.name === 'demo.sid').value;
};

let browser;

before(async () => {
  if (needsChromium.skip) return;
  assert.ok(CHROMIUM, 'CI has to test in a browser: install Chromium or set CHROMIUM');
  // eslint-disable-next-line global-require
  const { chromium } = require('playwright-core');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

// A test that fails leaves its demo behind, which would be in the way of the next one.
afterEach(async () => {
  running.forEach((child) => child.kill('SIGTERM'));
  await Promise.all([...running].map((child) => new Promise((done) => { child.once('exit', done); })));
});

after(async () => {
  await browser?.close();
  fs.rmSync(scratch, { recursive: true, force: true });
});

// A tab of its own visitor; anything the browser complains about fails the test at the end.
const visit = async (options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // A refused form is a 4xx, which Chromium reports as an error as well.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (err) => complaints.push(err.message));
  return {
    context,
    page,
    leave: async () => {
      await context.close();
      assert.deepEqual(complaints, []);
    },
  };
};

module.exports = {
  freePort,
  leadsOn,
  listens,
  needsChromium,
  post,
  press,
  scratch,
  sessionId,
  signedOut,
  signIn,
  startDemo,
  views,
  visit,
};
