'use strict';

const { read } = require('./markdown');

/** The names of the members in the body of a class, an interface or a Flow type. */
function membersOf(body) {
  const names = [...body.matchAll(/^ {2}(?:readonly |static )?(\w+)\??[(:<]/gm)].map(([, member]) => member);
  return [...new Set(names)];
}

/**
 * The names of the members that a class or an interface of node/types declares, with those of an interface of the same
 * file that it extends.
 */
function declared(file, kind, name) {
  const pattern = new RegExp(`^(?:export |declare )?${kind} ${name}\\b(?:[^{]* extends (\\w+))?[^{]*\\{\\n(.*?)\\n\\}`, 'ms');
  const found = pattern.exec(read(`node/types/${file}.d.ts`));
  if (!found) return [];
  const [, base, body] = found;
  return [...membersOf(body), ...(base ? declared(file, kind, base) : [])];
}

/** The names of the members that a class or a type of a Flow declaration has. */
function declaredInFlow(file, name) {
  const text = read(`node/${file}.js.flow`);
  const [, body] = new RegExp(`^(?:declare class ${name}\\b.*?|export type ${name} = .*?)\\{\\|?\\n(.*?)\\n\\S`, 'ms').exec(text);
  return membersOf(body);
}

module.exports = declared;
module.exports.inFlow = declaredInFlow;
