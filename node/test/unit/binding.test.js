'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { TARGETS } = require('../../lib/binding.js');
const platforms = require('../../npm/platforms.json');

it('the platforms that are looked for are those that are packed', () => {
  assert.deepEqual(Object.values(TARGETS).flat().sort(), platforms.map(({ name }) => name).sort());
  for (const { name, os, cpu } of platforms) assert.ok(TARGETS[`${os}-${cpu}`].includes(name));
});
