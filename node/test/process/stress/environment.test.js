'use strict';

// An application changes its environment while the addon finds credentials, which are renewed with each call. Reading
// the environment meanwhile ends the process.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { before, it } = require('node:test');
const { useEngine } = require('../../support/engine');
const { unique } = require('../../support/options');
const { rawTable } = require('../../support/raw');
const { runScript } = require('../../support/subprocess');

const STRESS = Number(process.env.STRESS || 1);
const ROUNDS = 40 * STRESS;

const engine = useEngine();
const NAME = unique('stress-environment');

before(async () => {
  await engine.started;
  await rawTable(engine.endpoint, NAME).create();
});

const skip = process.platform === 'win32' && 'needs sh';

it('credentials of a process are renewed while process.env changes', { skip }, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stress-environment-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const [config, program, runs] = ['config', 'program', 'runs'].map((name) => path.join(directory, name));
  fs.writeFileSync(config, `[default]\ncredential_process = sh ${program}\n`);
  // They expire so soon that the next call renews them.
  fs.writeFileSync(program, `echo run >> ${runs}
    echo '{"Version":1,"AccessKeyId":"dummyKey","SecretAccessKey":"s","Expiration":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}'\n`);
  const end = await runScript(async (Store, table, endpoint, rounds) => {
    let isDone = false;
    let changes = 0;
    const change = () => {
      for (let i = 0; i < 500; i += 1) {
        process.env[`CHANGING_${changes % 3000}`] = 'x'.repeat(changes % 200);
        delete process.env[`CHANGING_${(changes * 7) % 3000}`];
        changes += 1;
      }
      if (!isDone) setImmediate(change);
    };
    change();
    const store = new Store({ table: { name: table }, operationTimeout: 60000, dynamoConfig: { region: 'eu-west-1', endpoint } });
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(Array.from({ length: 8 }, () => store.get('missing')));
    }
    isDone = true;
    console.log(changes > rounds);
  }, [NAME, engine.endpoint, ROUNDS], { env: { AWS_CONFIG_FILE: config }, ms: 60000 * STRESS });
  assert.deepEqual(end, {
    code: 0, signal: null, stdout: 'true\n', stderr: '',
  });
  const renewals = fs.readFileSync(runs, 'utf8').split('\n').length - 1;
  assert.ok(renewals >= ROUNDS, `${renewals}`);
});
