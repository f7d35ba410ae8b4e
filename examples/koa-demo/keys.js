'use strict';

// The keys of the app: random, made at the first start, and kept in files. New keys at each start would sign out every
// visitor, and no session that was encrypted before could be opened.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const LENGTH_MIN = 32; // characters of a signing key
const ENCRYPTION_KEY = 32; // bytes

// The content of a JSON file, which is made first if it is missing.
const kept = (dir, name, make) => {
  const file = path.join(dir, name);
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    // `wx` fails if the file exists: two processes that start at once use the same keys.
    fs.writeFileSync(file, JSON.stringify(make()), { flag: 'wx', mode: 0o600 });
  } catch (err) {
    if (err.code !== 'EEXIST') throw err;
  }
  return { file, text: fs.readFileSync(file, 'utf8') };
};

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the checks below say where it is
  }
};

const checkSigning = (keys, where) => {
  const usable = Array.isArray(keys) && keys.length > 0
    && keys.every((key) => typeof key === 'string' && key.length >= LENGTH_MIN);
  if (!usable) throw new Error(`${where} must hold one or more keys of at least ${LENGTH_MIN} characters`);
  return keys;
};

// What signs the session cookie. dir: the folder of keys.json. fromEnv: keys separated by commas, newest first. The
// first one signs, and all of them verify: to rotate, put a new key in front.
exports.signingKeys = (dir, fromEnv) => {
  if (fromEnv) return checkSigning(fromEnv.split(',').map((key) => key.trim()), 'KEYS');
  const { file, text } = kept(dir, 'keys.json', () => [crypto.randomBytes(32).toString('base64url')]);
  return checkSigning(parse(text), `${file} (delete it to get new keys, which signs everybody out)`);
};

// The store looks at the keys themselves. It does not know where they are from.
const checkEncryption = (keys, where) => {
  const list = [keys].flat();
  const usable = list.length > 0 && list.every((one) => typeof one?.id === 'string' && typeof one.key === 'string');
  if (!usable) throw new Error(`${where} must hold one or more keys as JSON: { "id": …, "key": … }`);
  return list;
};

// What encrypts the sessions. fromEnv: JSON, as `dynamodb-session keys generate` prints it, or a list of that. The
// first one encrypts, and all of them decrypt: to rotate, put the new key behind the others first, then in front.
exports.encryptionKeys = (dir, fromEnv) => {
  if (fromEnv) return checkEncryption(parse(fromEnv), 'ENCRYPTION_KEYS');
  const make = () => [{ id: 'k1', key: crypto.randomBytes(ENCRYPTION_KEY).toString('base64') }];
  const { file, text } = kept(dir, 'encryption-keys.json', make);
  return checkEncryption(parse(text), `${file} (without its keys, nobody can open the sessions)`);
};
