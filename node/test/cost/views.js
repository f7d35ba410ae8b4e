'use strict';

// The page views that are priced, the same for every face. A face serves an app that has four pages: `/` reads the
// session, `/sign-in` begins one with `text` in it, `/change` changes a small field, `/sign-out` ends it. Its handlers
// await `pause(path)` between loading and saving.

// How long `text` is for an item of so many started KB. Writes are charged by these, reads by four of them.
const SIZES = { '1 KB': 700, '10 KB': 9500 };

const VIEWS = {
  'first visit, nothing stored': { isNew: true, path: '/' },
  'first visit that begins a session': { isNew: true, path: '/sign-in' },
  'view that only reads': { path: '/' },
  'view that changes a field': { path: '/change' },
  'rolling view that only reads': { rolling: true, path: '/' },
  'the same, within touchAfter': { rolling: true, touchAfter: true, path: '/' },
  'change of a session destroyed meanwhile': { path: '/change', isDestroyed: true },
  logout: { path: '/sign-out' },
  'logout without a session': { isNew: true, path: '/sign-out' },
};

module.exports = { SIZES, VIEWS };
