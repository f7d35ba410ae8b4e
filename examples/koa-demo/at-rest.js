'use strict';

// For the demo only: each visitor chooses how the session is stored, to see the difference. An app has one store.

const COOKIE = 'demo.at-rest';

// 'encrypted' or 'plain', by a cookie of this visitor. Anything else in it is as good as no cookie.
exports.of = (ctx) => (ctx.cookies.get(COOKIE, { signed: false }) === 'plain' ? 'plain' : 'encrypted');

// From the visitor's next request on.
exports.choose = (ctx, form) => {
  ctx.cookies.set(COOKIE, form === 'plain' ? 'plain' : null, { signed: false, sameSite: 'lax' });
};

// The store of these two that the visitor has chosen. Either one reads what the other one wrote.
exports.byChoice = (stores) => {
  const chosen = ({ ctx }) => stores[exports.of(ctx)];
  return {
    get: (id, maxAge, options) => chosen(options).get(id, maxAge, options),
    set: (id, session, maxAge, options) => chosen(options).set(id, session, maxAge, options),
    destroy: (id, options) => chosen(options).destroy(id, options),
    // These are about sessions of either form, and either store does the same with them.
    sessionsOf: (user, options) => stores.encrypted.sessionsOf(user, options),
    revoke: (user, ref) => stores.encrypted.revoke(user, ref),
    revokeUser: (user, options) => stores.encrypted.revokeUser(user, options),
  };
};
