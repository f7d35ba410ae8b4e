'use strict';

// The README tells the truth. Every snippet is run, or, where it says so, checked in another way; every table is
// compared with the code. A snippet nobody knows how to check fails.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const DynamoDBStore = require('koa-session-dynamodb-store');
const { CODES, toError } = require('../../lib/errors');
const manifest = require('../../package.json');
const platforms = require('../../npm/platforms.json');
const faces = require('../cost/faces');
const { tableOf } = require('../cost/table');
const { SIZES } = require('../cost/views');
const { startEngine, useEngine } = require('../support/engine');
const { rows: faultTable } = require('../support/faults');
const { VERSIONS, serveFor } = require('../support/koa');
const { local, unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { useRecorder } = require('../support/recorder');
const { cleanEnv, printed, start } = require('../support/subprocess');
const Visitor = require('../support/visitor');
const declared = require('./declared');
const {
  ROOT, anchorsOf, blocksOf, codeIn, linksOf, read, sectionOf, tablesOf,
} = require('./markdown');

const FILES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/options.md'];
const MODULES = path.join(ROOT, 'node', 'node_modules');
const TARGET = process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target');
const run = promisify(execFile);

const blocks = FILES.flatMap(blocksOf);
const block = (...marker) => blocks.find((each) => each.marker.join(' ') === marker.join(' '));
const linesOf = ({ text }) => text.replaceAll('\\\n', ' ').trim().split('\n').map((line) => line.replace(/ +#.*/, ''));

const tables = tablesOf('README.md');
// The rows of the table under a heading whose first column is called so.
const rows = (heading, first) => {
  const found = tables.find((table) => table.heading === heading && table.head[0] === first);
  assert.ok(found, `a table under ${heading} with the column ${first}`);
  return found.rows;
};
const unquoted = (cell) => cell.replaceAll('`', '');
const column = (...table) => rows(...table).map(([cell]) => unquoted(cell));
const sorted = (names) => [...new Set(names)].sort();

const temporary = (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'readme-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const engine = useEngine();
const recorder = useRecorder(engine);
before(() => recorder.started);

// --- Snippets of Koa apps: each is a program that counts views, run as it stands.

// A project with the package and the frameworks installed.
function project(t, koaSession = 'koa-session') {
  const dir = temporary(t);
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.writeFileSync(path.join(dir, 'package.json'), '{}');
  Object.entries({
    koa: path.join(MODULES, 'koa'),
    'koa-session': path.join(MODULES, koaSession),
    express: path.join(MODULES, 'express'),
    'express-session': path.join(MODULES, 'express-session'),
    fastify: path.join(MODULES, 'fastify'),
    '@fastify': path.join(MODULES, '@fastify'),
    '@types': path.join(MODULES, '@types'),
    'koa-session-dynamodb-store': path.join(ROOT, 'node'),
  }).forEach(([name, target]) => fs.symlinkSync(target, path.join(dir, 'node_modules', name)));
  return dir;
}

async function countsViews(t, source, { extension = 'js', env = {}, koaSession } = {}) {
  const dir = project(t, koaSession);
  const file = path.join(dir, `app.${extension}`);
  fs.writeFileSync(file, source);
  const app = start(process.execPath, ['--require', path.join(__dirname, 'listen.js'), file], {
    cwd: dir, env: cleanEnv({ SESSION_KEY: 'a key of the tests, long enough for all', ...env }),
  });
  t.after(app.stop);
  const [, port] = await printed(app, /listening on (\d+)/);
  const visitor = new Visitor(`http://127.0.0.1:${port}`);
  assert.equal((await visitor.get('/')).body, '1 views');
  assert.equal((await visitor.get('/')).body, '2 views');
  assert.equal((await new Visitor(visitor.url).get('/')).body, '1 views');
  assert.equal(app.output.stderr, '');
}

// What the environment says in place of AWS.
const environment = () => ({ AWS_REGION: 'local', AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint });

// A program of the workspace that the README shows: the same text, but for what lints want.
function assertExample({ text }, name) {
  const source = read(`crates/dynamodb-session/examples/${name}.rs`);
  assert.equal(text.trim(), source.replace(/^(\/\/!|#!\[).*$/gm, '').trim());
}

const HANDLERS = {
  koa: async (t, { text }) => {
    await t.test('koa-session 7', (inner) => countsViews(inner, text, { env: environment() }));
    // The line that differs, as the README says it.
    const line = codeIn(sectionOf('README.md', 'Koa')).find((code) => /^const createSession = /.test(code));
    const other = text.replace("const { createSession } = require('koa-session');", line);
    assert.notEqual(other, text);
    const options = { env: environment(), koaSession: 'koa-session-6' };
    await t.test('koa-session 6', (inner) => countsViews(inner, other, options));
  },
  'koa-esm': (t, { text }) => countsViews(t, text, { extension: 'mjs', env: environment() }),
  'koa-local': (t, { text }) => {
    const here = text.replace('http://localhost:8000', engine.endpoint);
    assert.notEqual(here, text);
    return countsViews(t, here);
  },
  express: (t, { text }) => countsViews(t, text, { env: environment() }),
  fastify: (t, { text }) => countsViews(t, text, { env: environment() }),
  // In an app of its own: a listener that is told, and counts that are printed.
  events: async (t, { text }) => {
    const store = new DynamoDBStore(local(engine.endpoint, unique('events')));
    await store.createTableIfDontExists();
    const lines = [];
    const console = { log: (line) => lines.push(line) };
    const every = (print) => {
      print();
      return { unref() {} };
    };
    Function('store', 'console', 'setInterval', text)(store, console, every); // eslint-disable-line no-new-func
    const [ctx, other] = [{}, {}];
    await store.set('x', { a: 1 }, 60000, { ctx });
    await store.destroy('x', { ctx: other });
    await store.set('x', { a: 2 }, 60000, { ctx });
    while (lines.length < 2) await new Promise((resolve) => { setImmediate(resolve); });
    assert.match(lines[1], /^a request came too late for session [0-9a-f]{16}$/);
    const properties = column('Events and statistics', 'property');
    assert.deepEqual(sorted(Object.keys(lines[0])), sorted(properties));
    assert.deepEqual(sorted(declared('common', 'interface', 'Stats')), sorted(properties));
    const [, , details] = rows('Events and statistics', 'property').map(([, cell]) => cell);
    assert.ok(details);
    const ofOperation = codeIn(rows('Events and statistics', 'property')[0][1]).slice(2);
    assert.deepEqual(sorted(ofOperation), sorted(Object.keys(store.stats().operations.PutItem)));
  },
  // The tests of each crate run its example; here, that they are called so.
  'rust-examples': (t, snippet) => linesOf(snippet).forEach((line) => {
    const [, crate, example] = /^cargo run -p ([\w-]+) --example (\w+)$/.exec(line);
    assert.ok(fs.existsSync(path.join(ROOT, 'crates', crate, 'examples', `${example}.rs`)), line);
  }),
  types: async (t, { text }) => {
    const dir = project(t);
    fs.writeFileSync(path.join(dir, 'store.ts'), text);
    const options = {
      noEmit: true, strict: true, module: 'node16', target: 'es2022', types: ['node'],
    };
    fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['store.ts'] }));
    await run(process.execPath, [path.join(MODULES, 'typescript/bin/tsc'), '-p', dir])
      .catch((error) => assert.fail(error.stdout));
  },

  // Not run: that is what CI does. The targets exist.
  make: (t, snippet) => linesOf(snippet).forEach((line) => {
    const [, target] = /^(?:[A-Z_]+=\S+ )?make ([\w-]+)$/.exec(line.trim());
    assert.match(read('Makefile'), new RegExp(`^${target}:.*## `, 'm'));
  }),
  // The first line is the step `addon` of `make test`; the second is run.
  pack: async (t, snippet) => {
    const [build, pack, ...more] = linesOf(snippet);
    assert.deepEqual(more, []);
    assert.ok(manifest.scripts[/^npm run --prefix node (\w+)$/.exec(build)[1]]);
    const [, script] = /^node (\S+) target\/npm$/.exec(pack);
    const out = temporary(t);
    const { stdout } = await run(process.execPath, [path.join(ROOT, script), out], { cwd: ROOT });
    const made = stdout.trim().split('\n').map((file) => path.basename(file));
    // What `npm install` is given further down. The packaging tests install them, into an empty project.
    const given = linesOf(block('install'))[0].split(/\s+/).slice(2);
    if (made[1].includes('linux-x64-gnu')) assert.deepEqual(given.map((file) => path.basename(file)), made);
    given.forEach((file) => assert.equal(path.dirname(file), '../dynamodb-session/target/npm'));
    const { stdout: content } = await run('tar', ['-xOzf', path.join(out, made[0]), 'package/README.md'], { maxBuffer: 1e8 });
    assert.equal(content, read('README.md'));
  },
  install: (t, snippet) => assert.match(linesOf(snippet)[0], /^npm install /), // see `pack`
  'cli-install': (t, { text }) => {
    const [, crate] = /^cargo install --locked --path (\S+)$/.exec(text.trim());
    assert.match(read(path.join(crate, 'Cargo.toml')), /name = "dynamodb-session"/);
  },

  local: async (t, { text }) => {
    const [program, command, ...args] = text.trim().split(' ');
    assert.deepEqual([program, command], ['dynamodb-session', 'local']);
    args[args.indexOf('--data') + 1] = path.join(temporary(t), 'sessions.db');
    // The last port given would be one too many.
    const [flag, port] = args.splice(args.indexOf('--port'), 2);
    assert.deepEqual([flag, port], ['--port', '8000']);
    const running = await startEngine(...args);
    t.after(running.stop);
    assert.match(running.endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
  },
  cli: async (t, snippet) => {
    // An engine of its own: the table is the default one.
    const own = await startEngine();
    t.after(own.stop);
    const dir = temporary(t);
    const id = unique('id');
    fs.writeFileSync(path.join(dir, 'id.txt'), `${id}\n`);
    const bin = path.join(TARGET, 'debug');
    const env = cleanEnv({ PATH: `${bin}:${process.env.PATH}`, AWS_ENDPOINT_URL_DYNAMODB: own.endpoint });
    const store = new DynamoDBStore(local(own.endpoint, 'sessions'));
    const printedBy = {};
    for (const line of linesOf(snippet)) {
      assert.match(line, /^dynamodb-session /);
      const { stdout } = await run('sh', ['-c', line], { cwd: dir, env });
      const command = line.split(' ').slice(1, 3).join(' ');
      printedBy[command] = stdout;
      if (command === 'table create') await store.set(id, { user: 'Ada' }, 60000);
      if (command === 'session get') assert.ok(await store.get(id));
      if (command === 'session delete') assert.equal(await store.get(id), undefined);
    }
    assert.equal(JSON.parse(printedBy['table describe']).status, 'ACTIVE');
    assert.match(printedBy['session get'], /Ada/);
    assert.equal(await store.isTableCreated(), null);
  },

  iam: async (t, { text }) => {
    const { Version, Statement } = JSON.parse(text);
    assert.equal(Version, '2012-10-17');
    const allowed = Object.fromEntries(Statement.map(({ Sid, Action }) => [Sid, Action]));
    const used = () => sorted(recorder.operations().map((operation) => `dynamodb:${operation}`));
    const name = unique('iam');
    const options = (table) => local(recorder.endpoint, name, { table: { autoCreate: true, ...table } });
    const make = (table) => new DynamoDBStore(options(table));

    recorder.reset();
    const store = make({});
    await store.ready;
    await make({ readCapacityUnits: 7 }).ready;
    await make({ useTtlExpired: false }).ready;
    await store.isTableCreated();
    assert.deepEqual(sorted(allowed.TableAtStart), used());

    recorder.reset();
    const ctx = {};
    await store.set('id', { a: 1 }, 60000, { ctx });
    await store.get('id', 60000, { ctx });
    await store.set('id', { a: 2 }, 60000, { ctx });
    await store.destroy('id', { ctx });
    assert.deepEqual(sorted(allowed.Sessions), used());
  },

  // What the example below it needs, and no more.
  cargo: (t, { text }) => {
    const names = [...text.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
    assert.deepEqual(names, ['dynamodb-session', 'serde', 'tokio']);
    const [, at] = /path = "\.\.\/dynamodb-session\/([^"]+)"/.exec(text);
    assert.match(read(path.join(at, 'Cargo.toml')), /^name = "dynamodb-session"$/m);
    const example = block('rust', 'quick_start').text;
    names.forEach((name) => assert.match(example, new RegExp(`\\b${name.replaceAll('-', '_')}::`)));
  },
  // The workspace's own lints and tests compile the examples. The first is run; the second needs the HTTP client
  // that aws-config has by default, and this workspace does without.
  rust: async (t, snippet) => {
    const [, name] = snippet.marker;
    assertExample(snippet, name);
    const args = ['build', '--locked', '--quiet', '--package', 'dynamodb-session', '--example', name];
    await run('cargo', args, { cwd: ROOT });
    if (name !== 'quick_start') return;
    const { stdout } = await run(path.join(TARGET, 'debug', 'examples', name), [], { env: cleanEnv(environment()) });
    assert.equal(stdout, 'signed in\n2 views\n');
  },
};

describe('snippets', () => {
  for (const snippet of blocks) {
    const {
      file, line, language, marker,
    } = snippet;
    it(`${file}:${line} ${language} (${marker.join(' ')})`, { timeout: 300000 }, (t) => {
      const handler = HANDLERS[marker[0]];
      assert.ok(handler, 'there is no handler for this snippet: give it one, and a <!-- test: … --> right before it');
      return handler(t, snippet);
    });
  }

  it('every handler has its snippet', () => {
    assert.deepEqual(sorted(Object.keys(HANDLERS)), sorted(blocks.map(({ marker }) => marker[0])));
  });
});

// --- Tables.

describe('the class', () => {
  const members = [...declared('koa', 'class', 'KoaDynamoDBStore'), ...declared('common', 'interface', 'Store')]
    .filter((name) => name !== 'constructor');
  const methods = column('Methods and properties', 'method').map((cell) => cell.replace(/\(.*/, ''));
  const properties = column('Methods and properties', 'property');

  it('has the methods and properties it says', () => {
    assert.deepEqual(sorted([...methods, ...properties]), sorted(members));
    const store = new DynamoDBStore(local(engine.endpoint, 'sessions'));
    methods.forEach((name) => assert.equal(typeof store[name], 'function', name));
    properties.forEach((name) => assert.ok(name in store, name));
    const prototype = Object.getOwnPropertyNames(DynamoDBStore.prototype).filter((name) => name !== 'constructor');
    assert.deepEqual(sorted([...prototype, ...Object.keys(store)]), sorted(members));
  });
});

describe('session data', () => {
  const CASES = {
    '`Date`': [[new Date(0)], ['1970-01-01T00:00:00.000Z']],
    '`Buffer`, typed array, `ArrayBuffer`': [
      [Buffer.from([1]), new Uint16Array([1]), new Uint8Array([2]).buffer],
      [Buffer.from([1]), Buffer.from([1, 0]), Buffer.from([2])]],
    '`Set`': [[new Set([1])], [[1]]],
    '`Map`': [[new Map([['a', 1]])], [{ a: 1 }]],
    '`NaN`, `Infinity`': [[NaN, Infinity], [null, null]],
    '`undefined`, function': [[{ a: undefined, b() {} }, undefined, () => {}], [{}, null, null]],
    'an object with `toJSON`': [[{ toJSON: () => 'instead' }], ['instead']],
    'a lone surrogate': [['\ud800'], ['\ufffd']],
  };
  let store;
  before(async () => {
    await engine.started;
    store = new DynamoDBStore(local(engine.endpoint, unique('data')));
    await store.createTableIfDontExists();
  });

  it('has a case for each row', () => {
    assert.deepEqual(sorted(rows('Session data', 'stored').map(([cell]) => cell)), sorted(Object.keys(CASES)));
  });
  Object.entries(CASES).forEach(([name, [value, expected]]) => {
    it(name, async () => {
      await store.set('x', { value }, 60000);
      assert.deepEqual((await store.get('x')).value, expected);
    });
  });
  const circular = {};
  circular.self = circular;
  const nested = (depth) => (depth === 0 ? 1 : { a: nested(depth - 1) });
  Object.entries({
    BigInt: { a: 1n }, circular, number: { a: 1e300 }, levels: { a: nested(31) }, 'empty name': { '': 1 }, size: { a: 'x'.repeat(409600) },
  }).forEach(([name, session]) => {
    it(`${name}: an error, and nothing written`, async () => {
      const id = unique('refused');
      await assert.rejects(store.set(id, session, 60000), { code: /^(InvalidSessionError|ItemTooLargeError)$/ });
      assert.equal(await store.get(id), undefined);
    });
  });
  it('31 levels and ids of 2048 bytes are fine', () => store.set('x'.repeat(2048), nested(31), 60000));
});

describe('the table', () => {
  it('holds items as it says', async () => {
    const name = unique('item');
    const store = new DynamoDBStore(local(engine.endpoint, name));
    await store.createTableIfDontExists();
    await store.set('x', { a: 1 }, 60000);
    const item = await rawTable(engine.endpoint, name).get('x');
    const types = Object.entries(item).map(([attribute, value]) => [`\`${attribute}\``, Object.keys(value)[0]]);
    assert.deepEqual(rows('The table', 'attribute').map(([attribute, type]) => [attribute, type]).sort(), types.sort());
  });

  it('every operation of the core is an action of the IAM table', () => {
    const sources = ['store', 'scan', 'table'].map((name) => read(`crates/dynamodb-session/src/${name}.rs`)).join('');
    const operations = [...sources.matchAll(/"(Scan|[A-Z]\w+(?:Item|Table|TimeToLive))"/g)].map(([, name]) => name);
    assert.deepEqual(sorted(column('IAM policy', 'action')), sorted(operations));
  });
});

describe('cost', () => {
  // The prices themselves are paid in test/cost.
  it('the tables are those of test/cost', () => {
    const section = sectionOf('README.md', 'Cost').replaceAll('|---|---|---|', '| --- | --- | --- |');
    const names = ['koa-session 7', 'express-session', '@fastify/session'];
    names.forEach((name) => assert.ok(section.includes(tableOf(faces.find((face) => face.name === name))), name));
    const text = section.replaceAll('\n', ' ');
    assert.ok(text.includes(`units for a session of ${Object.keys(SIZES).join(' / ')},`));
  });

  it('koa-session 6 costs what 7 does', () => {
    const [seven, six] = VERSIONS.map(({ name }) => tableOf(faces.find((face) => face.name === name)));
    assert.equal(six, seven);
  });

  for (const version of VERSIONS) {
    it(`${version.name}: a change of the id`, async (t) => {
      const [, sends] = /regenerate\(\)` sends (.*?)\. /s.exec(sectionOf('README.md', 'Cost'));
      const name = unique('cost');
      const store = new DynamoDBStore(local(recorder.endpoint, name));
      await store.createTableIfDontExists();
      const app = await serveFor(t, version, { store }, async (ctx) => {
        ctx.session.views = 1;
        if (ctx.path === '/regenerate') await ctx.session.regenerate();
      });
      const visitor = new Visitor(app.url);
      await visitor.get('/');
      recorder.reset();
      await visitor.get('/regenerate');
      assert.deepEqual(recorder.operations().sort(), codeIn(sends).sort());
    });
  }

  it('at start nothing is sent, unless the table is to be created', async () => {
    const name = unique('cost');
    await new DynamoDBStore(local(engine.endpoint, name)).createTableIfDontExists();
    recorder.reset();
    const store = new DynamoDBStore(local(recorder.endpoint, name));
    await store.ready;
    assert.deepEqual(recorder.operations(), []);
    await store.createTableIfDontExists();
    assert.deepEqual(recorder.operations(), ['DescribeTable', 'DescribeTimeToLive']);
  });
});

describe('what happens when', () => {
  // Of the faults that ../faults plays, those that say what an app sees of them.
  const faults = faultTable().filter(({ sees }) => sees);

  // What is no fault of the network: by row, a test and words of its name or case.
  const ELSEWHERE = {
    'More calls are under way than `maxConnections` and `maxQueue` allow': ['faults/overload', 'those that do not fit at once'],
    'The application\'s credentials provider fails': ['process/credentials', 'rejects: ['],
    'The application\'s credentials provider never answers': ['process/credentials', "'never answers': ["],
    'AWS Lambda freezes the process and thaws it': ['process/lambda', 'the next request succeeds, without retries'],
    'A visitor signs out while another request of theirs is under way': ['koa-protocol/logout', 'the session stays away'],
    'The item was written by a later version': ['koa/failures', 'a row in a layout of the future'],
    'An item that someone else wrote cannot be read': ['hostile/items', 'an error that says nothing of it'],
    'A cookie holds what cannot be a session id': ['hostile/ids', 'no session, no request'],
  };

  const shown = rows('What happens when…', 'what happens');

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

describe('errors', () => {
  it('have the codes it says', () => {
    assert.deepEqual(sorted(column('Errors', 'code')), sorted(Object.values(CODES)));
  });

  it('have the properties it says', () => {
    const error = toError({
      kind: 'RecordTooLarge', message: 'm', code: 'ValidationException', status: 400, requestId: 'r', retryable: true, operation: 'o', attempts: 1, table: 't', endpoint: 'e', hint: 'h', causes: ['x'],
    });
    assert.deepEqual(sorted(column('Errors', 'property')), sorted([...Object.keys(error), 'cause']));
    declared('common', 'interface', 'StoreError').forEach((name) => {
      assert.ok(column('Errors', 'property').includes(name), name);
    });
  });

  it('get fails as it says', async () => {
    const store = new DynamoDBStore(local(engine.endpoint, unique('missing')));
    const error = await store.get('x').catch((err) => err);
    assert.ok(sectionOf('README.md', 'Errors').includes(`\`${error.message}\``));
    assert.equal(error.code, 'ResourceNotFoundException');
    assert.equal(error.cause.code, error.code);
  });
});

describe('the rest', () => {
  it('the line of a logger', async () => {
    const shown = codeIn(sectionOf('README.md', 'Debugging').replaceAll('\n', ' ')).find((code) => code.startsWith('[AWS'));
    const lines = [];
    const store = new DynamoDBStore(local(engine.endpoint, 'sessions', { dynamoConfig: { logger: { log: (line) => lines.push(line) } } }));
    await store.createTableIfDontExists();
    lines.length = 0;
    await store.get('x');
    while (lines.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    const blurred = (line) => line.replace(/\d+\.\d+s/, '');
    assert.equal(blurred(lines[0]), blurred(shown));
  });

  it('exit codes are those of --help', async () => {
    const { stdout } = await run(path.join(TARGET, 'debug', 'dynamodb-session'), ['--help']);
    const help = [...stdout.split('Exit codes:\n')[1].matchAll(/^ *(\d+) {2}(.+)$/gm)].map(([, code, text]) => [code, text]);
    assert.deepEqual(rows('Command line', 'exit code').map(([code, text]) => [unquoted(code), text]), help);
  });

  it('the support matrix', () => {
    const [platform, node, , , , rust] = rows('Supported', '');
    const named = platform.slice(1).join(' ').match(/\b(linux|darwin|win32)-[\w-]+/g);
    assert.deepEqual(sorted(named), sorted(platforms.map(({ name }) => name)));
    assert.equal(`>=${node[1].split(',')[0]}`, manifest.engines.node);
    assert.ok(read('Cargo.toml').includes(`rust-version = "${rust[1]}"`));
    assert.ok(read('.ci/check-tools').includes(`at_least ${rust[1]} `));
  });

  it('the first thing said to who migrates is what costs more', () => {
    const [first] = sectionOf('README.md', 'Migrating from 1.x').split('\n').filter((line) => line.startsWith('- '));
    assert.match(first, /strongly consistent, which doubles.*`consistentRead: false` turns it off/);
  });

  for (const file of FILES) {
    it(`${file}: links lead somewhere`, () => {
      for (const link of linksOf(file).filter((target) => !/^https?:/.test(target))) {
        const [target, anchor] = link.split('#');
        assert.ok(fs.existsSync(path.join(ROOT, target)), link);
        if (anchor) assert.ok(anchorsOf(target || file).includes(anchor), link);
      }
    });
  }
});
