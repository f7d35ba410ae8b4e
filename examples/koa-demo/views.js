'use strict';

// The pages. `html` escapes every value, except for the results of `html` itself.

const ENTITIES = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;',
};

class Html {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

const escape = (value) => {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(escape).join('');
  if (value === undefined || value === null || value === false) return '';
  return String(value).replace(/[&<>"']/g, (char) => ENTITIES[char]);
};

const html = (strings, ...values) => new Html(String.raw({ raw: strings }, ...values.map(escape)));

const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });
const time = (date) => html`<time datetime="${date.toISOString()}">${when.format(date)} UTC</time>`;

// DynamoDB JSON with its scalars on one line each, and keys, type tags and values marked for the
// style sheet.
const SCALAR = /\{\s+("(?:S|N|B|BOOL|NULL)": (?:"(?:\\.|[^"\\])*"|true|false))\s+\}/g;
const TOKEN = /("(?:\\.|[^"\\])*")(:?)|true|false/g;
const TYPE = /^"(?:S|N|B|M|L|BOOL|NULL|SS|NS|BS)"$/;

const highlight = (json) => {
  const text = json.replace(SCALAR, '{ $1 }');
  const parts = [];
  let end = 0;
  [...text.matchAll(TOKEN)].forEach((match) => {
    const [token, string, colon] = match;
    const key = TYPE.test(string) ? 'type' : 'key';
    parts.push(text.slice(end, match.index), html`<span class="${colon ? key : 'value'}">${string || token}</span>`, colon);
    end = match.index + token.length;
  });
  return [...parts, text.slice(end)];
};

const layout = (title, main, status) => `<!doctype html>\n${html`<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  <link rel="icon" href="/icon.svg">
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <header>
    <a href="/"><img src="/icon.svg" alt="" width="32" height="32"> Sessions in DynamoDB</a>
    <p>${status}</p>
  </header>
  <main>${main}</main>
</body>
</html>
`}`;

// The attributes and the message of an input whose value was refused.
const refused = (page, name) => page.field === name && {
  attributes: html`aria-invalid="true" aria-describedby="${name}-problem"`,
  message: html`<p class="problem" id="${name}-problem" role="alert">${page.problem}</p>`,
};

const signIn = ({ page, limits }) => {
  const problem = refused(page, 'name');
  return html`
    <section class="card" aria-labelledby="app">
      <h1 id="app">Hello, who are you?</h1>
      ${page.hasEnded && html`<p class="notice" role="status">You are signed out. Your session has expired, or another device has ended it.</p>`}
      <p>Any name will do. Signing in starts a session, and the session is an item in DynamoDB.</p>
      <form method="post" action="/sign-in">
        <label for="name">Your name</label>
        <input id="name" name="name" value="${page.value}" maxlength="${limits.name}" required autocomplete="nickname"
          autofocus ${problem.attributes}>
        ${problem.message}
        <button>Sign in</button>
      </form>
    </section>`;
};

const signedIn = ({
  session, expires, page, limits,
}) => {
  const problem = refused(page, 'note');
  return html`
    <section class="card" aria-labelledby="app">
      <div class="row">
        <h1 id="app">Hello, <bdi>${session.user}</bdi></h1>
        <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
      </div>
      <p class="views"><strong id="views">${session.views}</strong>
        ${session.views === 1 ? 'view' : 'views'} of this page in your session.
        <a href="/">View it again</a></p>
      <form method="post" action="/note">
        <label for="note">A note, kept in the session</label>
        <textarea id="note" name="note" rows="3" maxlength="${limits.note}" ${problem.attributes}
          >${'\n'}${page.value ?? session.note}</textarea>
        ${problem.message}
        <button>Save the note</button>
      </form>
      <h2>What the app sees</h2>
      <dl id="session">
        ${Object.entries(session).sort().map(([key, value]) => html`
        <div><dt>${key}</dt><dd>${value === '' ? html`<i>empty</i>` : html`<bdi>${value}</bdi>`}</dd></div>`)}
        <div><dt>expires</dt><dd>${time(expires)}</dd></div>
      </dl>
      <p class="hint">Restart the app and load this page again: you are still signed in.</p>
    </section>`;
};

// The label is what a stranger's browser has sent.
const nameOf = (device) => device.label || 'A browser without a name';

const deviceRow = (device) => html`
        <li class="row">
          <div>
            <h3><bdi>${nameOf(device)}</bdi></h3>
            <p class="hint">Signed in ${time(device.signedIn)}${device.lastSeen && html`<br>Last seen ${time(device.lastSeen)}`}</p>
          </div>
          ${device.current
    ? html`<span class="badge here">this device</span>`
    : html`<form method="post" action="/devices/sign-out#devices">
            <button class="quiet" name="ref" value="${device.ref}" aria-label="Sign out ${nameOf(device)}">Sign out</button>
          </form>`}
        </li>`;

const ALONE = 'No other device is signed in under this name. Open this page in another browser, or in a private window, '
  + 'and sign in under the same name: then each of them sees both.';

const devicesIn = ({ list, problem }) => {
  if (problem) return html`<p class="problem">${problem}</p>`;
  const others = list.filter((device) => !device.current);
  const own = list.filter((device) => device.current);
  return html`
      <ul class="devices">${[...own, ...others].map(deviceRow)}
      </ul>
      ${others.length === 0 ? html`<p class="hint">${ALONE}</p>` : html`
      <div class="actions">
        <form method="post" action="/devices/sign-out-others#devices"><button class="quiet">Sign out all others</button></form>
        <form method="post" action="/devices/sign-out-everywhere"><button class="quiet grave">Sign out everywhere</button></form>
      </div>
      <p class="hint">“Everywhere” includes this device. A device that is signed out stays so, even if one of its requests is
        still under way.</p>`}`;
};

const devices = (data) => html`
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Your devices</h2>
      ${refused(data.page, 'device').message}
      ${devicesIn(data.devices)}
    </section>`;

// How a session is stored, and what somebody who can read the table learns of it.
const FORMS = {
  encrypted: {
    text: html`The app encrypted the session before it sent it: the name, the note and the views are inside
      <code>sealed</code>. Somebody who reads the table only sees that there is a session, when it began, was last used and
      ends, how large it is, and which sessions belong to one user.`,
    hint: html`<code>unit</code> is the end of the session, encrypted as well, so that nobody can prolong the session.
      <code>session</code> is for programs that cannot decrypt: to them, the session has ended. <code>userKey</code> is a hash
      of the name. If the session was encrypted when you signed in, the hash has a secret: nobody can look for the names they know.`,
    other: 'plain',
    button: 'Store it as plain data',
  },
  plain: {
    text: html`The app stores the session as plain data. Somebody who reads the table, or a backup or an export of it, can
      read the name and the note in <code>session</code>. They cannot use the session all the same: its id is not there.`,
    other: 'encrypted',
    button: 'Encrypt it again',
  },
};

const form = ({ text, other, button }) => html`
      <p id="form">${text}</p>
      <form class="switch" method="post" action="/at-rest">
        <button name="form" value="${other}">${button}</button>
        <p class="hint">You stay signed in: the app can read both.</p>
      </form>`;

const STORED_HINT = 'The partition key is a hash of the session’s id. Only the cookie has the id, and nobody can tell the id from its '
  + 'hash: so what is in the table opens no session. koa-session keeps the item ten seconds longer than the cookie; after that '
  + 'the store treats it as gone, and DynamoDB deletes it.';

const contentOf = (item) => {
  if (item.problem) return html`<p class="problem" id="item">${item.problem}</p>`;
  if (item.json) return html`<pre id="item" role="region" aria-label="The item"><code>${highlight(item.json)}</code></pre>`;
  return html`<p class="empty" id="item">No session yet, so nothing is stored.<br>Sign in, and the item appears here.</p>`;
};

const stored = (item) => html`
    <section class="card" aria-labelledby="stored">
      <div class="row">
        <h2 id="stored">What a reader of the table sees</h2>
        ${item.form && html`<span class="badge ${item.form}">${item.form}</span>`}
      </div>
      ${item.form && form(FORMS[item.form])}
      ${contentOf(item)}
      ${item.json && FORMS[item.form].hint && html`<p class="hint">${FORMS[item.form].hint}</p>`}
      <dl>
        <div><dt>Table</dt><dd>${item.table}</dd></div>
        <div><dt>Region</dt><dd>${item.region}</dd></div>
        <div><dt>Partition key</dt><dd><code>${item.hashKey}</code>${item.key && html` = <code>${item.key}</code>`}</dd></div>
        <div><dt>TTL attribute</dt><dd><code>${item.ttlKey}</code>${item.expires && html` = ${time(item.expires)}`}</dd></div>
        ${item.created && html`<div><dt>Began</dt><dd><code>created</code> = ${time(item.created)}</dd></div>`}
      </dl>
      <p class="hint">${item.json ? STORED_HINT : 'A visitor who has not signed in costs no read and no write.'}</p>
    </section>`;

const place = (item) => (item.endpoint ? `local engine, ${new URL(item.endpoint).host}` : `Amazon DynamoDB, ${item.region}`);

exports.home = (data) => layout(
  data.session ? `${data.session.user}: sessions in DynamoDB` : 'Sessions in DynamoDB',
  html`${data.session ? html`<div class="column">${signedIn(data)}${devices(data)}</div>` : signIn(data)}${stored(data.stored)}`,
  place(data.stored),
);

const ERRORS = {
  403: ['Not from here', 'This form was sent from another site, so nothing was done. Open the page itself and try again.'],
  404: ['There is no such page', 'The address may be mistyped.'],
  405: ['That does not work here', 'This address does not take requests of that kind.'],
  413: ['That is too much', 'What was sent is larger than any form on this site.'],
  503: [
    'Your session is out of reach for the moment',
    'The app could not read or save it in DynamoDB. Please try again in a few seconds. If this is your own server: '
      + 'its log says what failed, and whether the local engine, the table, the region or the credentials are the cause.',
  ],
};

exports.error = ({ status }) => {
  const [title, text] = ERRORS[status] || (status < 500
    ? ['That did not work', 'The request could not be understood.']
    : ['Something went wrong', 'That is our mistake, not yours. The log of the server says more.']);
  return layout(title, html`
    <section class="card narrow">
      <p class="status">${status}</p>
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">Back to the start</a></p>
    </section>`, '');
};
