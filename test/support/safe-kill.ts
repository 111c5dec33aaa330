/** A pid that is not known reads as 0, and 0 is everybody in the group of this process: the tests, npm, and the shell that started them. */
const kill = process.kill.bind(process);

process.kill = (pid, signal) => {
  if (!Number.isSafeInteger(pid) || Math.abs(pid) <= 1) throw new Error(`a test sends ${String(signal)} to pid ${pid}`);
  return kill(pid, signal);
};
