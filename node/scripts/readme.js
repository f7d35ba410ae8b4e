'use strict';

// The README as npm shows it. npm has none of the files that its links lead to, so they become links into the
// repository that the manifest names. While it names no repository, they stay as they are.

const manifest = require('../package.json');

const CODE = /(```[\s\S]*?\n```|`[^`\n]*`)/;
const LINK = /(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)/g;

module.exports = function readmeOf(text, repository = manifest.repository) {
  if (!repository) return text;
  const address = (repository.url ?? repository).replace(/^git\+|\.git$/g, '');
  // Every other part is code, which stays.
  const links = (part) => part.replace(LINK, (_, image, words, target) => (
    `${image}[${words}](${address}/${image ? 'raw' : 'blob'}/HEAD/${target})`));
  return text.split(CODE).map((part, index) => (index % 2 === 1 ? part : links(part))).join('');
};
