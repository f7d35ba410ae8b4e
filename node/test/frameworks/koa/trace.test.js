'use strict';

const { useEngine } = require('../../support/engine');
const traceOf = require('./trace');

traceOf(useEngine());
