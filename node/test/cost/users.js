'use strict';

// What the sessions of users cost: stores with the option `users`, and their prices.

const of = ({ user }) => user;

const FIRST = 'first sign-in of a user';

// The prices of what only such a store does. The user has no other sessions than those that a row names.
const PRICES = {
  [FIRST]: ['UpdateItem UpdateItem PutItem GetItem', '1 + 3', '1 + 12'],
  'sign-in of a user': ['UpdateItem PutItem GetItem', '1 + 2', '1 + 11'],
  'list of 3 sessions': ['GetItem GetItem GetItem GetItem', '4 + 0', '10 + 0'],
  'revoke of 1 session': ['GetItem UpdateItem GetItem PutItem UpdateItem', '2 + 3', '4 + 12'],
  'revoke of 3 sessions': ['UpdateItem GetItem GetItem GetItem PutItem PutItem PutItem UpdateItem', '3 + 5', '9 + 32'],
  'revoke of 2 sessions, except 1': ['GetItem UpdateItem GetItem GetItem PutItem PutItem UpdateItem', '3 + 4', '7 + 22'],
};

// The page views of docs/cost.md that stand beside them, and what they are called there.
const VIEWS = {
  'view that only reads': 'view that only reads',
  'view that changes a field': 'view that changes a field',
  'sign-out': 'logout',
};

// No page view costs more, but for one that begins a session: in ./cost.test.js each visitor is a user of their own.
const withUsers = (ours, prices) => ({
  'this package, users': {
    open: ours({ users: { of } }),
    prices: { ...prices, 'first visit that begins a session': PRICES[FIRST] },
  },
});

module.exports = {
  FIRST, of, PRICES, VIEWS, withUsers,
};
