'use strict';

// Collects the warnings of the package from now on; the function that is returned waits for them.
module.exports = function warningsOf(t) {
  const warnings = [];
  const listener = (warning) => { if (warning.code === 'DYNAMODB_STORE') warnings.push(warning); };
  process.on('warning', listener);
  t.after(() => process.off('warning', listener));
  return async () => {
    await new Promise((resolve) => { setImmediate(resolve); });
    return warnings;
  };
};
