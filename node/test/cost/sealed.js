'use strict';

// Sessions whose price is compared in each form in which a store can write them, and these forms.

const Random = require('../soak/random');
const { ENCRYPTION } = require('./ours');

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// Text as tokens have it, such as those of OpenID Connect: little of it can be compressed. It is always the same.
const tokens = (length) => {
  const random = new Random(length);
  return Array.from({ length }, () => random.of(LETTERS)).join('');
};

// A cart as shops keep it.
const cart = () => Array.from({ length: 60 }, (_, n) => ({
  sku: `TEA-${String((n * 7919) % 100000).padStart(5, '0')}`,
  quantity: 1,
  title: `Loose leaf tea no. ${n}, 250 g tin`,
  price: { amount: 995 + n, currency: 'EUR' },
  image: `https://cdn.shop.example/images/products/tea-${n}/large.webp`,
}));

const SESSIONS = {
  'tokens, 1 KB': { tokens: tokens(400) },
  'tokens, 10 KB': { tokens: tokens(9500) },
  'a cart, 10 KB': { cart: cart() },
};

const FORMS = {
  plain: {},
  encrypted: { encryption: ENCRYPTION },
  compressed: { compress: true },
  'encrypted and compressed': { encryption: ENCRYPTION, compress: true },
};

// For each form with koa-session: the size of the item, and the read + write units of a view that changes a field. With
// the other frameworks items are a little larger, and the units are the same.
const PRICES = {
  'tokens, 1 KB': ['0.5 KB: 1 + 1', '0.8 KB: 1 + 1', '0.5 KB: 1 + 1', '0.8 KB: 1 + 1'],
  'tokens, 10 KB': ['9.4 KB: 3 + 10', '9.6 KB: 3 + 10', '7.3 KB: 2 + 8', '7.4 KB: 2 + 8'],
  'a cart, 10 KB': ['9.6 KB: 3 + 10', '14.3 KB: 4 + 15', '1.2 KB: 1 + 2', '1.3 KB: 1 + 2'],
};

module.exports = { FORMS, PRICES, SESSIONS };
