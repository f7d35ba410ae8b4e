'use strict';

/** Whether a session can have this id. The native part checks the length. */
const isId = (id) => typeof id === 'string' && id !== '' && id.isWellFormed();

module.exports = { isId };
