'use strict';

// Certificates and proxies, set by an app or by the environment. Against a real server, each in a process of its own.

const assert = require('node:assert/strict');
const fs = require('node:fs/promises');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const {
  after, before, describe, it,
} = require('node:test');
const { useFaultServer } = require('../support/fault-server');
const { unique } = require('../support/options');
const { rawTable } = require('../support/raw');
const { runScript } = require('../support/subprocess');

const NAME = unique('tls');
const PASSWORD = 'p@ss word';

const server = useFaultServer();
let directory;
let authority;
let stranger;

before(async () => {
  await server.started;
  await rawTable(server.urls.engine, NAME).create();
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tls-'));
  authority = path.join(directory, 'authority.pem');
  await fs.writeFile(authority, server.ca);
  stranger = path.join(directory, 'stranger.pem');
  await fs.writeFile(stranger, tls.rootCertificates[0]);
});

after(() => fs.rm(directory, { recursive: true }));

// Writes and reads a session at `endpoint` in a process, and returns its output. `more(ca)` runs there and returns
// further fields of dynamoConfig.
const use = async (endpoint, env, more = () => ({})) => {
  const end = await runScript(async (Store, table, url, secret, ca, source) => {
    const dynamoConfig = {
      region: 'us-east-1',
      endpoint: url,
      accessKeyId: 'AKID',
      secretAccessKey: secret,
      maxRetries: 0,
      ...(0, eval)(`(${source})`)(ca), // eslint-disable-line no-eval
    };
    const store = new Store({ table: { name: table }, dynamoConfig });
    try {
      await store.set('x', { a: 1 }, 60000, { ctx: {} });
      console.log(JSON.stringify({ session: await store.get('x') }));
    } catch (err) {
      const causes = [];
      for (let cause = err; cause; cause = cause.cause) causes.push(cause.message);
      const { code, hint, attempts } = err;
      console.log(JSON.stringify({
        code, hint, attempts, text: causes.join(': '),
      }));
    }
  }, [NAME, endpoint, server.secret, server.ca, String(more)], { env });
  assert.deepEqual([end.code, end.stderr], [0, '']);
  [server.secret, PASSWORD, encodeURIComponent(PASSWORD)].forEach((secret) => {
    assert.ok(!end.stdout.includes(secret));
  });
  return JSON.parse(end.stdout);
};

const SERVED = { session: { a: 1 } };

// Checks that the call was refused before a request was sent, with this reason and this hint.
const assertRefused = ({ code, text, hint }, reason, advice) => {
  assert.equal(code, 'NetworkingError', text);
  assert.match(text, reason);
  assert.match(hint, advice);
};

describe('the server\'s certificate is trusted by', () => {
  it('NODE_EXTRA_CA_CERTS', async () => {
    assert.deepEqual(await use(server.urls.https, { NODE_EXTRA_CA_CERTS: authority }), SERVED);
  });

  it('AWS_CA_BUNDLE', async () => {
    assert.deepEqual(await use(server.urls.https, { AWS_CA_BUNDLE: authority }), SERVED);
  });

  it('the authority of an https.Agent', async () => {
    const end = await use(server.urls.https, {}, (ca) => {
      const https = require('node:https'); // eslint-disable-line global-require
      return { httpOptions: { agent: new https.Agent({ ca }) } };
    });
    assert.deepEqual(end, SERVED);
  });

  it('nothing else', async () => {
    assertRefused(await use(server.urls.https, {}), /UnknownIssuer/, /NODE_EXTRA_CA_CERTS, AWS_CA_BUNDLE/);
    assertRefused(await use(server.urls.https, { AWS_CA_BUNDLE: stranger }), /UnknownIssuer/, /AWS_CA_BUNDLE/);
    // AWS_CA_BUNDLE replaces all other authorities.
    const both = { AWS_CA_BUNDLE: stranger, NODE_EXTRA_CA_CERTS: authority };
    assertRefused(await use(server.urls.https, both), /UnknownIssuer/, /AWS_CA_BUNDLE/);
  });

  it('no variable of Node that turns the check off', async () => {
    const end = await runScript(async (Store, endpoint) => {
      // Set inside the process, because Node prints a warning if it starts with this variable.
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      const dynamoConfig = {
        region: 'us-east-1', endpoint, accessKeyId: 'A', secretAccessKey: 's', maxRetries: 0,
      };
      await new Store({ dynamoConfig }).get('x').catch((err) => console.log(err.code, err.hint));
    }, [server.urls.https]);
    assert.match(end.stdout, /^NetworkingError trust the authority/);
  });
});

describe('the error names the reason for a refused certificate:', () => {
  it('expired', async () => {
    const end = await use(server.urls.https_expired, { NODE_EXTRA_CA_CERTS: authority });
    assertRefused(end, /expired/i, /renew the server's certificate/);
  });

  it('another host\'s', async () => {
    const end = await use(server.urls.https_wrong_host, { NODE_EXTRA_CA_CERTS: authority });
    assertRefused(end, /not valid for name/, /check the endpoint/);
  });

  it('of an unknown authority', async () => {
    const end = await use(server.urls.https_unknown_ca, { NODE_EXTRA_CA_CERTS: authority });
    // It can also be a bad signature, because both authorities have the same name.
    assertRefused(end, /UnknownIssuer|BadSignature/, /trust the authority/);
  });

  it('no certificate, because the server does not use TLS', async () => {
    const end = await use(server.urls.http.replace('http:', 'https:'), { NODE_EXTRA_CA_CERTS: authority });
    assert.equal(end.code, 'NetworkingError');
  });
});

describe('files of authorities', () => {
  it('AWS_CA_BUNDLE must exist and hold certificates', async () => {
    for (const bundle of ['/nonexistent/bundle.pem', __filename]) {
      const end = await use(server.urls.https, { AWS_CA_BUNDLE: bundle });
      assert.equal(end.code, 'ConfigError');
      assert.match(end.text, /AWS_CA_BUNDLE: /);
    }
  });

  it('NODE_EXTRA_CA_CERTS may be missing, as in Node.js', async () => {
    const end = await runScript(async (Store, endpoint) => {
      process.env.NODE_EXTRA_CA_CERTS = '/nonexistent/extra.pem';
      const dynamoConfig = {
        region: 'us-east-1', endpoint, accessKeyId: 'A', secretAccessKey: 's', maxRetries: 0,
      };
      await new Store({ dynamoConfig }).get('x').catch((err) => console.log(err.code));
    }, [server.urls.https]);
    assert.equal(end.stdout, 'NetworkingError\n');
  });
});

describe('a proxy', () => {
  // `answer(authorization)` is its answer instead of a tunnel.
  const startProxy = async (t, answer = () => undefined) => {
    const asked = [];
    const sockets = new Set();
    const proxy = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end();
    });
    proxy.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    proxy.on('connect', ({ url, headers }, socket) => {
      asked.push(`CONNECT ${url}`);
      const instead = answer(headers['proxy-authorization']);
      if (instead !== undefined) {
        socket.end(instead);
        return;
      }
      const target = net.connect(new URL(`http://${url}`).port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(target).pipe(socket);
      });
      target.on('error', () => socket.destroy());
      socket.on('close', () => target.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.after(() => {
      proxy.close();
      sockets.forEach((socket) => socket.destroy());
    });
    return { asked, port: proxy.address().port };
  };

  const EXTRA = () => ({ NODE_EXTRA_CA_CERTS: authority });
  const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
  const locked = (authorization) => (
    authorization === basic(`user:${PASSWORD}`) ? undefined : 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'
  );
  // dynamoConfig with a proxy, as source text, because a script cannot see variables of this file.
  const through = (url) => `() => ({ httpOptions: { proxy: ${JSON.stringify(url)}, connectTimeout: 300 } })`;
  const tunnels = () => [`CONNECT ${new URL(server.urls.https).host}`];

  it('opens a tunnel, in which TLS is checked as usual', async (t) => {
    const { asked, port } = await startProxy(t);
    assert.deepEqual(await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${port}`)), SERVED);
    assert.deepEqual(asked, tunnels());
    const refused = await use(server.urls.https, {}, through(`http://127.0.0.1:${port}`));
    assertRefused(refused, /UnknownIssuer/, /NODE_EXTRA_CA_CERTS/);
  });

  it('gets its user and password', async (t) => {
    const { asked, port } = await startProxy(t, locked);
    const url = `http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
    assert.deepEqual(await use(server.urls.https, EXTRA(), through(url)), SERVED);
    assert.deepEqual(asked, tunnels());
  });

  it('can be that of an agent', async (t) => {
    const { asked, port } = await startProxy(t, locked);
    const url = `http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
    // The form of https-proxy-agent.
    const agent = `() => ({ httpOptions: { agent: { proxy: new URL(${JSON.stringify(url)}), connectOpts: {} } } })`;
    assert.deepEqual(await use(server.urls.https, EXTRA(), agent), SERVED);
    assert.deepEqual(asked, tunnels());
  });

  it('causes an error that names a wrong or missing user and password', async (t) => {
    const { port } = await startProxy(t, locked);
    const wrong = `http://user:${encodeURIComponent(PASSWORD)}2@127.0.0.1:${port}`;
    assertRefused(await use(server.urls.https, EXTRA(), through(wrong)), /refused its user and password/, /^correct the user and the password in dynamoConfig/);
    const without = `http://127.0.0.1:${port}`;
    assertRefused(await use(server.urls.https, EXTRA(), through(without)), /wants a user and a password/, /http:\/\/user:password@/);
  });

  it('is named when it refuses, or is not a proxy', async (t) => {
    const { port } = await startProxy(t, () => 'HTTP/1.1 403 Forbidden\r\n\r\n');
    const refused = await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${port}`));
    assertRefused(refused, /refused to connect \(HTTP 403\)/, /have the proxy allow/);
    const garbage = await startProxy(t, () => 'SSH-2.0-OpenSSH_9.6\r\n\r\n');
    const mistaken = await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${garbage.port}`));
    assertRefused(mistaken, /not HTTP/, /that an HTTP proxy runs there/);
    const gone = await startProxy(t, () => '');
    const closed = await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${gone.port}`));
    assert.match(closed.text, /the proxy closed the connection/);
  });

  it('is named when it cannot be reached, or never answers', async (t) => {
    const unused = net.createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port } = unused.address();
    unused.close();
    await once(unused, 'close');
    const absent = await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${port}`));
    assertRefused(absent, new RegExp(`the proxy 127\\.0\\.0\\.1:${port} cannot be reached`), /^check the URL in dynamoConfig/);
    const mute = net.createServer((socket) => {
      socket.on('error', () => {});
      t.after(() => socket.destroy());
    }).listen(0, '127.0.0.1');
    t.after(() => mute.close());
    await once(mute, 'listening');
    const silent = await use(server.urls.https, EXTRA(), through(`http://127.0.0.1:${mute.address().port}`));
    assert.match(silent.text, /no connection through the proxy 127\.0\.0\.1:\d+ within 300ms/);
  });

  it('of the environment is used where the option says so, unless NO_PROXY excludes the endpoint', async (t) => {
    const { asked, port } = await startProxy(t);
    const env = { ...EXTRA(), HTTPS_PROXY: `http://127.0.0.1:${port}` };
    assert.deepEqual(await use(server.urls.https, env, through('env')), SERVED);
    assert.deepEqual(asked.splice(0), tunnels());
    const { hostname } = new URL(server.urls.https);
    assert.deepEqual(await use(server.urls.https, { ...env, NO_PROXY: `a.example,${hostname}` }, through('env')), SERVED);
    assert.deepEqual(asked, []);
    const socks = await use(server.urls.https, { ...EXTRA(), HTTPS_PROXY: 'socks5://hush@127.0.0.1:1' }, through('env'));
    assert.match(socks.text, /^HTTPS_PROXY: the scheme must be http/);
    assert.doesNotMatch(socks.text, /hush/);
  });

  it('of the environment is not used', async (t) => {
    const { asked, port } = await startProxy(t);
    const url = `http://127.0.0.1:${port}`;
    const env = {
      ...EXTRA(), HTTPS_PROXY: url, https_proxy: url, HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url,
    };
    assert.deepEqual(await use(server.urls.https, env), SERVED);
    assert.deepEqual(asked, []);
  });
});
