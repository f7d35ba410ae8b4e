'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { describe, it } = require('node:test');
const {
  ROOT, codeIn, read, tablesOf, unquoted,
} = require('./markdown');
const checksOf = require('./page');

const page = checksOf('docs/guarantees.md');

// By row: what its tests are called, whichever files they are in.
const TESTED = {
  'an expired session is not returned, whatever TTL has deleted': [
    'an expired session is a miss while the item is still there', 'fn an_expired_session_begins_anew()',
  ],
  'a request in flight does not bring back a session that was signed out': [
    ': the session stays away', 'save does not bring back a deleted session', 'touch creates nothing',
    'replace does not bring back a deleted session', 'fn a_change_that_ends_after_a_logout_is_dropped()',
    'fn an_extension_that_ends_after_a_logout_is_dropped()', 'fn no_write_lands_after_a_sign_out()',
  ],
  'it does not write to another session that took over its id': [
    ': the next session under the id is left alone', 'save does not overwrite a successor under the same id',
    'touch does not extend a successor under the same id', 'replace does not overwrite a successor under the same id',
    'fn a_logout_deletes_only_the_session_that_was_loaded()', 'fn no_write_lands_on_the_next_session_of_its_id()',
  ],
  "parallel requests keep each other's changes": [
    ': requests in parallel', "saves in parallel keep each other's changes",
    'fn requests_in_parallel_keep_each_others_changes()',
  ],
  'a change counts once and undoes no later one, however often or late its request arrives': [
    "a change, and another request's change before it is sent again: both are stored",
    'fn no_write_lands_on_a_later_state()', 'fn every_order_of_a_few_calls_keeps_the_promises()',
  ],
  'a new session does not overwrite a live one': [
    'genid: what both wrote is there', 'two new ones of one id: what both wrote is there',
    'create never overwrites a live session', 'fn create_tries_five_ids()',
    'fn save_tries_five_keys()',
  ],
  'moving the expiry creates nothing, and not every move costs a write': [
    'the same, within touchAfter', 'fn an_extension_is_written_once_a_minute()', 'touch creates nothing',
  ],
  'a session ends at a set age': ['a session ends no later than that'],
  'after all sessions of a user were revoked, none of them is accepted any more': [
    'a request in flight neither keeps nor renews a session that is revoked',
    '20 sign-ins at once, while two processes revoke: what is accepted is listed',
    'fn a_request_that_has_loaded_the_session_cannot_keep_it()',
    'fn a_renewed_id_does_not_carry_on_a_session_that_was_revoked()',
    'fn a_sign_in_at_the_same_moment_is_refused()',
    'fn a_sign_in_that_was_registered_lands_nowhere_after_a_revoke()',
    'fn one_that_is_not_registered_ends_by_a_revoke_all_the_same()',
  ],
};

const rows = page.rows('Guarantees', 'guarantee');

const tests = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'crates', 'node/test'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n').filter((file) => /(tests?\b.*\.(rs|js)|cases\.json)$/.test(file) && !file.startsWith('node/test/docs'));

const textOf = (file) => {
  try {
    return read(file);
  } catch {
    return ''; // deleted, and not yet committed
  }
};

describe('each guarantee is tested', () => {
  const all = tests.map(textOf).join('\n');

  it('each has tests', () => assert.deepEqual(rows.map(([guarantee]) => guarantee), Object.keys(TESTED)));

  Object.entries(TESTED).forEach(([guarantee, names]) => {
    it(guarantee, () => names.forEach((name) => assert.ok(all.includes(name), name)));
  });
});

it('the options that a guarantee names exist', () => {
  const options = tablesOf('docs/options.md').flatMap((table) => table.rows).map(([name]) => unquoted(name));
  const sources = ['crates', 'node/src'].flatMap((under) => execFileSync('git', ['ls-files', under], { cwd: ROOT, encoding: 'utf8' })
    .split('\n').filter((file) => file.endsWith('.rs'))).map(textOf).join('\n');
  rows.flatMap((cells) => cells.slice(1)).flatMap(codeIn).forEach((name) => {
    assert.ok(options.includes(name) || sources.includes(`pub fn ${name}(`) || sources.includes(`pub async fn ${name}`), name);
  });
});

page.complete();
