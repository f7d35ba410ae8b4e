'use strict';

// What release/check.py accepts and refuses: the addon of this test run, and libraries of a few lines, each with one
// fault.

const {
  after, before, describe, it,
} = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const platforms = require('../../npm/platforms.json');
const { inspect, rename, setMachine } = require('../packaging/elf');

const ROOT = path.resolve(__dirname, '../../..');

const isGlibc = process.platform === 'linux' && Boolean(process.report.getReport().header.glibcVersionRuntime);
const platform = isGlibc && platforms.find(({ cpu, libc }) => cpu === process.arch && libc === 'glibc');

/** Why these tests cannot run here, or false. LIEF, which reads the files, is fetched like the tools of a release. */
function missing() {
  if (!platform) return 'needs Linux with glibc';
  const { status, stderr } = spawnSync('bash', [path.join(ROOT, 'release/tools'), 'check'], { encoding: 'utf8' });
  return status === 0 ? false : `needs LIEF for Python: ${stderr.trim().split('\n').at(-1)}`;
}

describe('release/check.py', { skip: missing() }, () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'check-'));
  const good = path.join(directory, 'good.node');
  after(() => fs.rmSync(directory, { recursive: true }));

  /** The problems of a file, as an addon of this machine's platform. */
  const problemsOf = (file) => {
    const args = [path.join(ROOT, 'release/check.py'), 'addon', platform.name, file];
    const env = { ...process.env, PYTHONPATH: path.join(ROOT, 'target/release-tools/check') };
    return JSON.parse(execFileSync('python3', args, { encoding: 'utf8', env })).problems;
  };

  const ADDON = '#include <unistd.h>\n__attribute__((visibility("default"))) int napi_register_module_v1(void) { return getpid(); }\n';
  const FLAGS = ['-Wl,-s', '-Wl,-z,nodelete', '-Wl,-z,relro', '-Wl,-z,noexecstack', '-Wl,--disable-new-dtags'];

  /** Compiles what an addon has to have, and more. */
  const compiled = (name, more = '', flags = FLAGS) => {
    const [source, file] = ['.c', '.node'].map((extension) => path.join(directory, name + extension));
    fs.writeFileSync(source, ADDON + more);
    execFileSync(process.env.CC || 'cc', ['-shared', '-fPIC', '-fvisibility=hidden', '-o', file, source, ...flags]);
    return file;
  };
  const without = (flag) => FLAGS.filter((one) => one !== flag);
  const changed = (name, bytes) => {
    fs.writeFileSync(path.join(directory, name), bytes);
    return path.join(directory, name);
  };

  before(() => compiled('good'));

  it('accepts a file without a fault', () => {
    assert.deepEqual(problemsOf(good), []);
  });

  it('accepts the addon of this test run, but for the glibc that it is linked with', () => {
    const addon = path.join(ROOT, 'node', `koa-session-dynamodb-store.${platform.name}.node`);
    assert.deepEqual(problemsOf(addon).filter((problem) => !/^needs glibc [\d.]+, and [\d.]+ is promised$/.test(problem)), []);
  });

  const AT_MOST = 7 * 1024 * 1024;
  const KEPT = '__attribute__((used)) static const char';
  const FAULTS = {
    'a glibc that is too new': [() => {
      const [version] = Object.values(inspect(good).needed).flat();
      return changed('glibc', rename(fs.readFileSync(good), version, 'GLIBC_2.99'));
    }, `needs glibc 2.99, and ${platform.glibc} is promised`],
    'a path of this machine': [() => compiled('path', `${KEPT} path[] = "${ROOT}/src/x.rs";\n`),
      `holds a path of the machine that built it: ${ROOT}/src/x.rs`],
    symbols: [() => compiled('symbols', '', without('-Wl,-s')), 'is not stripped'],
    'too many bytes': [() => {
      const file = changed('size', fs.readFileSync(good));
      fs.truncateSync(file, AT_MOST + 1); // which fills it up
      return file;
    }, `${AT_MOST + 1} bytes, and at most ${AT_MOST} are allowed`],
    'another processor': [() => {
      const other = { x64: 'arm64', arm64: 'x64' }[process.arch];
      return changed('processor', setMachine(fs.readFileSync(good), other));
    }, 'is for '],
    'a library that not every system has': [() => changed('library', rename(fs.readFileSync(good), 'libc.so.6', 'libz.so.1')),
      'needs libz.so.1, which not every system has'],
    'an export of its own': [() => compiled('export', '__attribute__((visibility("default"))) int more;\n'),
      "exports 1 symbols that Node does not look for, such as ['more']"],
    'code that dlclose() unmaps': [() => compiled('dlclose', '', without('-Wl,-z,nodelete')), 'is not linked with -z nodelete'],
    'an executable stack': [() => compiled('stack', '', [...without('-Wl,-z,noexecstack'), '-Wl,-z,execstack']),
      'has an executable stack'],
    'places to look for libraries': [() => compiled('rpath', '', [...FLAGS, '-Wl,-rpath,/opt/lib']),
      'looks for libraries in places of its own'],
  };
  for (const [name, [make, expected]] of Object.entries(FAULTS)) {
    it(`refuses ${name}, and says so`, () => {
      const problems = problemsOf(make());
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.ok(problems[0].startsWith(expected), problems[0]);
    });
  }
});
