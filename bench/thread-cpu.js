'use strict';

// Returns a function for the CPU time of the event loop's thread (the first one of the process), in microseconds.
// Returns undefined if the system cannot measure it. process.cpuUsage() counts every thread of the process.

module.exports = (fs, { threadCpuUsage, pid, platform }) => {
  if (threadCpuUsage) {
    return () => {
      const { user, system } = threadCpuUsage();
      return user + system;
    };
  }
  if (platform !== 'linux') return undefined;
  const schedstat = `/proc/self/task/${pid}/schedstat`; // nanoseconds on a CPU, nanoseconds waiting, timeslices
  const read = () => Number(fs.readFileSync(schedstat, 'utf8').split(' ')[0]) / 1000;
  try {
    return read() > 0 ? read : undefined;
  } catch {
    return undefined;
  }
};
