'use strict';

/** What napi-derive leaves behind, one JSON object a line, as TypeScript declarations. */

const indented = (text) => text.split('\n').map((line) => (line ? `  ${line.trim().replace(/^\*/, ' *')}` : line)).join('\n');

function declarations(text) {
  // In the order of the alphabet: the compiler's is not always the same.
  const items = text.split('\n').filter(Boolean).map((line) => JSON.parse(line))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const members = (name) => items.filter((item) => item.kind === 'impl' && item.name === name)
    .map((item) => item.def).join('\n');
  const blocks = items.filter((item) => item.kind !== 'impl').map((item) => {
    switch (item.kind) {
      case 'const': return `${item.js_doc}${item.def.replace('export const', 'export declare const')}\n`;
      case 'fn': return `${item.js_doc}export declare ${item.def}\n`;
      case 'interface': return `${item.js_doc}export interface ${item.name} {\n${indented(item.def)}\n}\n`;
      case 'struct': return `${item.js_doc}export declare class ${item.name} {\n${indented(members(item.name))}\n}\n`;
      default: throw new Error(`unknown kind of declaration: ${item.kind}`);
    }
  });
  return `// Generated from src/ by scripts/build.js. Do not edit.\n\n${blocks.join('\n')}`;
}

module.exports = declarations;
