'use strict';

// The page views that are priced, the same for every adapter. An adapter serves an app with four pages: `/` reads the
// session, `/sign-in` begins one that holds `data`, `/change` changes a small field, `/sign-out` ends it. The handlers
// await `pause(path)` between loading and saving.

// The length of a text in `data` for an item of this size, also where it is encrypted. Writes are charged for each
// started KB, reads for each started 4 KB. Such a size is away from a step, because an item grows by the names of its
// states.
const SIZES = { '1 KB': 400, '10 KB': 9500 };

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
