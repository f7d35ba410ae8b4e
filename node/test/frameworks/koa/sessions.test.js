'use strict';

const { useEngine } = require('../../support/engine');
const sessions = require('./sessions');

sessions(useEngine());
