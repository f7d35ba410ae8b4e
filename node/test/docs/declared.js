'use strict';

const { read } = require('./markdown');

/** The names of the members that a class or an interface of node/types declares. */
function declared(file, kind, name) {
  const [, body] = new RegExp(`^(?:export |declare )?${kind} ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 'ms').exec(read(`node/types/${file}.d.ts`));
  const names = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:<]/gm)].map(([, member]) => member);
  return [...new Set(names)];
}

module.exports = declared;
