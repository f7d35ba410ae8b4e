'use strict';

// The CPU time and the memory that this process has used.

const fs = require('node:fs');
const threadMicroseconds = require('./thread-cpu.js')(fs, process);

/** CPU time in microseconds: of the event loop's thread, and of all threads. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return { loopUs: threadMicroseconds(), processUs: user + system };
}

function since(before) {
  const { loopUs, processUs } = cpu();
  return { loopUs: loopUs - before.loopUs, processUs: processUs - before.processUs };
}

/** Starts a new measurement of the peak. */
function forgetPeak() {
  fs.writeFileSync('/proc/self/clear_refs', '5'); // proc(5)
}

/** The peak of the resident memory. */
function peakRssMb() {
  const [, kibibytes] = /^VmHWM:\s*(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'));
  return kibibytes / 1024;
}

module.exports = {
  cpu, since, forgetPeak, peakRssMb,
};
