'use strict';

// Someone with a browser: keeps cookies, and forgets those that have expired.

class Visitor {
  constructor(url, cookies = {}) {
    this.url = url;
    this.cookies = new Map(Object.entries(cookies));
  }

  // The answer: its status, its body (parsed when it is JSON) and the cookies it set.
  get(path = '/', headers = {}) {
    return this.request(path, { headers });
  }

  async request(path, options) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie ? { ...options.headers, cookie } : options.headers;
    const response = await fetch(new URL(path, this.url), { ...options, headers });
    const setCookies = response.headers.getSetCookie();
    setCookies.forEach((line) => this.keep(line));
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type'));
    return {
      status: response.status, headers: response.headers, setCookies, body: isJson ? JSON.parse(text) : text,
    };
  }

  keep(line) {
    const [pair, ...attributes] = line.split('; ');
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const expires = attributes.find((attribute) => /^expires=/i.test(attribute))?.slice('expires='.length);
    if (expires && Date.parse(expires) <= Date.now()) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  get sessionId() {
    return this.cookies.get('koa.sess');
  }
}

module.exports = Visitor;
