'use strict';

// The keys that sign the session cookie: random, made at the first start, and kept in a file. New keys
// at each start would sign out every visitor.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const LENGTH_MIN = 32; // characters

const check = (keys, where) => {
  const usable = Array.isArray(keys) && keys.length > 0
    && keys.every((key) => typeof key === 'string' && key.length >= LENGTH_MIN);
  if (!usable) throw new Error(`${where} must hold one or more keys of at least ${LENGTH_MIN} characters`);
  return keys;
};

// dir: the folder of keys.json. fromEnv: keys separated by commas, newest first. The first one signs,
// and all of them verify: to rotate, put a new key in front.
module.exports = function loadKeys(dir, fromEnv) {
  if (fromEnv) return check(fromEnv.split(',').map((key) => key.trim()), 'KEYS');
  const file = path.join(dir, 'keys.json');
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    // `wx` fails if the file exists: two processes that start at once use the same keys.
    fs.writeFileSync(file, JSON.stringify([crypto.randomBytes(32).toString('base64url')]), { flag: 'wx', mode: 0o600 });
  } catch (err) {
    if (err.code !== 'EEXIST') throw err;
  }
  let keys;
  try {
    keys = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (err) {
    if (!(err instanceof SyntaxError)) throw err;
  }
  return check(keys, `${file} (delete it to get new keys, which signs everybody out)`);
};
