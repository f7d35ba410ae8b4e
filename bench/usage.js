'use strict';

// What this process has used: CPU time and memory.

const fs = require('node:fs');
const threadMicroseconds = require('./thread-cpu.js')(fs, process);

/** CPU time in microseconds: of the thread the event loop runs on, and of all. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return { loopUs: threadMicroseconds(), processUs: user + system };
}

function since(before) {
  const { loopUs, processUs } = cpu();
  return { loopUs: loopUs - before.loopUs, processUs: processUs - before.processUs };
}

/** From now on the peak is that of what comes. */
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
