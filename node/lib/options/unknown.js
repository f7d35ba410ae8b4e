'use strict';

/**
 * Options that no row of ./table.js names. One that would decide where data go, or who may read them, is refused: a
 * store that only warned of it would send sessions and keys elsewhere. All others are warned about.
 */

const { DYNAMO, STORE, TABLE } = require('./table.js');
const { warnOnce } = require('../warn.js');

const SETTINGS = 'dynamoConfig.region, dynamoConfig.endpoint and dynamoConfig.credentials';

/** What to write in place of options that other packages and the AWS SDK v3 have, by their `letters`. */
const INSTEAD = {
  awsaccesskeyid: 'dynamoConfig.accessKeyId',
  awsconfig: SETTINGS,
  awsconfigjson: SETTINGS,
  awsconfigpath: SETTINGS,
  awsregion: 'dynamoConfig.region',
  awssecretaccesskey: 'dynamoConfig.secretAccessKey',
  ca: 'dynamoConfig.httpOptions.agent, an https.Agent with `ca`',
  client: SETTINGS,
  credentialdefaultprovider: 'dynamoConfig.credentials',
  docclient: SETTINGS,
  documentclient: SETTINGS,
  dynamodb: SETTINGS,
  dynamodbclient: SETTINGS,
  endpointprovider: 'dynamoConfig.endpoint',
  endpointurl: 'dynamoConfig.endpoint',
  hashedids: 'hashIds',
  hashprefix: 'prefix',
  hostname: 'dynamoConfig.endpoint',
  partitionkey: 'table.hashKey',
  profile: 'AWS_PROFILE in the environment, or a provider in dynamoConfig.credentials',
  proxyurl: 'dynamoConfig.httpOptions.proxy',
  requesthandler: 'dynamoConfig.httpOptions',
  specialkeys: 'attributes',
  tls: 'dynamoConfig.sslEnabled',
};

/** A name without its spelling: `AWS_REGION`, `awsRegion`. */
const letters = (name) => name.replace(/[^a-z\d]/gi, '').toLowerCase();

/** Shorter names are too much like others. */
const SHORTEST_MISSPELT = 5;

/** Whether one letter of a name is missing, too many, another, or has changed places with the next one. */
function isMisspelt(name, meant) {
  if (meant.length < SHORTEST_MISSPELT) return false;
  let at = 0;
  while (at < meant.length && name[at] === meant[at]) at += 1;
  const [here, next, afterNext] = [0, 1, 2].map((skipped) => meant.slice(at + skipped));
  return name.slice(at) === next || name.slice(at + 1) === here || name.slice(at + 1) === next
    || (name.slice(at + 2) === afterNext && name[at] === meant[at + 1] && name[at + 1] === meant[at]);
}

/** The path of the decisive option in `rows` that `isMeant`. A store shows some options under a longer name. */
function pathIn(rows, parent, isMeant, prefix) {
  for (const [own, row] of Object.entries(rows)) {
    const path = `${parent}${own}`;
    const names = parent === prefix ? [own, row.property ?? own] : [row.property ?? own];
    if (row.isDecisive && names.map(letters).some(isMeant)) return path;
    const found = row.members && pathIn(row.members, `${path}.`, isMeant, prefix);
    if (found) return found;
  }
  return undefined;
}

/** What to write in place of a decisive option; undefined if it is none. */
function insteadOf(key, prefix) {
  const name = letters(key);
  const pathOf = (isMeant) => pathIn(TABLE, 'table.', isMeant, prefix)
    ?? pathIn(STORE, '', isMeant, prefix)
    ?? pathIn(DYNAMO, 'dynamoConfig.', isMeant, prefix);
  return pathOf((own) => own === name)
    ?? (Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined)
    ?? pathOf((own) => isMisspelt(name, own));
}

/** Refuses the option `key` of the group `prefix`, or warns of it. */
function unknown(key, prefix) {
  const path = `${prefix}${key}`;
  const instead = insteadOf(key, prefix);
  if (instead) throw new RangeError(`${path} is not an option of this store: write ${instead}`);
  warnOnce(`koa-session-dynamodb-store: the option ${path} is unknown and has no effect`);
}

module.exports = { INSTEAD, unknown };
