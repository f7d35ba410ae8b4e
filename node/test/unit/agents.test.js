'use strict';

// What the store does with the agents of other packages: it goes through their proxy, or refuses them.
/* eslint class-methods-use-this: "off" -- methods that are looked at and not called */

const assert = require('node:assert/strict');
const http = require('node:http');
const https = require('node:https');
const { describe, it } = require('node:test');
const KeepAliveAgent = require('agentkeepalive');
const hpagent = require('hpagent');
const { HttpsProxyAgent } = require('https-proxy-agent');
const proxyAgent6 = require('proxy-agent-6');
const { SocksProxyAgent } = require('socks-proxy-agent');
const tunnel = require('tunnel');
const { readDynamoConfig } = require('../../lib/options/dynamo.js');
const { warningsOf } = require('../support/warnings');

const native = (agent) => readDynamoConfig({ httpOptions: { agent } }).native;
const parts = { host: 'proxy', port: 3128, proxyAuth: 'user:hush' };

describe('an agent with a proxy', () => {
  const AGENTS = {
    'https-proxy-agent': [new HttpsProxyAgent('http://user:hush@proxy:3128'), 'http://user:hush@proxy:3128/'],
    hpagent: [new hpagent.HttpsProxyAgent({ proxy: 'http://user:hush@proxy:3128' }), 'http://user:hush@proxy:3128/'],
    'tunnel: https over http': [tunnel.httpsOverHttp({ proxy: parts }), 'http://user:hush@proxy:3128'],
  };
  for (const [name, [agent, proxy]] of Object.entries(AGENTS)) {
    it(name, async () => {
      const warnings = await warningsOf(() => assert.equal(native(agent).proxy, proxy));
      assert.deepEqual(warnings, []);
    });
  }
});

describe('an agent that would connect elsewhere is refused', () => {
  const AGENTS = {
    'https-proxy-agent, over TLS': new HttpsProxyAgent('https://user:hush@proxy:3128'),
    'https-proxy-agent 5, over TLS': { proxy: { host: 'proxy', port: 3128, protocol: 'https:' }, secureProxy: true, callback() {} },
    'hpagent, over TLS': new hpagent.HttpsProxyAgent({ proxy: 'https://user:hush@proxy:3128' }),
    'tunnel: https over https': tunnel.httpsOverHttps({ proxy: parts }),
    'tunnel: http over https': tunnel.httpOverHttps({ proxy: parts }),
    'proxy-agent 6': new proxyAgent6.ProxyAgent(),
    'proxy-agent 6, with a function': new proxyAgent6.ProxyAgent({ getProxyForUrl: () => 'http://proxy:3128' }),
    'socks-proxy-agent': new SocksProxyAgent('socks://user:hush@proxy:1080'),
    'socks-proxy-agent, SOCKS 4': new SocksProxyAgent('socks4://proxy:1080'),
    'an agent of agent-base 5': Object.assign(new http.Agent(), { callback() {} }),
    'Node\'s own, with the proxies of the environment': new https.Agent({ proxyEnv: process.env }),
    'a class that makes its own connections': new (class extends https.Agent { createConnection() { return undefined; } })(),
    'a dispatcher of undici': new (class ProxyAgent { dispatch() { return false; } })(),
  };
  for (const [name, agent] of Object.entries(AGENTS)) {
    it(name, () => {
      assert.throws(() => native(agent), (error) => {
        assert.equal(error.constructor, RangeError);
        assert.match(error.message, /^dynamoConfig\.httpOptions\.agent /);
        assert.doesNotMatch(error.message, /hush/);
        return true;
      });
    });
  }

  it('proxy-agent 8', async () => {
    const { ProxyAgent } = await import('proxy-agent'); // eslint-disable-line import/no-unresolved -- an ES module
    assert.throws(() => native(new ProxyAgent()), { name: 'RangeError', message: /^dynamoConfig\.httpOptions\.agent .*'env' for that of HTTPS_PROXY$/ });
  });
});

it('an agent that only keeps connections alive is not used, with a warning', async () => {
  const warnings = await warningsOf(() => assert.equal(native(new KeepAliveAgent.HttpsAgent()).proxy, undefined));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /httpOptions\.agent has no effect/);
});

it('the proxy of the environment', () => {
  assert.equal(readDynamoConfig({ httpOptions: { proxy: 'env' } }).native.proxy, 'env');
});
