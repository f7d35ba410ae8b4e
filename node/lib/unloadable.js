'use strict';

/** Says why there is no native part, and what to do. */

const { existsSync, readdirSync } = require('node:fs');

/** @typedef {{ target: string, error: NodeJS.ErrnoException }} Failure What came of a binary that was found. */

const MANUAL = 'See docs/installing.md in the repository.';

const LIBC = { gnu: 'glibc', musl: 'musl' };

/** The system's C library and, if it is glibc, its version. Empty where Node.js or Deno does not say. */
function system() {
  try {
    const { header } = /** @type {any} */ (process.report.getReport());
    return { libc: header.glibcVersionRuntime ? 'gnu' : 'musl', glibc: header.glibcVersionRuntime };
  } catch {
    return {};
  }
}

const libcOf = (target) => /-(gnu|musl)$/.exec(target)?.[1];

/** What helps against a failure of the system's loader, or of what is checked before. */
function cureOf({ target, error }, { libc = '', glibc = 'an older one' }, again) {
  const { code, message } = error;
  const [, needed] = /version `GLIBC_([\d.]+)' not found/.exec(message) ?? [];
  // A library that the binary needs, by glibc and by musl.
  const [, library] = /^(?:Error loading shared library )?([^/:]+\.so[.\d]*): (?:cannot open|No such)/.exec(message) ?? [];
  if (code === 'ERR_DLOPEN_DISABLED') return 'Start Node.js with --allow-addons, and without --no-addons.';
  if (code === 'OTHER_VERSION' || code === 'TRUNCATED') return again;
  if (/failed to map segment/.test(message)) {
    return 'Its folder may be mounted with noexec, which forbids running what is in it: install the package elsewhere.';
  }
  if (needed) {
    return `It needs glibc ${needed} or newer, and this system has ${glibc}. Use a newer system, such as Amazon Linux 2023, Debian 12 or Ubuntu 22.04.`;
  }
  if (libc && libcOf(target) && libcOf(target) !== libc) {
    return `It is for ${LIBC[libcOf(target)]}, and this system has ${LIBC[libc]}. ${again}`;
  }
  if (library) return `This system lacks the library ${library}: install it (libgcc_s: the package libgcc, or libgcc-s1).`;
  if (/ELF|file too short|cannot (read|open)|Exec format|not a mach-o|not a valid/i.test(message)) {
    return `The file is damaged, or for another processor. ${again}`;
  }
  return '';
}

function sayFailure({ name, folder }, failure, here, again) {
  const { target, error } = failure;
  const reason = error.message.replace(/\.$/, '');
  if (!folder) {
    return `The binary of ${name} in this bundle cannot be loaded: ${reason}. Mark the package as external and install it beside the bundle, on the platform where that runs.`;
  }
  return `The binary of ${name} for ${target} cannot be loaded: ${reason}. ${cureOf(failure, here, again)}`.trim();
}

function sayMissing({
  name, known, targets, folder,
}, held, again) {
  const here = `${process.platform}-${process.arch}`;
  if (targets.length === 0) return `${name} has no binary for ${here}. Supported: ${known.join(', ')}.`;
  if (!folder) {
    return `${name} contains a native addon, which is not in this bundle. Mark the package as external (esbuild: --external:${name}) and install it beside the bundle.`;
  }
  if (held) return `${name} has no binary for ${here}: it was packed with ${held} only. ${again}`;
  const packages = targets.map((target) => `${name}-${target}`).join(' or ');
  return `The binary of ${name} is not installed: ${packages}. ${again} Do not use --omit=optional (--no-optional). npm 10 can leave the packages of other platforms out of a lock file.`;
}

/**
 * @param {{ name: string, known: string[], targets: string[], failures: Failure[], folder: string | undefined }} found
 *   `known` are the supported platforms, `targets` those that were tried, `folder` is that of the package, unless a
 *   bundler has taken it in.
 * @returns {Error}
 */
module.exports = function unloadable(found) {
  const { failures } = found;
  // A program that was compiled has a folder that was on the machine where that was done.
  const folder = found.folder && existsSync(found.folder) ? found.folder : undefined;
  const held = folder && readdirSync(folder).filter((file) => file.endsWith('.node')).join(', ');
  const again = held
    ? 'Pack it on this platform, and install it again.'
    : 'Delete node_modules and the lock file, and install again on this platform.';
  const here = system();
  const failure = failures.find(({ target }) => libcOf(target) === here.libc) ?? failures[0];
  const reason = failure
    ? sayFailure({ ...found, folder }, failure, here, again)
    : sayMissing({ ...found, folder }, held, again);
  const error = new Error(`${reason} ${MANUAL}`, failure && { cause: failure.error });
  return Object.assign(error, { code: 'ERR_DYNAMODB_SESSION_BINDING' });
};
