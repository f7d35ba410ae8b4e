'use strict';

// How to ask for the CPU time of the thread the event loop runs on (the process's first), in microseconds;
// undefined where nothing can tell. process.cpuUsage() counts every thread of the process.

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
