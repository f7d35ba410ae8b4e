'use strict';

// What is around the installed package: other versions of it, folders that nobody may write to, no home.

const { describe, test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {
  FORMS, NAME, PLATFORM, PUBLISHED, engine, installed, run, withApp,
} = require('./helper');
const manifest = require('../../package.json');

const [WHOLE] = Object.keys(FORMS);
const OTHER_VERSION = '9.8.7';

// The files as those of another version, the addon included.
function becomeOther(...folders) {
  assert.equal(manifest.version.length, OTHER_VERSION.length);
  folders.forEach((folder) => fs.readdirSync(folder, { recursive: true }).map((name) => path.join(folder, name))
    .filter((file) => fs.statSync(file).isFile()).forEach((file) => {
      fs.writeFileSync(file, fs.readFileSync(file, 'latin1').replaceAll(manifest.version, OTHER_VERSION), 'latin1');
    }));
}

describe('two versions side by side', () => {
  for (const form of Object.keys(FORMS)) {
    test(`each works with its own addon, in one process: ${form}`, async (t) => {
      const { project, env } = withApp(await installed(t, form));
      const dependency = path.join(project, 'node_modules/dependency');
      fs.mkdirSync(dependency);
      fs.renameSync(path.join(project, 'app.js'), path.join(dependency, 'index.js'));
      const modules = path.join(project, 'node_modules');
      const ours = fs.readdirSync(modules).filter((name) => name.startsWith(NAME));
      ours.forEach((name) => fs.cpSync(path.join(modules, name), path.join(dependency, 'node_modules', name), { recursive: true }));
      becomeOther(path.join(dependency, 'node_modules'));
      withApp({ project });
      fs.writeFileSync(path.join(project, 'both.js'), `
        require('./app.js');
        require('dependency');
        const addons = Object.keys(require.cache).filter((file) => file.endsWith('.node'));
        console.log(addons.map((file) => require(file).VERSION).join());`);
      const { stdout } = await run(path.join(env.PATH, 'node'), ['both.js', await engine(t)], { cwd: project, env, timeout: 30000 });
      assert.deepEqual(stdout.trim().split('\n'), [`${manifest.version},${OTHER_VERSION}`, '1 2', '1 2']);
    });
  }

  // Its own was not installed: `require` finds the one in a folder above.
  test('the addon of another version is not used', async (t) => {
    const { project, env } = await installed(t, PUBLISHED);
    becomeOther(path.join(project, `node_modules/${NAME}-${PLATFORM}`));
    const script = `try { require('${NAME}'); } catch (error) { console.log(error.code, error.message); }`;
    const { stdout } = await run(path.join(env.PATH, 'node'), ['-e', script], { cwd: project, env });
    assert.match(stdout, /^ERR_DYNAMODB_SESSION_BINDING /);
    assert.ok(stdout.includes(`cannot be loaded: it is of version ${OTHER_VERSION}, and this package of version ${manifest.version}. Delete node_modules and the lock file, and install again on this platform.`), stdout);
  });
});

// Root may read and write everything.
const user = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};

/** What can be wrong with the home, where credentials are looked for. */
const HOMES = {
  'HOME is not set': () => undefined,
  'HOME does not exist': () => '/nonexistent',
  'HOME is a file': (project) => path.join(project, 'package.json'),
  'HOME may not be read': (project) => {
    const home = path.join(project, 'home');
    fs.mkdirSync(home, { mode: 0 });
    return home;
  },
};

// Nothing is written, wherever the package is.
describe('as a user who may write nowhere', () => {
  async function runs(t, form, homeOf) {
    const { project, env } = withApp(await installed(t, form));
    const HOME = homeOf(project);
    await run('chmod', ['-R', 'a-w,a+rX', path.join(project, 'node_modules')]);
    fs.chmodSync(path.dirname(project), 0o755);
    const files = () => fs.readdirSync(project, { recursive: true });
    const before = files();
    const { stdout, stderr } = await run(process.execPath, ['app.js', await engine(t)], {
      cwd: project, env: { ...env, HOME }, timeout: 30000, ...user,
    });
    await run('chmod', ['-R', 'u+w', project]);
    assert.deepEqual([stdout, stderr], ['1 2\n', '']);
    assert.deepEqual(files(), before);
  }

  for (const [what, homeOf] of Object.entries(HOMES)) {
    test(what, (t) => runs(t, WHOLE, homeOf));
  }
  test('with a package of its own for the addon', (t) => runs(t, PUBLISHED, HOMES['HOME is not set']));
});

describe('an addon that may not be used', () => {
  const NAMESPACE = ['--user', '--map-root-user', '--mount', 'sh', '-ec'];
  const can = spawnSync('unshare', [...NAMESPACE, 'mount -t tmpfs -o noexec none /mnt']).status === 0;
  const LOAD = `try { require('${NAME}'); } catch (error) { console.log(error.code, error.message); }`;

  test('its file may not be read', async (t) => {
    const { project, addon } = await installed(t);
    fs.chmodSync(addon, 0);
    fs.chmodSync(path.dirname(project), 0o755);
    const { stdout } = await run(process.execPath, ['-e', LOAD], { cwd: project, env: {}, ...user });
    assert.match(stdout, /^ERR_DYNAMODB_SESSION_BINDING .* cannot be loaded: EACCES: permission denied.* See docs\/installing\.md/);
  });

  test('its folder is mounted with noexec', { skip: can ? false : 'needs mount namespaces' }, async (t) => {
    const { project, env } = await installed(t);
    const mounted = `mount -t tmpfs -o noexec none /mnt && cp -r node_modules /mnt && cd /mnt && exec ${process.execPath} -e "$0"`;
    const { stdout } = await run('unshare', [...NAMESPACE, mounted, LOAD], { cwd: project, env: { ...env, PATH: process.env.PATH } });
    assert.match(stdout, /^ERR_DYNAMODB_SESSION_BINDING .* cannot be loaded: .*failed to map segment.* may be mounted with noexec/);
  });
});
